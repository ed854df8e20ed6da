"""The corpora: a row for each.

A new one is a row here, its kind in `settings.py`, a class where its rows are not read or held out as others are, and a
YAML file of an experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datamodules.settings import Corpus

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData


@dataclass(frozen=True)
class CorpusRow:
    """A corpus, and the class of its datamodule, which is imported when it is asked for."""

    corpus: Corpus
    data_class: Callable[[], type[TokenizedData]]


def _sst2() -> type[TokenizedData]:
    from datamodules.classification import Sst2Data

    return Sst2Data


def _imdb() -> type[TokenizedData]:
    from datamodules.classification import ImdbData

    return ImdbData


def _demo_reviews() -> type[TokenizedData]:
    from datamodules.classification import DemoReviewsData

    return DemoReviewsData


def _tinystories() -> type[TokenizedData]:
    from datamodules.stories import TinyStoriesData

    return TinyStoriesData


def _demo_stories() -> type[TokenizedData]:
    from datamodules.stories import DemoStoriesData

    return DemoStoriesData


_ROWS = (
    CorpusRow(Corpus("sst2", "stanfordnlp/sst2"), _sst2),
    CorpusRow(Corpus("imdb", "stanfordnlp/imdb", official="test"), _imdb),
    CorpusRow(Corpus("demo_reviews", None), _demo_reviews),
    CorpusRow(Corpus("tinystories", "roneneldan/TinyStories"), _tinystories),
    CorpusRow(Corpus("demo_stories", None), _demo_stories),
)
CORPORA: Mapping[str, CorpusRow] = {row.corpus.kind: row for row in _ROWS}
