"""What a run is called, and what its settings are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.config import ExperimentConfig
from schema.overrides import flat_mapping
from tracking.entities import Experiment


def flat_params(config: ExperimentConfig) -> dict[str, object]:
    """Every field of the config by its dotted path: `optim.learning_rate` -> 2e-05."""
    return flat_mapping(config.model_dump(mode="json"))


def run_name(config: ExperimentConfig, varied: Mapping[str, object]) -> str:
    """Experiment, what was varied, seed: `sst2_distilbert lr=3e-05 seed=0`."""
    parts = [f"{key.rsplit('.', 1)[-1]}={_short(value)}" for key, value in sorted(varied.items())]
    return " ".join([config.name, *parts, f"seed={config.seed}"])


def overrides_for_name(overrides: Sequence[str]) -> dict[str, str]:
    """What of KEY=VALUE overrides belongs into a run's name: all but folders and the seed, which it has anyway."""
    given = {item.partition("=")[0]: item.partition("=")[2] for item in overrides}
    return {key: value for key, value in given.items() if not key.endswith(("path", "pretrained", "seed"))}


def _short(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"…{text[-23:]}"


def experiment_of(config: ExperimentConfig) -> Experiment:
    """The MLflow experiment: runs on the same corpus compare with one another, by the task's primary metric."""
    return Experiment(config.data.kind, f"best/{config.task.primary_metric}", config.task.greater_is_better)
