"""The command line of `encore study attention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_ROOT, Json, Root, ended_in_one_line, name_option, whole_option
from cli.study_options import CorpusFolder, StudyAgain, corpus_given
from errors import UserError


@ended_in_one_line
def attention(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What the model reads.", show_default=False)
    ] = None,
    run: Annotated[str | None, name_option("The run whose model reads; none: the newest classifier.")] = None,
    model: Annotated[str | None, name_option("In place of a run: a folder, or a model of the hub.")] = None,
    layer: Annotated[int | None, whole_option("Show a head of this layer, from 0.", 0, 999)] = None,
    head: Annotated[int | None, whole_option("Of the layer, from 0.", 0, 999)] = None,
    data: Annotated[
        str | None, name_option("In place of a text the texts of this corpus, such as sst2.")
    ] = None,
    path: CorpusFolder = None,
    split: Annotated[str | None, name_option("Of the corpus: train or official. [official]")] = None,
    rows: Annotated[int | None, whole_option("Texts of the corpus. [1000]", 2, 100_000)] = None,
    sentences: Annotated[
        int | None, whole_option("Texts of which words are removed. [200]", 2, 100_000)
    ] = None,
    again: StudyAgain = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show where a transformer looks, and what its answers rest on.

    Over a corpus: heads in figures, how faithful weights are, and the score with less attention.
    """
    from cli.studies import attention_verb

    corpus = _corpus(data, path, split, {"rows": rows, "sentences": sentences})
    if run is not None and model is not None:
        raise UserError("a run reads, or a model", where="--model", cure="Leave one of the two out.")
    chosen = _chosen(layer, head, data)
    return attention_verb(
        {"text": text, "model": model, **corpus}, run, chosen, root, again=again, as_json=json
    )


def _corpus(
    data: str | None, path: Path | None, split: str | None, counts: dict[str, int | None]
) -> dict[str, Any]:
    """What was asked of a corpus. UserError for what counts for none."""
    asked = {name: count for name, count in counts.items() if count is not None}
    corpus = corpus_given(data, path, split)
    if corpus is None:
        if asked:
            raise UserError(
                "is of a corpus", where=f"--{next(iter(asked))}", cure="Add --data NAME, or leave it out."
            )
        return {"corpus": None}
    return {"corpus": {"split": "official", **corpus}, **asked}


def _chosen(layer: int | None, head: int | None, data: str | None) -> tuple[int, int] | None:
    if layer is None and head is None:
        return None
    if layer is None or head is None:
        missing = "head" if head is None else "layer"
        raise UserError("a head stands in a layer", where=f"--{missing}", cure="Give --layer and --head.")
    if data is not None:
        raise UserError("is of one text", where="--layer", cure="Leave it out, or give a text.")
    return layer, head
