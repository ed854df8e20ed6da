"""Skip-gram with negative sampling (Mikolov et al. 2013, arXiv 1310.4546) by gensim: the same bytes each time."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from analysis.vectors.keyed import gensim_models
from analysis.vectors.words import words_of
from datamodules.word_vectors import WordVectors, word_vectors
from errors import UserError
from host.progress import OnProgress, silent

_AT_ONCE = 256
_LONGEST = 10_000  # words of a sentence that gensim reads


@dataclass(frozen=True)
class SkipGram:
    """dimensions: of a vector. window: words to each side, at most. least: how often a word stands in the corpus that
    gets a vector. negative: words drawn beside each pair."""

    dimensions: int = 50
    window: int = 5
    least: int = 5
    negative: int = 5
    epochs: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Trained:
    """counts: how often each word of the vectors stands in the corpus. tokens: of the corpus."""

    vectors: WordVectors
    counts: tuple[int, ...]
    tokens: int


def train(
    texts: Sequence[str], settings: SkipGram, *, origin: str, on_progress: OnProgress = silent
) -> Trained:
    """A text is one sentence; its words are those of `words_of` in lower case, on the disk while they
    are read again and again.

    One thread alone: two would take turns as they like. UserError where no word is frequent enough.
    """
    models = gensim_models()
    with TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        tokens = _split(texts, file, on_progress)
        model = models.Word2Vec(
            vector_size=settings.dimensions,
            window=settings.window,
            min_count=settings.least,
            negative=settings.negative,
            seed=settings.seed,
            sg=1,
            workers=1,
            hashfxn=_hashed,
        )
        sentences = _Sentences(file)
        model.build_vocab(sentences)
        if not len(model.wv):
            raise UserError(
                f"has no word that stands there {settings.least} times",
                where=origin,
                cure="Give more texts.",
            )
        model.train(
            sentences,
            total_examples=model.corpus_count,
            epochs=settings.epochs,
            callbacks=[_told(on_progress, settings.epochs)],
        )
    words = list(model.wv.index_to_key)
    counts = tuple(int(model.wv.get_vecattr(word, "count")) for word in words)
    found = word_vectors(words, np.array(model.wv.vectors, np.float32), origin=origin)
    return Trained(found, counts, tokens)


def _hashed(text: str) -> int:
    """In place of Python's `hash`, which is another in each process, for whatever gensim makes of a word's name."""
    return zlib.crc32(text.encode())


def _split(texts: Sequence[str], file: IO[str], on_progress: OnProgress) -> int:
    """Write a line for each text, of its words with blanks between; how many words there are."""
    tokens = 0
    for begin in range(0, len(texts), _AT_ONCE):
        for words in words_of(texts[begin : begin + _AT_ONCE]):
            tokens += len(words)
            for first in range(0, len(words), _LONGEST):
                file.write(" ".join(words[first : first + _LONGEST]).lower() + "\n")
        on_progress("splitting", min(begin + _AT_ONCE, len(texts)), len(texts))
    return tokens


class _Sentences:
    """The lines of a file, as often as they are asked for."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[list[str]]:
        self._file.seek(0)
        for line in self._file:
            yield [sys.intern(word) for word in line.rstrip("\n").split(" ")]


def _told(on_progress: OnProgress, epochs: int) -> Any:
    """A callback of gensim's that reports each epoch."""
    from gensim.models.callbacks import CallbackAny2Vec

    class Told(CallbackAny2Vec):
        def __init__(self) -> None:
            self.done = 0

        def on_epoch_end(self, model: Any) -> None:  # noqa: ARG002 gensim's signature
            self.done += 1
            on_progress("epochs", self.done, epochs)

    return Told()
