"""Kinds of rows that a model may be weak on, told by their texts, labels and the confidence of an answer.

Legend: N rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from comparison.answers import Classes

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
# Words that turn a statement round: of the cues of negation that CoNLL-2010 (Farkas et al.) and NegEx (Chapman et al.
# 2001) list, those of one word in everyday English, and the contraction.
_NEGATION = {
    "not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without", "cannot", "hardly",
    "barely", "scarcely", "lack", "lacks", "lacking", "fails", "n't", "nt",
}  # fmt: skip
# Discourse connectives of the sense Comparison (Penn Discourse Treebank 2.0, Prasad et al. 2008).
_CONTRAST = {
    "but", "although", "though", "however", "yet", "despite", "nevertheless", "nonetheless", "while", "whereas",
    "still", "instead", "except",
}  # fmt: skip
_FIFTHS = ("shortest fifth", "second fifth", "middle fifth", "fourth fifth", "longest fifth")


def slices(
    texts: Sequence[str], one: Classes, other: Classes, label_names: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """(N,) by name: length fifths, negation, contrast, rare words, each label, the least and the most sure fifth.

    Confidence is the mean of both models': rows on which one of them is unsure are those that it answers wrong, and the
    other would look better on them. Rare words are those that no other of these rows holds; the fifth of the rows that
    has most of them for its length is the slice. Sentences of SST-2 are split into tokens (`does n't`), others are not;
    both are found.
    """
    words = [_words(text) for text in texts]
    lengths_N = np.array([len(found) for found in words])
    sets = [set(found) for found in words]
    held = Counter(word for found in sets for word in found)
    rare_N = np.array([sum(held[word] == 1 for word in found) / max(1, len(found)) for found in sets])
    confidence_N = (_confidence(one) + _confidence(other)) / 2
    return {
        **dict(zip(_FIFTHS, _fifths(lengths_N), strict=True)),
        "negation": _any(sets, _NEGATION),
        "contrast": _any(sets, _CONTRAST),
        "rare words": list(_fifths(rare_N))[-1],
        **{
            f"label {label_names[label]}": one.labels_N == label for label in np.unique(one.labels_N).tolist()
        },
        "least sure fifth": next(iter(_fifths(confidence_N))),
        "most sure fifth": list(_fifths(confidence_N))[-1],
    }


def _confidence(classes: Classes) -> NDArray[np.float64]:
    return np.exp(classes.log_probabilities.max(axis=1))


def _words(text: str) -> list[str]:
    return [part for word in _WORD.findall(text.lower()) for part in _parts(word.replace("\u2019", "'"))]


def _parts(word: str) -> list[str]:
    """`don't` holds a negation: `do` and `n't`."""
    return [word.removesuffix("n't"), "n't"] if word.endswith("n't") else [word]


def _any(sets: Sequence[set[str]], cues: set[str]) -> NDArray[np.bool_]:
    return np.array([not found.isdisjoint(cues) for found in sets])


def _fifths(values_N: NDArray[np.number[Any]]) -> Iterator[NDArray[np.bool_]]:
    """Five parts as equal as can be, from the least; rows of one value stay together."""
    edges = np.quantile(values_N, [0.2, 0.4, 0.6, 0.8])
    part_N = np.searchsorted(edges, values_N, side="left")
    yield from (part_N == part for part in range(5))
