"""The lines of a run's journal: what was logged, and how the run ended."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Status = Literal["FINISHED", "FAILED", "KILLED"]

LONGEST_END = 4096  # bytes
_LONGEST_REASON = 300  # characters, of up to 12 bytes each in JSON

# A prebuilt encoder: json.dumps with non-default separators makes a new one at each call.
encoded = json.JSONEncoder(separators=(",", ":")).encode


_NONE: Mapping[str, Any] = MappingProxyType({})


class Record(NamedTuple):
    """One call's worth of logging. Metrics carry their step and time; tags and params do not.

    A named tuple, and its line a filled-in template: this is made at every training step, and a
    dataclass and the JSON encoder together cost three times as much.
    """

    metrics: Mapping[str, float] = _NONE
    step: int = 0
    time_ms: int = 0
    tags: Mapping[str, str] = _NONE
    params: Mapping[str, str] = _NONE

    def to_line(self) -> bytes:
        if not self.metrics:
            return encoded({"g": dict(self.tags), "p": dict(self.params)}).encode() + b"\n"
        values = self.metrics.values()
        if math.isfinite(sum(values)):
            return (_template(tuple(self.metrics)) % (*values, self.step, self.time_ms)).encode()
        return encoded({"m": self.metrics, "s": self.step, "t": self.time_ms}).encode() + b"\n"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record | None:
        """None for what is no record."""
        match value:
            case {"m": dict(metrics), "s": int(step), "t": int(time_ms)} if _all(metrics, (int, float)):
                return cls(metrics, step, time_ms)
            case {"g": dict(tags), "p": dict(params)} if _all(tags, str) and _all(params, str):
                return cls(tags=tags, params=params)
            case _:
                return None


def _all(values: Mapping[str, Any], kind: type | tuple[type, ...]) -> bool:
    return all(isinstance(value, kind) for value in values.values())


@lru_cache(maxsize=64)
def _template(keys: tuple[str, ...]) -> str:
    """A metrics line with places for the values, the step and the time; `repr` of a finite float is JSON."""
    metrics = ",".join(f"{encoded(key).replace('%', '%%')}:%r" for key in keys)
    return f'{{"m":{{{metrics}}},"s":%d,"t":%d}}\n'


@dataclass(frozen=True)
class End:
    """How the run ended, and why, when its last words could not be sent at once. The reason has no secrets."""

    status: Status | None
    time_ms: int
    reason: str = ""

    def tags(self) -> dict[str, str]:
        """What says why a run ended early; nothing for one that finished, or of which no reason is known."""
        early = self.status in ("FAILED", "KILLED") and self.reason
        return {f"encore.{str(self.status).lower()}_because": self.reason} if early else {}

    def to_line(self) -> bytes:
        """At most as long as the room that is kept for it."""
        because = self.reason[:_LONGEST_REASON]
        return encoded({"end": self.status, "t": self.time_ms, "because": because}).encode() + b"\n"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> End | None:
        """None for what is no ending."""
        match value:
            case {"end": None | "FINISHED" | "FAILED" | "KILLED" as status, "t": int(time_ms)}:
                return cls(status, time_ms, str(value.get("because", ""))[:_LONGEST_REASON])
            case _:
                return None
