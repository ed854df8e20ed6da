"""What a model is for, and what follows from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from numpy.typing import NDArray

TaskName = Literal["sequence-classification", "causal-language-model"]

UNLABELLED = -100
"""In place of the label of a row that has none: torch's cross-entropy leaves it out."""


class Task(ABC):
    """How the answers of a model are made into a table, scored, compared and shown.

    Whoever needs to know one of these asks the task. `scoring.tasks` lists them.
    """

    name: ClassVar[TaskName]
    """As exports call it."""
    metric: ClassVar[str]
    """Of a split; that of the held-out slice selects models."""
    greater_is_better: ClassVar[bool]
    labelled: ClassVar[bool]
    """Whether each row has a label."""
    writes: ClassVar[bool]
    """Whether its models write texts."""
    answer_columns: ClassVar[tuple[str, ...]]
    """The numbers that a table of answers must have."""
    exported_column: ClassVar[str]
    """A column that a table of an export of this task alone has."""
    unit: ClassVar[str]
    """What is printed behind the metric's value."""
    legend: ClassVar[str]
    """What the scores of a table of runs are."""
    export_figure: ClassVar[str]
    """The metric of a variant that tells what the export costs."""

    difference_unit: ClassVar[str]
    """Of `apart`."""
    rows: ClassVar[str]
    """What its examples are called."""

    @property
    def primary_metric(self) -> str:
        """The metric that selects models, as the held-out slice logs it."""
        return f"val/{self.metric}"

    @abstractmethod
    def answers(self, logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> pd.DataFrame:
        """A record for each row of a batch, from the model's logits."""

    @abstractmethod
    def by_example(
        self, rows: pd.DataFrame, texts: Sequence[str], example_of: NDArray[np.int64]
    ) -> pd.DataFrame:
        """A record for each example (M), from those of its rows (N). texts: M; example_of: (N,)."""

    @abstractmethod
    def score(self, answers: pd.DataFrame) -> dict[str, float]:
        """Scores of a table of answers, by name."""

    @abstractmethod
    def agree(self, one: pd.DataFrame, other: pd.DataFrame, *, nats: float) -> NDArray[np.bool_]:
        """(N,) whether two tables answer each example alike. nats: a loss per token so far apart counts as alike."""

    @abstractmethod
    def exported_score(self, answers: pd.DataFrame, variant: str) -> tuple[str, float]:
        """Name and value of a variant's score, from the table of an export. KeyError where it is not in it."""

    @abstractmethod
    def shown(self, value: float) -> str:
        """The metric's value, as a person reads it."""

    @abstractmethod
    def apart(self, difference: float) -> str:
        """A difference of the metric, in `difference_unit`, with as many digits as mean something."""

    @abstractmethod
    def brief(self, value: float) -> str:
        """The metric's value as it stands in a name."""

    @abstractmethod
    def told(self, metrics: Mapping[str, float], split: str) -> tuple[str, str]:
        """The scores of a split: a headline, and a remark to it; empty where a run of an earlier version has none.

        KeyError where `metric` is not among them.
        """

    @abstractmethod
    def export_shown(self, value: float) -> str:
        """The value of `export_figure`, as a person reads it."""
