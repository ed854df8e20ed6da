"""How a metric or a setting is called and shown: short heads, units, and the digits that mean something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from export.variants import DEPLOYED
from host.markup import literal
from host.text import shortened
from runs.layout import STAGE_TAG
from schema.numbers import decimal, three_digits
from scoring.tasks import TASKS, task_of_export, task_of_metrics

if TYPE_CHECKING:
    from runs.fields import Field, Value
    from tracking.entities import RunRecord

# Of the last part of a name; any other stands as it is.
_HEADS = {
    "learning_rate": "lr",
    "warmup_ratio": "warm-up",
    "precision": "prec.",
    "batch_size": "batch",
    "weight_decay": "decay",
    "repetition_penalty": "penalty",
    "temperature": "temp.",
    "max_length": "length",
    "max_steps": "steps",
    "max_epochs": "epochs",
    "matthews_correlation": "mcc",
    "bits_per_byte": "bits/byte",
    "loss_increase": "loss added",
    "copied_13grams": "copied",
    "names_kept": "names",
    "distinct_2": "distinct",
    "limits_missed": "missed",
    "size_mib": "MiB",
    "latency_b1_p50_ms": "p50 ms",
}
# As MLflow's params have them, and as the field says it.
_WORDS = {
    "None": "none",
    "True": "true",
    "False": "false",
    "32-true": "fp32",
    "16-mixed": "fp16",
    "bf16-mixed": "bf16",
}
_UNITS = {"_mib": "MiB", "_ms": "ms", "_per_s": "/s", "_s": "s"}  # the first that fits
_SHARES = {"coherent", "ended", "loops", "names_kept", "distinct_2", "copied_13grams"}
_CELL = 40
_DIGITS = 9  # characters of a number that is shown whole


def heading(key: str) -> str:
    """A column's head for a setting or a metric."""
    last = key.rpartition(".")[2].rpartition("/")[2]
    return literal(_HEADS.get(last, last))


def setting(text: str) -> str:
    """A param's value: a fraction with three digits, `none` as it is typed, another value as it is."""
    return _WORDS.get(text) or three_digits(text) or text


def typed(text: str) -> str:
    """A param's value as a person types it after KEY=; of a longer number four digits."""
    if text in {"None", "True", "False"}:
        return text.lower()
    try:
        number = decimal(text)
    except ValueError:
        return text
    return text if number is None or len(text) <= _DIGITS else f"{number:.4g}"


def percent(value: float | None) -> str:
    """0.8807 -> 88.07 %; nothing for none."""
    return "" if value is None else f"{100 * value:.2f} %"


def number(value: float | None, digits: int = 2) -> str:
    """Fixed digits; nothing for none."""
    return "" if value is None else f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """75 -> 1m 15s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def figure(key: str, value: float) -> str:
    """A metric's value in its unit: a task's own metric as the task shows it, shares in percent, MiB, ms, s."""
    if not math.isfinite(value):
        return str(value)
    last = key.rpartition("/")[2]
    task = next((task for task in TASKS if last.startswith(task.metric)), None)
    if task is not None:
        return task.shown(value)
    if last in _SHARES:
        return percent(value)
    unit = next((unit for ending, unit in _UNITS.items() if last.endswith(ending)), "")
    return f"{_digits(value)} {unit}".rstrip()


def points(key: str, difference: float) -> str:
    """The difference of two values of a metric: of shares in percentage points, else in the metric's unit."""
    shown = figure(key, abs(difference))
    sign = "+" if difference > 0 else "-" if difference < 0 else ""
    return f"{sign}{shown.replace(' %', ' points').lstrip('+-')}"


def _digits(value: float) -> str:
    """Four digits that count; a whole number as one."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def score(metrics: Mapping[str, float], prefix: str) -> str:
    """The task's metric of a split; nothing where it was not scored."""
    task = task_of_metrics(metrics, prefix)
    return "" if task is None else task.shown(metrics[f"{prefix}/{task.metric}"])


def coherent(run: RunRecord, stage: str) -> str:
    """Of a decoding sweep's setting: its coherent stories, from held-out or from official beginnings."""
    share = run.metrics.get("stories/coherent")
    return "" if share is None or run.tags.get(STAGE_TAG) != stage else f"{percent(share)} coherent"


def exported(metrics: Mapping[str, float]) -> str:
    """What the deployed variant is worth, in its task's figure; nothing where none was measured."""
    task = task_of_export(metrics, DEPLOYED.name)
    return "" if task is None else task.export_shown(metrics[f"export/{DEPLOYED.name}/{task.export_figure}"])


def cell(field: Field, value: Value | None) -> str:
    """What a column of a list of runs shows."""
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case float() if field.kind == "metric":
            return figure(field.key, value)
        case float() | int():
            return f"{value:.6g}"
        case str():
            return literal(shortened(_WORDS.get(value, value), _CELL))
