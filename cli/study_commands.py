"""The command lines of the studies."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.attention_command import attention
from cli.options import DEFAULT_ROOT, Json, Root, ended_in_one_line, name_option, names_given
from cli.study_options import CorpusFolder, CorpusSplit, StudyAgain, corpus_given
from cli.vectors_command import vectors
from errors import UserError

study = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Study texts; each study is a run.",
)


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
    path: CorpusFolder = None,
    split: CorpusSplit = None,
    again: StudyAgain = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show tokenizers side by side, over a text or a corpus."""
    from cli.studies import tokens_verb

    named = names_given(tokenizers, "--tokenizers")
    return tokens_verb(text, named, corpus_given(data, path, split), root, again=again, as_json=json)


@study.command()
@ended_in_one_line
def sentiment(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE", help="A text, or a file of texts: .txt, .csv, .tsv, .jsonl, .parquet."
        ),
    ],
    run: Annotated[
        str | None, name_option("The run whose model labels; none: the newest classifier.")
    ] = None,
    variant: Annotated[str, name_option("Of the run: torch, or one that was exported, as int8.")] = "torch",
    model: Annotated[str | None, name_option("In place of a run: a folder, or a model of the hub.")] = None,
    column: Annotated[str | None, name_option("Of a file with columns, that holds the texts. [text]")] = None,
    quoting: Annotated[
        str | None, name_option("Of a csv or tsv file: auto, quoted or unquoted. [auto]")
    ] = None,
    again: StudyAgain = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Label a text, or each text of a file.

    Each is asked alone, so that none depends on its company.
    """
    from cli.studies import sentiment_verb

    if run is not None and model is not None:
        raise UserError("a run labels texts, or a model", where="--model", cure="Leave one of the two out.")
    given = {**_texts(text, column, quoting), "model": model, "variant": variant}
    return sentiment_verb(given, run, root, again=again, as_json=json)


def _texts(text: str, column: str | None, quoting: str | None) -> dict[str, str]:
    """What was asked of a text or a file. UserError for what counts for a file alone."""
    from datamodules.file_texts import names_a_file

    of_file = {name: value for name, value in (("column", column), ("quoting", quoting)) if value is not None}
    if names_a_file(text):
        return {"path": text, **of_file}
    if of_file:
        raise UserError("is of a file", where=f"--{next(iter(of_file))}", cure="Leave it out.")
    return {"text": text}


study.command()(attention)
study.command()(vectors)
