"""What about rows is odd enough to be said before a training: it finishes, and its scores mean something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

IMBALANCE = 0.1  # a label with a smaller share of a split's rows is told
_LOOKED_AT, _STRETCH = 10_000, 1_000  # texts of a split, and of them at once
_SHOWN = 30  # characters around what was found


def label_oddities(split: str, label_counts: Mapping[str, int]) -> Iterator[str]:
    """Whether all rows of a split have one label, or one label is rare."""
    total = sum(label_counts.values())
    if not total or len(label_counts) < 2:
        return
    present = [label for label, rows in label_counts.items() if rows]
    if len(present) == 1:
        meaning = "nothing can be learned" if split == "train" else "any accuracy says nothing"
        yield f"{split}: all {total:,} rows are {present[0]}: {meaning}"
        return
    for label, rows in label_counts.items():
        if rows < IMBALANCE * total:
            yield (
                f"{split}: {rows:,} of {total:,} rows are {label} ({100 * rows / total:.1f} %, told below "
                f"{100 * IMBALANCE:.0f} %): whoever always says the other is right {100 - 100 * rows / total:.1f} %"
            )


def row_like_texts(split: str, texts: Sequence[str], classes: int) -> Iterator[str]:
    """Whether texts hold what looks like rows, which a reader may have joined; of many texts a sample is looked at."""
    pattern = row_pattern(classes)
    stretches = _stretches(len(texts))
    found = [
        begin + row
        for begin, end in stretches
        for row, text in enumerate(texts[begin:end])
        if has_row(text, pattern)
    ]
    if found:
        looked_at = sum(end - begin for begin, end in stretches)
        yield row_like_sentence(split, found[0], texts[found[0]], pattern, len(found), looked_at)


def row_like_sentence(
    split: str, row: int, text: str, pattern: re.Pattern[str], found: int, looked_at: int
) -> str:
    match = pattern.search(text)
    assert match is not None
    around = text[max(0, match.start() - _SHOWN) : match.end() + _SHOWN]
    return f"{split}: {found:,} of {looked_at:,} texts hold what looks like rows, the first is row {row}: {around!r}"


def row_pattern(classes: int) -> re.Pattern[str]:
    """A label at the end or the beginning of a line of a text, beside a delimiter, or a line that is a JSON object.

    All of it is looked for from a line break on: these are few, and delimiters are many.
    """
    label = f"[0-{min(max(classes, 2), 10) - 1}]"
    before = rf'(?<=[\t,;|]{label}[\n\r])|(?<=[\t,;|]"{label}"[\n\r])'
    return re.compile(rf'[\n\r](?:{before}|"?{label}"?[\t,;|]|\{{")')


def has_row(text: str, pattern: re.Pattern[str]) -> bool:
    return pattern.search(text) is not None


def _stretches(rows: int) -> list[tuple[int, int]]:
    """All rows where they are few, else so many in stretches from end to end: stored texts are read in pieces."""
    if rows <= _LOOKED_AT:
        return [(begin, min(begin + _STRETCH, rows)) for begin in range(0, rows, _STRETCH)]
    begins = np.linspace(0, rows - _STRETCH, _LOOKED_AT // _STRETCH).astype(int).tolist()
    return [(begin, begin + _STRETCH) for begin in begins]
