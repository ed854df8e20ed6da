"""The command line of `encore study vectors`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import (
    DEFAULT_ROOT,
    Json,
    Root,
    ended_in_one_line,
    folder_given,
    name_argument,
    name_option,
    whole_option,
)
from cli.study_options import CorpusFolder, CorpusSplit, StudyAgain, corpus_given
from cli.vectors_asked import Asked, question_given, training_given

Words = Annotated[list[str] | None, name_argument("Words, by themselves: how alike they are.", "WORD...")]
VectorsFile = Annotated[
    Path | None,
    typer.Option(
        "--vectors",
        help="Parquet with the columns word and vector, or GloVe's text as .txt; or its folder. [ENCORE_VECTORS]",
        parser=folder_given,
        metavar="FILE",
    ),
]
Nearest = Annotated[bool, typer.Option("--nearest", help="The words nearest to WORD.")]
Analogy = Annotated[bool, typer.Option("--analogy", help="Nearest to a sum: king - man + woman.")]
Odd = Annotated[bool, typer.Option("--odd", help="The word that is least like the others.")]
Benchmarks = Annotated[
    bool, typer.Option("--benchmarks", help="WordSim-353, SimLex-999, Google's analogies.")
]
CoverageOf = Annotated[str | None, name_option("How many words of this corpus, such as sst2, have a vector.")]
TrainOn = Annotated[str | None, name_option("Make vectors from this corpus by skip-gram.")]
ExtendedFile = Annotated[
    Path | None,
    typer.Option(
        "--extend",
        help="Of --train: vectors to which words are added that they lack, mapped into their space.",
        parser=folder_given,
        metavar="FILE",
    ),
]
Beside = Annotated[
    bool, typer.Option("--beside", help="Of --extend: of each word of the corpus both vectors, side by side.")
]
Count = Annotated[int | None, whole_option("Words of an answer. [10]", 1, 1000)]
Dimensions = Annotated[int | None, whole_option("Of --train: numbers of a vector. [50]", 1, 1000)]
Epochs = Annotated[int | None, whole_option("Of --train: how often the corpus is read. [5]", 1, 1000)]
Seed = Annotated[int | None, whole_option("Of --train. [0]", 0, 2**32 - 1)]


@ended_in_one_line
def vectors(
    words: Words = None,
    vectors: VectorsFile = None,
    nearest: Nearest = False,
    analogy: Analogy = False,
    odd: Odd = False,
    benchmarks: Benchmarks = False,
    coverage: CoverageOf = None,
    train: TrainOn = None,
    extend: ExtendedFile = None,
    beside: Beside = False,
    path: CorpusFolder = None,
    split: CorpusSplit = None,
    count: Count = None,
    dimensions: Dimensions = None,
    epochs: Epochs = None,
    seed: Seed = None,
    again: StudyAgain = False,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Ask word vectors what is alike, or make some from a corpus."""
    from cli.studies import study_verb

    kinds = {"nearest": nearest, "analogy": analogy, "odd": odd, "benchmarks": benchmarks}
    asked = Asked(
        kinds=[name for name, given in {**kinds, "coverage": coverage, "train": train}.items() if given],
        words=words or [],
        count=count,
        corpus=corpus_given(coverage or train, path, split, option="--coverage or --train"),
        training={
            "dimensions": dimensions,
            "epochs": epochs,
            "seed": seed,
            "extend": extend,
            "beside": beside or None,
        },
    )
    given = question_given if train is None else training_given
    return study_verb(_kind_of(train), given(asked, vectors), root, again=again, as_json=json)


def _kind_of(train: str | None) -> str:
    from experiments.studies import skipgram, vectors

    return vectors.KIND if train is None else skipgram.KIND
