"""What a tokenizer makes of a corpus: how many tokens, how many words in one piece, what is lost, what a cut keeps."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.tokens.pieces import Splitter
from host.progress import OnProgress, silent

CUTS = (128, 256, 512)
PERCENTILES = (5, 25, 50, 75, 95, 99)
_WORD = re.compile(r"\w(?:\S*\w)?")  # between white space, without the punctuation at its ends
_AT_ONCE = 256


@dataclass(frozen=True)
class Kept:
    """Of a cut at so many tokens, special ones included: the share of tokens that stay, of texts that stay whole."""

    tokens: float
    texts: float


@dataclass(frozen=True)
class TokenStatistics:
    """Of one tokenizer over one corpus.

    tokens_a_word, bytes_a_token: means over the corpus. whole_words: the share of words that are one token. unknown:
    tokens that stand for what the vocabulary lacks. not_restored: texts that their ids do not give back as they were;
    none: the tokenizer has no ids. lengths: tokens of a text, by percentile, and the mean; kept: by the cut.
    """

    name: str
    tokens: int
    tokens_a_word: float
    whole_words: float
    bytes_a_token: float
    unknown: int
    not_restored: int | None
    lengths: Mapping[str, float]
    kept: Mapping[str, Kept]


@dataclass(frozen=True)
class CorpusStatistics:
    """bytes: in UTF-8. seconds: that each tokenizer took, which differ each time."""

    texts: int
    words: int
    bytes: int
    tokenizers: tuple[TokenStatistics, ...]
    seconds: Mapping[str, float]


@dataclass
class _Tally:
    """What is counted of one tokenizer. lengths: of each text, eight bytes."""

    lengths: list[int] = field(default_factory=list[int])
    whole: int = 0
    unknown: int = 0
    changed: int = 0
    has_ids: bool = True
    seconds: float = 0.0


def corpus_statistics(
    texts: Sequence[str], splitters: Sequence[Splitter], *, on_progress: OnProgress = silent
) -> CorpusStatistics:
    """Of all texts; some thousands of them are in memory at once, and a number for each."""
    tallies = {splitter.name: _Tally() for splitter in splitters}
    words = size = 0
    for begin in range(0, len(texts), _AT_ONCE):
        some = texts[begin : begin + _AT_ONCE]
        spans = [{word.span() for word in _WORD.finditer(text)} for text in some]
        words += sum(map(len, spans))
        size += sum(len(text.encode()) for text in some)
        for splitter in splitters:
            _count(tallies[splitter.name], splitter, some, spans)
        on_progress("splitting", begin + len(some), len(texts))
    found = tuple(_statistics(splitter, tallies[splitter.name], words, size) for splitter in splitters)
    return CorpusStatistics(
        len(texts), words, size, found, {name: tally.seconds for name, tally in tallies.items()}
    )


def _count(
    tally: _Tally, splitter: Splitter, texts: Sequence[str], words: Sequence[set[tuple[int, int]]]
) -> None:
    began = time.perf_counter()
    for text, spans, found in zip(texts, words, splitter.split(texts), strict=True):
        tally.lengths.append(len(found.spans))
        tally.whole += found.whole(spans)
        tally.unknown += found.unknown
        tally.has_ids &= found.restored is not None
        tally.changed += found.restored != text
    tally.seconds += time.perf_counter() - began


def _statistics(splitter: Splitter, tally: _Tally, words: int, size: int) -> TokenStatistics:
    lengths = np.array(tally.lengths, np.int64)
    tokens = int(lengths.sum())
    percentiles = np.percentile(lengths, PERCENTILES)
    return TokenStatistics(
        name=splitter.name,
        tokens=tokens,
        tokens_a_word=tokens / max(words, 1),
        whole_words=tally.whole / max(words, 1),
        bytes_a_token=size / max(tokens, 1),
        unknown=tally.unknown,
        not_restored=tally.changed if tally.has_ids else None,
        lengths={
            "mean": float(lengths.mean()),
            **{f"{rank}": float(value) for rank, value in zip(PERCENTILES, percentiles, strict=True)},
            "longest": float(lengths.max()),
        },
        kept={str(cut): _kept(lengths, cut - splitter.special) for cut in CUTS},
    )


def _kept(lengths: np.ndarray, room: int) -> Kept:
    return Kept(
        float(np.minimum(lengths, room).sum() / max(lengths.sum(), 1)), float((lengths <= room).mean())
    )
