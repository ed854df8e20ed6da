"""The rows that several runs answered, found by what the rows are, never by where they stand.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comparison.answers import Answers
from errors import UserError
from runs.layout import fingerprint_tag

if TYPE_CHECKING:
    from scoring.task import Task

_FEWEST = 2  # one row says nothing of how rows differ


@dataclass(frozen=True)
class Matched:
    """The same rows in the same order for all. answers: as given; copies: how many rows stand there before;
    left_out: rows of each that not all have."""

    answers: tuple[Answers, ...]
    copies: int
    left_out: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.answers[0])


def matched(answers: Sequence[Answers]) -> Matched:
    """The rows in common, a row that is there several times as often as all have it, in the order of their checksums
    where the runs' rows differ. UserError for other tasks, and where not two rows are common."""
    check_one_task([(one.where, one.task) for one in answers])
    first = answers[0]
    same = all(_of_the_same_rows(first, other) for other in answers[1:])
    found = list(answers) if same else _same(_common(answers))
    if len(found[0]) < _FEWEST:
        raise UserError(
            f"{'have' if len(answers) > 2 else 'has'} {'one row' if len(found[0]) else 'no row'} in common with "
            f"{first.where}",
            where=" and ".join(other.where for other in answers[1:4]),
            cure="Compare runs on the same data: `encore diff` says how theirs differ.",
        )
    copies = len(found[0]) - len(np.unique(found[0].checksums_N))
    left_out = tuple(len(whole) - len(part) for whole, part in zip(answers, found, strict=True))
    return Matched(tuple(found), copies, left_out)


def _of_the_same_rows(one: Answers, other: Answers) -> bool:
    """All rows, in the order of their source: by the digest of the split, and by each row's checksum."""
    digests = [answers.run.record.tags.get(fingerprint_tag(answers.split)) for answers in (one, other)]
    return digests[0] == digests[1] and np.array_equal(one.checksums_N, other.checksums_N)


def check_one_task(runs: Sequence[tuple[str, Task]]) -> None:
    """UserError where two of them, each by where it is and what it is for, do not compare."""
    first, task = runs[0]
    for where, other in runs[1:]:
        if other is not task:
            raise UserError(
                f"is of the task {other.name}, {first} of {task.name}",
                where=where,
                cure="Name runs of one task.",
            )


def _common(answers: Sequence[Answers]) -> list[Answers]:
    keys = [numbered(one.checksums_N) for one in answers]
    common = reduce(np.intersect1d, keys)  # sorted; each key is there once
    found: list[Answers] = []
    for one, keys_N in zip(answers, keys, strict=True):
        order = np.argsort(keys_N)
        found.append(one.take(order[np.searchsorted(keys_N[order], common)]))
    return found


def numbered(checksums_N: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(N,) keys that are all different: the checksum, and which of its copies a row is."""
    order = np.argsort(checksums_N, kind="stable")
    sorted_N = checksums_N[order]
    first = np.searchsorted(sorted_N, sorted_N)
    copy = np.empty(len(order), dtype=np.uint64)
    copy[order] = np.arange(len(order)) - first
    return (checksums_N.astype(np.uint64) << np.uint64(32)) | copy


def _same(answers: Sequence[Answers]) -> list[Answers]:
    """Without rows that share a checksum by chance (one of 25,000 does, of two data sets of so many, in one comparison
    of seven): their labels, texts or sizes differ."""
    first = answers[0]
    same_N = np.ones(len(first), dtype=bool)
    for other in answers[1:]:
        same_N &= first.sizes_N == other.sizes_N
        if first.classes is not None and other.classes is not None:
            same_N &= first.classes.labels_N == other.classes.labels_N
    if first.classes is not None:
        texts = first.texts()
        for other in answers[1:]:
            same_N &= np.fromiter(map(str.__eq__, texts, other.texts()), dtype=bool, count=len(texts))
    return list(answers) if same_N.all() else [one.take(np.flatnonzero(same_N)) for one in answers]
