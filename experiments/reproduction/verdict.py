"""Two outcomes held against each other: to the bit, and if they differ by how much and where first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from runs.outcome import Outcome
from scoring.tasks import task_of_answers

if TYPE_CHECKING:
    import pandas as pd

# Figures that follow from what is compared anyway, and that a record from before there were any has not.
_CAME_LATER = re.compile(r"/(accuracy_unseen(_low|_high)?|unseen_rows)$")
Verdict = Literal["identical", "within tolerance", "different"]


@dataclass(frozen=True)
class Tolerance:
    """How far apart two runs may be and still count as the same result.

    loss: largest difference of a training or held-out loss at any step, nats.
    answers: largest share of predictions of a split that differ, and largest difference of a final accuracy.
    """

    loss: float = 0.01
    answers: float = 0.01


@dataclass(frozen=True)
class StepDifference:
    """The first value of a step that differs; none where one run has no such value."""

    step: int
    metric: str
    recorded: float | None
    actual: float | None


@dataclass(frozen=True)
class AnswerDifference:
    """How two runs answered the same examples: share of equal answers, largest difference of a logit or loss; none
    where the answers are of different tasks or rows."""

    examples: int
    equal_share: float
    largest: float | None


@dataclass(frozen=True)
class Comparison:
    """`verdict` and all it rests on.

    digests: by name, whether both runs have the same; steps_compared, values_compared: of the steps that both have;
    metrics: final ones that differ, recorded and actual.
    """

    verdict: Verdict
    digests: dict[str, bool]
    steps_compared: int
    values_compared: int
    first_difference: StepDifference | None
    largest_loss_difference: float
    metrics: dict[str, tuple[float | None, float | None]]
    answers: dict[str, AnswerDifference]


def compare(recorded: Outcome, actual: Outcome, tolerance: Tolerance) -> Comparison:
    """The verdict over weights, optimiser, every metric at every step, every prediction and every exported file.

    Where one of them is a fork, of the steps that both have gone.
    """
    common = max(recorded.begins_after, actual.begins_after)
    points, again = (
        {step: values for step, values in outcome.points.items() if step > common}
        for outcome in (recorded, actual)
    )
    names = recorded.digests.keys() | actual.digests.keys()
    digests = {
        name: recorded.digests.get(name) == actual.digests.get(name, "missing") for name in sorted(names)
    }
    first = _first_difference(points, again)
    metrics = _different(recorded.metrics, actual.metrics)
    answers = {
        split: _answers(recorded.predictions[split], actual.predictions[split], tolerance)
        for split in recorded.predictions
        if not digests.get(f"predictions/{split}", False)
    }
    largest = _largest_loss_difference(points, again)
    same = all(digests.values()) and first is None and not metrics and recorded.steps == actual.steps
    near = (
        recorded.steps == actual.steps
        and points.keys() == again.keys()
        and largest <= tolerance.loss
        and all(1 - found.equal_share <= tolerance.answers for found in answers.values())
        and all(_scores_near(name, *values, tolerance) for name, values in metrics.items())
    )
    return Comparison(
        "identical" if same else "within tolerance" if near else "different",
        digests,
        len(points.keys() & again.keys()),
        sum(len(points[step].keys() & again[step].keys()) for step in points.keys() & again.keys()),
        first,
        largest,
        metrics,
        answers,
    )


def _equal(one: float | None, other: float | None) -> bool:
    """To the bit; a NaN is equal to a NaN."""
    return one is not None and other is not None and float(one).hex() == float(other).hex()


def _first_difference(
    recorded: Mapping[int, Mapping[str, float]], actual: Mapping[int, Mapping[str, float]]
) -> StepDifference | None:
    for step in sorted(recorded.keys() | actual.keys()):
        one, other = recorded.get(step, {}), actual.get(step, {})
        for metric in sorted(one.keys() | other.keys()):
            if not _equal(one.get(metric), other.get(metric)):
                return StepDifference(step, metric, one.get(metric), other.get(metric))
    return None


def _different(
    recorded: Mapping[str, float], actual: Mapping[str, float]
) -> dict[str, tuple[float | None, float | None]]:
    return {
        key: (recorded.get(key), actual.get(key))
        for key in sorted(recorded.keys() | actual.keys())
        if not _equal(recorded.get(key), actual.get(key))
        and not (key not in recorded and _CAME_LATER.search(key))
    }


def _largest_loss_difference(
    recorded: Mapping[int, Mapping[str, float]], actual: Mapping[int, Mapping[str, float]]
) -> float:
    differences = [
        _distance(recorded[step][metric], actual[step][metric])
        for step in recorded.keys() & actual.keys()
        for metric in ("train/loss", "val/loss")
        if metric in recorded[step] and metric in actual[step]
    ]
    return max(differences, default=0.0)


def _scores_near(name: str, recorded: float | None, actual: float | None, tolerance: Tolerance) -> bool:
    """Of a final accuracy or loss; other figures follow from the answers."""
    limits = {"accuracy": tolerance.answers, "loss": tolerance.loss}
    limit = limits.get(name.rpartition("/")[2])
    if limit is None:
        return True
    return recorded is not None and actual is not None and _distance(recorded, actual) <= limit


def _distance(one: float, other: float) -> float:
    """Infinite where only one of them is a number."""
    if _equal(one, other):
        return 0.0
    distance = abs(one - other)
    return distance if math.isfinite(distance) else math.inf


def _are_figures(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and frame[name].ndim == 1 and frame[name].dtype.kind == "f"


def _answers(recorded: pd.DataFrame, actual: pd.DataFrame, tolerance: Tolerance) -> AnswerDifference:
    """Of a classifier by its labels; a language model answers equally where its loss per token is near."""
    task = task_of_answers(recorded.columns)
    if task is None or len(recorded) != len(actual) or task is not task_of_answers(actual.columns):
        return AnswerDifference(len(recorded), 0.0, None)
    agree = task.agree(recorded, actual, nats=tolerance.loss)
    equal = float(agree.mean()) if len(agree) else 1.0
    figures = [
        name for name in recorded.columns if _are_figures(recorded, name) and _are_figures(actual, name)
    ]
    largest = max(
        (
            float(np.abs(recorded[name].to_numpy() - actual[name].to_numpy()).max(initial=0.0))
            for name in figures
        ),
        default=0.0,
    )
    return AnswerDifference(len(recorded), equal, largest)
