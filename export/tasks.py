"""What an export needs to know of each task: one row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from export.classification import accuracy_failure, accuracy_limit_p, score_classifier
from export.golden import Answers, classifier_answers, prompt_answers
from export.language import loss_failure, loss_limit_p, score_language_model
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

if TYPE_CHECKING:
    import pandas as pd

    from export.options import ExportOptions, ScoringSet
    from export.scoring import LoadedVariant, Scores
    from export.variants import Variant
    from host.progress import OnProgress
    from scoring.task import Task, TaskName


class Score(Protocol):
    """Scores every variant on every example; outputs: logits of one position of the model."""

    def __call__(
        self,
        variants: Sequence[LoadedVariant],
        scoring: ScoringSet,
        *,
        outputs: int,
        workers: int,
        on_progress: OnProgress,
    ) -> Scores: ...


@dataclass(frozen=True)
class ExportTask:
    """One task.

    optimum_name: as optimum calls it. keeps_past: whether the file reads on from what it has read (a key/value
    cache). calibrated: whether activations are measured on texts of train before weights are quantized.
    shortest: tokens of a text that can be scored.
    longest_timed: at most so many tokens of a latency input, since a language model's logits hold batch x tokens x
    vocabulary floats; none: no limit. failure: the sentence for a variant whose
    quality is missed, given all metrics; none where it is not. limit_p: the p-value against a quality that is lost to
    the limit or beyond, given what every variant answered. golden: answers that are kept beside each variant.
    """

    task: Task
    optimum_name: str
    keeps_past: bool
    calibrated: bool
    shortest: int
    longest_timed: int | None
    score: Score
    failure: Callable[[Variant, Mapping[str, float], ExportOptions], str | None]
    limit_p: Callable[[Variant, pd.DataFrame, ExportOptions], float]
    golden: Answers


_TASKS = (
    ExportTask(
        CLASSIFICATION,
        "text-classification",
        keeps_past=False,
        calibrated=True,
        shortest=1,
        longest_timed=None,
        score=score_classifier,
        failure=accuracy_failure,
        limit_p=accuracy_limit_p,
        golden=classifier_answers,
    ),
    ExportTask(
        LANGUAGE_MODELLING,
        "text-generation-with-past",
        keeps_past=True,
        calibrated=False,
        shortest=2,
        longest_timed=32,
        score=score_language_model,
        failure=loss_failure,
        limit_p=loss_limit_p,
        golden=prompt_answers,
    ),
)
EXPORT_TASKS: Mapping[TaskName, ExportTask] = {row.task.name: row for row in _TASKS}
