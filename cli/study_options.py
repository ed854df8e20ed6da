"""What the command lines of studies share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import name_option
from errors import UserError

StudyAgain = Annotated[
    bool, typer.Option("--again", help="Compute it even where the same study is recorded already.")
]
CorpusFolder = Annotated[
    Path | None, typer.Option("--path", help="The corpus's folder; none: the hub.", metavar="FOLDER")
]
CorpusSplit = Annotated[str | None, name_option("Of the corpus: train or official. [train]")]


def corpus_given(
    kind: str | None, path: Path | None, split: str | None, *, option: str = "--data"
) -> dict[str, str] | None:
    """What was asked of a corpus. option: that names one. UserError for what counts for none."""
    given = {"path": None if path is None else str(path), "split": split}
    asked = {key: value for key, value in given.items() if value is not None}
    if kind is None and asked:
        raise UserError(
            "is of a corpus", where=f"--{next(iter(asked))}", cure=f"Add {option} NAME, or leave it out."
        )
    return None if kind is None else {"kind": kind, **asked}
