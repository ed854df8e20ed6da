"""What a run is called, and what its settings are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.config import ExperimentConfig
from lightning_modules.settings import RUN
from schema.numbers import decimal
from schema.overrides import flat_mapping
from tracking.entities import Experiment

_ID_DIGITS = 8
_MOST = 6  # settings of a name; the others are counted
# Settings by what people call them in a sentence, in the order in which they are looked for.
_SHORT = {
    "optim.learning_rate": "lr",
    "optim.warmup_ratio": "wu",
    "data.batch_size": "bs",
    "train.precision": "",  # its value says it
    "optim.weight_decay": "wd",
    "model.label_smoothing": "ls",
    "optim.layerwise_decay": "llrd",
    "optim.gradient_clip_norm": "clip",
    "train.max_epochs": "epochs",
    "train.max_steps": "steps",
    "data.train_examples": "rows",
    "temperature": "temp",
    "repetition_penalty": "penalty",
}
# Settings that name a run: what stands ahead of its ID, and what is said in a name.
_RUNS = {"train.teacher": ("", "teacher"), "model.pretrained": (RUN, "from")}
_PRECISIONS = {"32-true": "fp32", "bf16-mixed": "bf16", "16-mixed": "fp16"}
# What tells no run from another in a table: where things lie, how much is looked at, the seed, which a name has anyway.
_UNTOLD = ("path", "pretrained", "seed", "threads", "loader_workers", "scored_examples", "max_accuracy_drop",
           "latency_seconds", "max_loss_increase", "name", "description", "revision")  # fmt: skip


def flat_params(config: ExperimentConfig) -> dict[str, object]:
    """Every field of the config by its dotted path: `optim.learning_rate` -> 2e-05."""
    return flat_mapping(config.model_dump(mode="json"))


def run_name(config: ExperimentConfig, varied: Mapping[str, object]) -> str:
    """Seed, what was varied, experiment: `s1 lr 3e-5 bf16 sst2_distilbert`. What differs stands first, in a table."""
    return " ".join([f"s{config.seed}", *settings(varied), config.name])


def trial_name(number: int, values: Mapping[str, object], stage: str = "search") -> str:
    """Of a trial its number, from 0, and what was drawn: `t03 lr 2.2e-3 wu 0.25 bf16`; `stage`, unless the search."""
    return " ".join([f"t{number:02d}", *([] if stage == "search" else [stage]), *settings(values)])


def sweep_name(name: str, seed: int, given: Mapping[str, object], found: str = "") -> str:
    """Of a sweep's own run: `sweep demo s2`, and what was `found` once it is known: `sweep demo s2 · 93.2 %`."""
    named = " ".join([f"sweep {name} s{seed}", *settings(given)])
    return f"{named} · {found}" if found else named


def settings(values: Mapping[str, object]) -> list[str]:
    """`lr 2.2e-3`, `wu 0.25`, `bf16`: the usual ones first, at most six, and how many more there are."""
    order = list(_SHORT)
    keys = sorted(values, key=lambda key: (order.index(key) if key in order else len(order), key))
    told = [_setting(key, values[key]) for key in keys if _is_told(key, values[key])]
    return told if len(told) <= _MOST else [*told[: _MOST - 1], f"+{len(told) - _MOST + 1}"]


def _is_told(key: str, value: object) -> bool:
    return not key.endswith(_UNTOLD) or _run_of(key, value) is not None


def _setting(key: str, value: object) -> str:
    name = _SHORT.get(key, key.rsplit(".", 1)[-1])
    if (run := _run_of(key, value)) is not None:
        return f"{_RUNS[key][1]} {run[:_ID_DIGITS]}"  # which may look like a number
    return " ".join(filter(None, [name, _short(value)]))


def _run_of(key: str, value: object) -> str | None:
    """The ID of a run that a setting names."""
    ahead, text = _RUNS.get(key, ("", ""))[0], str(value)
    return text.removeprefix(ahead) if key in _RUNS and text.startswith(ahead) else None


def overrides_for_name(overrides: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE overrides as a mapping, of which `settings` tells what belongs into a name."""
    return {item.partition("=")[0]: item.partition("=")[2] for item in overrides}


def _short(value: object) -> str:
    """Two digits of a fraction, a small one as 2.2e-3; of a text its end."""
    try:
        number = decimal(str(value))
    except ValueError:
        number = None
    if number is None:
        text = _PRECISIONS.get(str(value), str(value))
        return text if len(text) <= 24 else f"…{text[-23:]}"
    if isinstance(value, bool) or number.is_integer():
        return str(value)
    if abs(number) >= 0.01:
        return f"{number:.2g}" if abs(number) < 10 else f"{number:.4g}"
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def experiment_of(config: ExperimentConfig) -> Experiment:
    """The MLflow experiment: runs on the same corpus compare with one another, by the task's primary metric."""
    return Experiment(config.data.kind, f"best/{config.task.primary_metric}", config.task.greater_is_better)
