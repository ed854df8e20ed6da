"""Which words are names of characters, learned from the training stories by counting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from analysis.stories.words import cased_words

# A capitalised word of two letters or more where no sentence begins: after a lower-case letter or a comma.
_CAPITAL_INSIDE = re.compile(r"(?<=[a-z,;] )(?=[A-Z][^\W\d_])[^\W\d_]+")
MIN_CAPITALS = 3
MAX_LOWER_SHARE = 0.2


def capitals_inside(text: str) -> list[str]:
    """The capitalised words inside the sentences of a text with straight apostrophes, as written."""
    return _CAPITAL_INSIDE.findall(text)


def names_among(written: Counter[str], capitals: Counter[str]) -> frozenset[str]:
    """The words, in lower case, that are names.

    A name stands capitalised inside sentences at least three times (`capitals`), and in lower case
    (`written`) at most a fifth as often: so `mom`, `grandma` or `i` are none, `lily` and `spot` are.
    """
    inside: Counter[str] = Counter()
    for word, times in capitals.items():
        inside[word.lower()] += times
    return frozenset(
        word
        for word, times in inside.items()
        if times >= MIN_CAPITALS and written[word] <= MAX_LOWER_SHARE * times
    )


def named_in(words: Iterable[str], names: AbstractSet[str]) -> set[str]:
    """The characters, in lower case, that cased words name; `Lily's` names Lily, `lily` nobody."""
    capitalised = (word.removesuffix("'s").lower() for word in words if word[:1].isupper())
    return {word for word in capitalised if word in names}


def names_in_both_halves(text: str, names: AbstractSet[str]) -> tuple[int, int]:
    """Of the characters of a text: how many are named in both halves of its words, and how many there are.

    A real story holds on to its few characters; one whose parts do not belong together names others in its
    second half. Characters that come late count against it as those that get lost do.
    """
    words = cased_words(text)
    first, second = (named_in(half, names) for half in _halves(words))
    return len(first & second), len(first | second)


def _halves(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    middle = len(words) // 2
    return words[:middle], words[middle:]
