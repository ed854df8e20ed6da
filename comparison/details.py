"""What of a comparison is long: examples, slices, calibration, confusion.

Legend: K models, N rows, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from comparison.labels import label_names
from comparison.results import Against, Calibration, Confusion, Details, Example, Figure, Point, Slice
from comparison.text_slices import slices
from scoring.calibration import Null, reliability
from scoring.intervals import wilson_interval
from scoring.slices import slice_differences

if TYPE_CHECKING:
    from comparison.answers import Answers, Classes
    from comparison.matching import Matched

_SHOWN = 10  # examples of a kind


def details_of(matched: Matched, order: Sequence[int]) -> Details | None:
    """Of classifiers; of language models, whose answers keep no texts, none.

    order: numbers of the models, best first.
    """
    classes = [one.classes for one in matched.answers if one.classes is not None]
    if not classes:
        return None
    a, b = (0, 1) if len(classes) == 2 else (order[0], order[1])
    texts, labels = matched.answers[0].texts(), [one.label for one in matched.answers]
    names = label_names(matched.answers[0])
    surer_N = _probabilities(classes[a]) - _probabilities(classes[b])
    only_a = np.flatnonzero(classes[a].right & ~classes[b].right)
    only_b = np.flatnonzero(~classes[a].right & classes[b].right)

    def examples(rows: NDArray[np.int64]) -> tuple[Example, ...]:
        return tuple(_example(int(row), texts[row], classes) for row in rows[:_SHOWN])

    return Details(
        a=labels[a],
        b=labels[b],
        only_a=examples(only_a[np.argsort(-surer_N[only_a], kind="stable")]),
        only_b=examples(only_b[np.argsort(surer_N[only_b], kind="stable")]),
        hardest=examples(_hardest(classes)),
        slices=tuple(_slices(classes[a], classes[b], texts, names)),
        calibration=tuple(calibration_of(one) for one in matched.answers),
        confusion=tuple(_confusion(label, one) for label, one in zip(labels, classes, strict=True)),
        label_names=names,
    )


def _probabilities(classes: Classes) -> NDArray[np.float64]:
    """(N,) of the true label."""
    return np.exp(-classes.losses)


def _example(row: int, text: str, classes: Sequence[Classes]) -> Example:
    return Example(
        row=row,
        text=text,
        label=int(classes[0].labels_N[row]),
        answers=tuple(int(one.predictions_N[row]) for one in classes),
        probabilities=tuple(float(np.exp(-one.losses[row])) for one in classes),
    )


def _hardest(classes: Sequence[Classes]) -> NDArray[np.int64]:
    """Rows that some side answers wrong: most sides wrong first, and among these the highest loss over all."""
    wrong_N = np.sum([~one.right for one in classes], axis=0)
    loss_N = np.mean([one.losses for one in classes], axis=0)
    order = np.lexsort((-loss_N, -wrong_N))
    return order[wrong_N[order] > 0]


def _slices(a: Classes, b: Classes, texts: Sequence[str], names: Sequence[str]) -> list[Slice]:
    masks = slices(texts, a, b, names)
    return [
        Slice(
            name=found.name,
            rows=found.rows,
            a=_share(a.right[masks[found.name]]),
            b=_share(b.right[masks[found.name]]),
            difference=Figure(found.difference, found.low, found.high),
            p=found.p,
            stands_out=found.stands_out,
        )
        for found in slice_differences(a.right, b.right, masks)
    ]


def _share(right: NDArray[np.bool_]) -> Figure:
    hits = int(right.sum())
    return Figure(hits / len(right), *wilson_interval(hits, len(right)))


def calibration_of(answers: Answers) -> Calibration:
    assert answers.classes is not None
    confidence_N = np.minimum(1.0, np.exp(answers.classes.log_probabilities.max(axis=1)))
    found = reliability(confidence_N, answers.classes.right)
    points = zip(found.at, found.share, found.low, found.high, strict=True)
    return Calibration(
        side=answers.label,
        ece=_against(found.ece),
        brier=found.brier,
        miscalibration=_against(found.miscalibration),
        discrimination=found.discrimination,
        uncertainty=found.uncertainty,
        curve=tuple(Point(*map(float, point)) for point in points),
    )


def _against(null: Null) -> Against:
    return Against(null.value, null.mean, null.low, null.high, null.p)


def _confusion(side: str, classes: Classes) -> Confusion:
    labels = classes.logits_NC.shape[1]
    counts = np.zeros((labels, labels), dtype=int)
    np.add.at(counts, (classes.labels_N, classes.predictions_N), 1)
    return Confusion(side, tuple(tuple(row) for row in counts.tolist()))
