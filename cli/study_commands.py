"""The command lines of the studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_ROOT, Json, Root, ended_in_one_line, name_option, names_given
from errors import UserError

study = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Study texts; each study is a run.",
)
StudyAgain = Annotated[
    bool, typer.Option("--again", help="Compute it even where the same study is recorded already.")
]


@study.callback()
def studies() -> None:
    """Studies."""


@study.command()
@ended_in_one_line
def tokens(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="What is split.", show_default=False)
    ] = None,
    tokenizers: Annotated[
        str | None,
        name_option(
            "nltk, folders or models of the hub, between commas. [nltk,bert-base-uncased,roberta-base,gpt2]"
        ),
    ] = None,
    data: Annotated[
        str | None, name_option("In place of a text all texts of this corpus, such as sst2.")
    ] = None,
    path: Annotated[
        Path | None, typer.Option(help="The corpus's folder; none: the hub.", metavar="FOLDER")
    ] = None,
    split: Annotated[str | None, name_option("Of the corpus: train or official. [train]")] = None,
    again: StudyAgain = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show tokenizers side by side, over a text or a corpus."""
    from cli.studies import tokens_verb

    named = names_given(tokenizers, "--tokenizers")
    return tokens_verb(text, named, _corpus(data, path, split), root, again=again, as_json=json)


def _corpus(kind: str | None, path: Path | None, split: str | None) -> dict[str, str] | None:
    """What was asked of a corpus. UserError for what counts for none."""
    given = {"path": None if path is None else str(path), "split": split}
    asked = {key: value for key, value in given.items() if value is not None}
    if kind is None and asked:
        raise UserError(
            "is of a corpus", where=f"--{next(iter(asked))}", cure="Add --data NAME, or leave it out."
        )
    return None if kind is None else {"kind": kind, **asked}
