"""What a classifier's labels are called, and how many rows are right without a model.

Legend: C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from host.text import shortened
from runs.data_record import no_better_told, recorded_data
from scoring.intervals import wilson_interval

if TYPE_CHECKING:
    from comparison.answers import Answers, Classes

_NAME = 40  # characters
_TOLD = 3  # models


def label_names(answers: Answers) -> tuple[str, ...]:
    """C names, each on a line, as the run's record has them; numbers for a run of an earlier version."""
    assert answers.classes is not None, "a language model has no labels"
    count = answers.classes.logits_NC.shape[1]
    try:
        data = recorded_data(answers.run)
    except UserError:  # a comparison rests on the answers; what their labels are called adorns it
        data = None
    names = () if data is None else tuple(shortened(name, _NAME) for name in data.summary.label_names)
    return names if len(set(names)) == len(names) == count else tuple(map(str, range(count)))


def baseline_told(sides: Sequence[Answers]) -> str | None:
    """Which classifiers are not shown to be better than the commonest label of the rows that they all answered.

    None where each is, and of language models.
    """
    weak = [one for one in sides if one.classes is not None and not _beats_the_commonest(one.classes)]
    if not weak or weak[0].classes is None:
        return None
    counts = np.bincount(weak[0].classes.labels_N)
    name = label_names(weak[0])[int(counts.argmax())]
    more = f" and {len(weak) - _TOLD} more" if len(weak) > _TOLD else ""
    who = ", ".join(one.label for one in weak[:_TOLD]) + more
    return f"{who}: {no_better_told(name, float(counts.max() / counts.sum()))}"


def _beats_the_commonest(classes: Classes) -> bool:
    rows = len(classes.labels_N)
    low, _ = wilson_interval(int(classes.right.sum()), rows)
    return low > float(np.bincount(classes.labels_N).max()) / rows
