"""Sentences of running text, told apart by its marks alone: the same each time, without a model."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAK = re.compile(r"<br\s*/?>|[\r\n\x85\u2028\u2029]+", re.IGNORECASE)  # IMDB keeps those of its pages
# What ends one: marks, and quotes or brackets that close behind them, before white space and a capital or a digit.
# A run of marks is tried at its beginning alone, and nothing is given back: any text takes time linear in its length.
_END = re.compile(r"(?<![.!?])[.!?]++[\"'\u201d\u2019)\]]*+(\s++)(?=[\"'\u201c\u2018(\[]*+[A-Z0-9])")
_ABBREVIATED = re.compile(
    r"(?<![^\W_])(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|Lt|Sgt|Capt|[A-Z]|(?:[A-Z]\.)+[A-Z])\."
)


def sentences(text: str) -> Iterator[str]:
    """Those that hold a letter, in order, without white space at their ends; an initial or a title ends none."""
    for part in _BREAK.split(text):
        begin = looked_at = 0
        for end in _END.finditer(part):
            last = part[looked_at : end.start(1)].split(" ")[-1].lstrip("\"'\u201c\u2018([")
            looked_at = end.end(1)
            if not _ABBREVIATED.fullmatch(last):
                yield from _with_letter(part[begin : end.start(1)])
                begin = looked_at
        yield from _with_letter(part[begin:])


def _with_letter(found: str) -> Iterator[str]:
    if any(map(str.isalpha, found)):
        yield found.strip()
