"""The command lines of the verbs of stories."""

from __future__ import annotations

from typing import Annotated

from cli.options import (
    DEFAULT_ROOT,
    Json,
    Root,
    RunId,
    ended_in_one_line,
    name_argument,
    name_option,
    number_option,
    text_option,
    whole_option,
)


@ended_in_one_line
def generate(
    run_id: RunId,
    prompt: Annotated[
        list[str] | None,
        text_option("What stories begin with; may be given again. Without it they begin at will."),
    ] = None,
    n: Annotated[int, whole_option("Stories for each prompt.", 1, 10_000, "--n")] = 1,
    max_length: Annotated[
        int | None,
        whole_option("Tokens of a story, prompt and end included; none: the context.", 2, 1_000_000),
    ] = None,
    temperature: Annotated[float | None, number_option("Above 0; lower is less daring. [0.8]")] = None,
    top_p: Annotated[float | None, number_option("In (0, 1]; 1 draws from all tokens. [0.95]")] = None,
    repetition_penalty: Annotated[float | None, number_option("From 1, which is none. [1]")] = None,
    seed: Annotated[
        int | None,
        whole_option("Of the stories' random generators. [0]", 0, 2**32 - 1),
    ] = None,
    variant: Annotated[str, name_option("Which model writes: torch, fp32 or int8.")] = "torch",
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Write stories with a language model.

    They are logged, and `encore story` writes one again.
    """
    from cli.stories import generate_verb

    given = {
        "max_length": max_length,
        "temperature": temperature,
        "top_p": top_p,
        "repetition_penalty": repetition_penalty,
        "seed": seed,
    }
    return generate_verb(run_id, prompt or [""], n, given, variant, root, as_json=json)


@ended_in_one_line
def story(
    story_id: Annotated[str, name_argument("A run of stories and a number in it.", "ID#N")],
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Write a logged story again, to the character."""
    from cli.stories import story_verb

    return story_verb(story_id, root, as_json=json)
