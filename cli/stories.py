"""The verbs of stories: writing some, and writing one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from cli.tables import SHORT
from cli.verbs import FAILED, OK, named_run, print_json
from errors import UserError
from experiments.config import DecodingConfig
from experiments.loading import parse

if TYPE_CHECKING:
    from experiments.generate import Generated, Replay
    from experiments.writing import Story


def generate_verb(
    run_id: str,
    prompts: Sequence[str],
    n: int,
    given: Mapping[str, object],
    variant: str,
    root: Path,
    *,
    as_json: bool,
) -> int:
    options = {key: value for key, value in given.items() if value is not None}
    decoding = parse(DecodingConfig, options, where="encore generate")
    out, progress, store, record = named_run(run_id, root)
    from experiments.generate import VARIANTS, generate, source_of
    from experiments.machine import usable_cores

    known = next((name for name in VARIANTS if name == variant), None)
    if known is None:
        raise UserError(
            "no such variant", where=f"--variant {variant}", cure=f"Choose one of {', '.join(VARIANTS)}."
        )
    source = source_of(store, record, known, threads=usable_cores())
    wanted = [prompt.strip() for prompt in prompts for _ in range(n)]
    generated = generate(source, wanted, decoding, console=progress)
    if as_json:
        print_json(asdict(generated))
    else:
        _print_stories(out, progress, generated)
    return OK


def _print_stories(out: Console, progress: Console, generated: Generated) -> None:
    short = generated.run_id[:SHORT]
    for story in generated.stories:
        out.print(f"[dim]{short}#{story.number}, {_length(story)}[/]", highlight=False)
        print_story(out, story)
    progress.print(
        f"{generated.tokens_per_s:,.0f} tokens/s. `encore story {short}#0` writes the first one again.",
        highlight=False,
    )


def _length(story: Story) -> str:
    return f"{story.tokens} tokens" + ("" if story.ended else ", broken off at the limit")


def print_story(out: Console, story: Story) -> None:
    """The prompt in bold, the rest as it was written."""
    rest = story.text.removeprefix(story.prompt)
    prompt = story.text[: len(story.text) - len(rest)]
    mark = "" if story.ended else " [red]…[/]"
    out.print(f"[bold]{escape(prompt)}[/]{escape(rest)}{mark}\n", highlight=False)


def story_verb(story_id: str, root: Path, *, as_json: bool) -> int:
    run_id, _, number = story_id.partition("#")
    if not run_id or not number.isdecimal():
        raise UserError("names no story", where=story_id, cure="Write ID#NUMBER, as in 3f2a91c0#12.")
    out, progress, store, record = named_run(run_id, root)
    from experiments.generate import replay

    with progress.status("writing the story again"):
        found = replay(store, record, int(number))
    if as_json:
        print_json({**asdict(found), "same": found.same})
    else:
        _print_replay(out, progress, found)
    return OK if found.same else FAILED


def _print_replay(out: Console, progress: Console, found: Replay) -> None:
    print_story(out, found.again)
    if found.same:
        progress.print("[green]the same[/] as it was logged, to the character", highlight=False)
        return
    progress.print("[red]not the same[/]: it was logged as", highlight=False)
    print_story(progress, found.logged)
