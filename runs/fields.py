"""What can be asked of a run by name: what the store says of it, its metrics, its params, its tags."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from errors import UserError
from runs.layout import KIND_TAG, SWEEP_TAG, TRIAL_TAG
from runs.states import state_of
from schema.numbers import decimal
from schema.validation import nearest
from tracking.entities import KILLED_BECAUSE_TAG, Keys

if TYPE_CHECKING:
    from tracking.entities import RunRecord

Kind = Literal["attribute", "metric", "param", "tag"]
Value = float | str | datetime
# Of a metric whose name ends so, less is better; of any other, more.
_LESS_IS_BETTER = (
    "loss", "loss_increase", "perplexity", "bits_per_byte", "_ms", "_s", "_mib", "size_ratio", "loops",
    "limits_missed", "changed_answers", "nll", "accuracy_drop",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One thing that can be asked of every run. name: as it was written."""

    name: str
    kind: Kind
    key: str

    def of(self, run: RunRecord) -> Value | None:
        """None where the run has none. A param that is a number is one."""
        match self.kind:
            case "attribute":
                return _ATTRIBUTES[self.key](run)
            case "metric":
                return run.metrics.get(self.key)
            case "param":
                return _value(run.params.get(self.key))
            case "tag":
                return _value(run.tags.get(self.key))

    @property
    def keys(self) -> Keys:
        """What must be read of a run to know it."""
        match self.kind:
            case "attribute":
                return Keys(tags=frozenset(_TAGS_OF.get(self.key, ())))
            case "metric":
                return Keys(metrics=frozenset({self.key}))
            case "param":
                return Keys(params=frozenset({self.key}))
            case "tag":
                return Keys(tags=frozenset({self.key}))

    @property
    def is_time(self) -> bool:
        return self.kind == "attribute" and self.key in {"started", "ended"}

    @property
    def most_first(self) -> bool:
        """Whether a ranking begins with the greatest: of a metric of which more is better, and of times."""
        if self.kind == "metric":
            return self.key.endswith("_per_s") or not self.key.endswith(_LESS_IS_BETTER)
        return self.is_time or (self.kind == "attribute" and self.key == "minutes")


def _value(text: str | None) -> Value | None:
    if text is None:
        return None
    try:
        number = decimal(text)
    except ValueError:
        return text
    return text if number is None else number


def moment(ms: int | None) -> datetime | None:
    """In this machine's time; none for a time that no calendar has."""
    try:
        return None if ms is None else datetime.fromtimestamp(ms / 1000)
    except (ValueError, OverflowError, OSError):
        return None


def _minutes(run: RunRecord) -> float | None:
    return None if run.end_ms is None else (run.end_ms - run.start_ms) / 60_000


_ATTRIBUTES: Mapping[str, Callable[[RunRecord], Value | None]] = {
    "run": lambda run: run.run_id,
    "name": lambda run: run.name,
    "status": state_of,
    "experiment": lambda run: run.experiment,
    "kind": lambda run: run.tags.get(KIND_TAG),
    "sweep": lambda run: run.tags.get(SWEEP_TAG),
    "trial": lambda run: _value(run.tags.get(TRIAL_TAG)),
    "parent": lambda run: run.parent_id,
    "started": lambda run: moment(run.start_ms),
    "ended": lambda run: moment(run.end_ms),
    "minutes": _minutes,
}
_TAGS_OF: Mapping[str, tuple[str, ...]] = {
    "status": (KILLED_BECAUSE_TAG,),
    "kind": (KIND_TAG,),
    "sweep": (SWEEP_TAG,),
    "trial": (TRIAL_TAG,),
}
ATTRIBUTES = tuple(_ATTRIBUTES)
_SPACES: tuple[tuple[str, Kind], ...] = (("metrics.", "metric"), ("params.", "param"), ("tags.", "tag"))


def field_named(name: str, keys: Keys) -> Field:
    """What `name` means among the `keys` that runs have. UserError, with the nearest name, where no run has it.

    An attribute first; then a metric, param or tag of that name, or one that is told by `metrics.`, `params.` or
    `tags.` before it; then the one param whose last part it is, as in learning_rate.
    """
    if name in _ATTRIBUTES:
        return Field(name, "attribute", name)
    kinds = _kinds(keys)
    found = [Field(name, kind, name) for kind, known in kinds.items() if name in known]
    found += [
        Field(name, kind, name.removeprefix(space))
        for space, kind in _SPACES
        if name.startswith(space) and name.removeprefix(space) in kinds[kind]
    ]
    found = found or [Field(name, "param", key) for key in keys.params if key.endswith(f".{name}")]
    if len(found) > 1:
        ways = ", ".join(sorted(f"{one.kind}s.{one.key}" for one in found))
        raise UserError("could be several things", where=name, cure=f"Write one of {ways}.")
    if not found:
        raise _unknown(name, keys)
    return found[0]


def _kinds(keys: Keys) -> dict[Kind, frozenset[str]]:
    return {"metric": keys.metrics, "param": keys.params, "tag": keys.tags}


def _unknown(name: str, keys: Keys) -> UserError:
    plain = next((name.removeprefix(space) for space, _ in _SPACES if name.startswith(space)), name)
    known = [*_ATTRIBUTES, *sorted(keys.metrics), *sorted(keys.params), *sorted(keys.tags)]
    near = nearest(plain, known)
    cure = f"Did you mean {near}?" if near else "`encore show ID --all` lists what a run has."
    return UserError(
        "no run has a metric, param or tag of this name", where=name or "an empty name", cure=cure
    )


def ranked(runs: Iterable[RunRecord], field: Field, *, most_first: bool) -> list[RunRecord]:
    """Runs by `field`, those without it last, in the order in which they come between equals.

    Numbers before dates before texts; a NaN is no value.
    """
    present: list[tuple[tuple[int, Any], RunRecord]] = []
    absent: list[RunRecord] = []
    for run in runs:
        order = _order(field.of(run))
        if order is None:
            absent.append(run)
        else:
            present.append((order, run))
    kinds = sorted({order[0] for order, _ in present})
    by_kind = [[item for item in present if item[0][0] == kind] for kind in kinds]
    ordered = [sorted(items, key=lambda item: item[0], reverse=most_first) for items in by_kind]
    return [run for items in ordered for _, run in items] + absent


def _order(value: Value | None) -> tuple[int, Any] | None:
    match value:
        case None:
            return None
        case datetime():
            return 1, value
        case str():
            return 2, value
        case _:
            return None if math.isnan(value) else (0, value)
