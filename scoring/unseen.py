"""Scores of the rows of a split whose texts a run has not seen.

Corpora are published with texts in both splits: IMDB has 123 official rows whose text stands in train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from scoring.task import Task

UNSEEN_ROWS = "unseen_rows"
_BOUNDS = ("", "_low", "_high")


def unseen_scores(task: Task, answers: pd.DataFrame, seen: NDArray[np.int64]) -> dict[str, float]:
    """The task's metric with its interval, of all answers but those to the rows `seen`, and how many these are.

    Of no row nothing is scored.
    """
    left = answers.drop(index=answers.index[seen])
    scores = task.score(left) if len(left) else {}
    names = {f"{task.metric}{bound}": f"{unseen_metric(task)}{bound}" for bound in _BOUNDS}
    named = {names[name]: value for name, value in scores.items() if name in names}
    return named | {UNSEEN_ROWS: float(len(left))}


def unseen_metric(task: Task) -> str:
    return f"{task.metric}_unseen"
