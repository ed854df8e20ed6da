"""What is read from and handed to the store; plain values, no MLflow types."""

from __future__ import annotations

from dataclasses import dataclass

_LABEL_CHARACTERS = 48
VARIANT_TAG = "encore.variant"
"""Of a model, and of its version in the registry: which form of the run's model it is."""
WEIGHTS_TAG = "encore.weights_sha256"
"""Likewise: the file that decides its answers."""
KILLED_BECAUSE_TAG, FAILED_BECAUSE_TAG = "encore.killed_because", "encore.failed_because"


@dataclass(frozen=True)
class Experiment:
    """An experiment of MLflow's: the runs that compare with one another, and the metric that ranks them."""

    name: str
    primary_metric: str
    greater_is_better: bool = True


@dataclass(frozen=True)
class DatasetInput:
    """One split that a run read.

    `digest` is the sha256 over every row, in hex. MLflow keeps 36 characters of it in its own
    column; the whole of it goes into the input's tag and the dataset's profile.
    """

    name: str
    split: str
    digest: str
    rows: int
    source: str


@dataclass(frozen=True)
class Keys:
    """Names of what runs carry: those that some run has, or those that are to be read."""

    params: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def __or__(self, other: Keys) -> Keys:
        return Keys(self.params | other.params, self.metrics | other.metrics, self.tags | other.tags)


@dataclass(frozen=True)
class RunRecord:
    """One run as the store has it now.

    `metrics` holds the last value of each metric; infinities that SQL cannot hold come back as
    infinities. Times are milliseconds since the epoch; `end_ms` is None while the run goes on.
    """

    run_id: str
    name: str
    experiment: str
    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    start_ms: int
    end_ms: int | None
    parent_id: str | None
    artifact_uri: str

    @property
    def label(self) -> str:
        """How a message names the run: the beginning of its ID and of its name."""
        name = self.name if len(self.name) <= _LABEL_CHARACTERS else f"{self.name[:_LABEL_CHARACTERS]}…"
        return f"run {self.run_id[:8]} ({name})"


@dataclass(frozen=True)
class Version:
    """Of a registered model. number: as MLflow counts them, from 1. run_id: whose model it is; active: whether that is
    there still, and not in MLflow's bin. variant: which form of it; none: an earlier version of Encore did not say.
    weights: sha256 of the file that MLflow loads; none: where it is not known."""

    number: int
    run_id: str
    active: bool = True
    variant: str | None = None
    weights: str | None = None
