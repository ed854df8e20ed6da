"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from runs.record_files import ResultFile


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `metrics` are its final ones, `seconds` where the time went.

    reused: the finished run of the same recipe whose result this is; none: it was trained.
    """

    run_id: str
    name: str
    status: Literal["finished", "pruned"]
    steps: int
    metrics: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    gate_failures: tuple[str, ...] = ()
    reused: str | None = None


def read_result(content: ResultFile, *, reused: str) -> RunResult:
    """What `run/result.json` says, of the run `reused`."""
    return RunResult(
        run_id=content.run_id,
        name=content.name,
        status=content.status,
        steps=content.steps,
        metrics=content.metrics,
        seconds=content.seconds,
        gate_failures=tuple(content.gate_failures),
        reused=reused,
    )
