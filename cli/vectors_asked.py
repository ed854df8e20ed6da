"""What a command line asks of word vectors, and what does not go together in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from errors import UserError

_VERB = "encore study vectors"
_SIGNS = ("+", "-")
_COUNTED = ("nearest", "analogy")
_WORDLESS = ("coverage", "benchmarks", "train")
VARIABLE = "ENCORE_VECTORS"
_NO_VECTORS = (
    f"Give --vectors FILE or set {VARIABLE}; GloVe's are at https://nlp.stanford.edu/projects/glove, and --train makes"
    " some."
)
_NO_SUM = "Write words with + or - between them, as in --analogy king - man + woman."


@dataclass(frozen=True)
class Asked:
    """kinds: options that say what is asked, without dashes. training: options of --train, none where not given."""

    kinds: Sequence[str]
    words: Sequence[str]
    count: int | None
    corpus: Mapping[str, str] | None
    training: Mapping[str, int | Path | None]

    @property
    def kind(self) -> str:
        """UserError for two, and for words where none belong or are missing."""
        if len(self.kinds) > 1:
            raise UserError(
                f"asks for two things, --{self.kinds[1]} too", where=f"--{self.kinds[0]}", cure="Ask one."
            )
        kind = self.kinds[0] if self.kinds else "similarity"
        if kind in _WORDLESS and self.words:
            raise UserError("takes no words", where=f"--{kind}", cure="Leave them out.")
        if kind not in _WORDLESS and not self.words:
            raise UserError("no words", where=_VERB, cure=f"Give some, as in `{_VERB} king queen`.")
        if self.count is not None and kind not in _COUNTED:
            raise UserError("is of --nearest and --analogy", where="--count", cure="Leave it out.")
        return kind


def training_given(asked: Asked, vectors: Path | None) -> dict[str, Any]:
    """Of `SkipGramRequest`."""
    assert asked.kind == "train"
    if vectors is not None:
        raise UserError(
            "are not read where some are made", where="--vectors", cure="Say --extend to add words to them."
        )
    given = {key: value for key, value in asked.training.items() if value is not None}
    extended, beside = given.pop("extend", None), given.pop("beside", False)
    if beside and extended is None:
        raise UserError(
            "is of --extend", where="--beside", cure="Leave it out, or name vectors by --extend FILE."
        )
    extends = {} if extended is None else {"extends": {"path": str(extended), "beside": beside}}
    return {"corpus": asked.corpus, **extends, **given}


def question_given(asked: Asked, vectors: Path | None) -> dict[str, Any]:
    """Of `VectorsRequest`. vectors: none: those that the environment names."""
    kind = asked.kind
    option = next((name for name, value in asked.training.items() if value is not None), None)
    if option is not None:
        raise UserError("is of --train", where=f"--{option}", cure="Leave it out.")
    path = os.environ.get(VARIABLE, "") if vectors is None else str(vectors)
    if not path:
        raise UserError("no word vectors", where=_VERB, cure=_NO_VECTORS)
    count = {} if asked.count is None else {"count": asked.count}
    return {"path": path, "question": {"kind": kind, **_content(kind, asked), **count}}


def _content(kind: str, asked: Asked) -> dict[str, Any]:
    match kind:
        case "nearest":
            if len(asked.words) > 1:
                raise UserError("takes one word", where="--nearest", cure="Ask for each by itself.")
            return {"word": asked.words[0]}
        case "analogy":
            return _sum(asked.words)
        case "coverage":
            return {"corpus": asked.corpus}
        case "benchmarks":
            return {}
        case _:
            return {"words": list(asked.words)}


def _sum(given: Sequence[str]) -> dict[str, list[str]]:
    """The words behind each sign; before the first one, a plus is understood."""
    terms = " ".join(given).split()
    terms = terms if terms[0] in _SIGNS else ["+", *terms]
    signs, words = terms[::2], terms[1::2]
    if len(signs) != len(words) or any(
        (one in _SIGNS) == (other in _SIGNS) for one, other in pairwise(terms)
    ):
        raise UserError("is no sum of words", where=f"--analogy {' '.join(given)}", cure=_NO_SUM)
    return {
        name: [word for word, its in zip(words, signs, strict=True) if its == sign]
        for name, sign in (("positive", "+"), ("negative", "-"))
    }
