"""How a run starts: one value, of which everything that differs from start to start follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host.progress import SILENT, Reporter
from runs.layout import KIND_TAG, RunKind
from runs.record_files import threads_of

if TYPE_CHECKING:
    from export.options import ExportConfig
    from runs.checkpoint import ResumePoint
    from runs.files import RunFiles
    from runs.fork_point import ForkPoint
    from runs.outcome import LoggedPoints


@dataclass(frozen=True)
class FromScratch:
    """From the config's own weights.

    reuse: where the recipe has already finished here, nothing is trained: its result comes back, or a run takes it
    over that has a parent or asks for another export. export: the variants or not; none: as the config says.
    """

    reuse: bool = False
    export: bool | None = None


@dataclass(frozen=True)
class Fork:
    """From a checkpoint of another run, with settings of its own from there on."""

    point: ForkPoint


@dataclass(frozen=True)
class Resume:
    """The same run once more, from a checkpoint of its own.

    point: none for a fork that was killed before its first checkpoint: it begins once more, at `fork_point`. logged:
    the points of its steps that the store has.
    """

    run: RunFiles
    point: ResumePoint | None
    logged: LoggedPoints
    fork_point: ForkPoint | None


@dataclass(frozen=True)
class Reproduction:
    """Another run again, with its inputs. export: as that run's last export was asked for; none: it has none."""

    run: RunFiles
    export: ExportConfig | None
    fork_point: ForkPoint | None


Origin = FromScratch | Fork | Resume | Reproduction
FROM_SCRATCH = FromScratch()


def fork_point_of_origin(origin: Origin) -> ForkPoint | None:
    """The checkpoint of another run that a run begins with."""
    match origin:
        case FromScratch():
            return None
        case Fork(point):
            return point
        case Resume() | Reproduction():
            return origin.fork_point


def same_inputs_as(origin: Origin) -> RunFiles | None:
    """The run whose rows, tokenizer, weights and fork point this one must have."""
    return origin.run if isinstance(origin, Resume | Reproduction) else None


def threads_of_origin(origin: Origin) -> int | None:
    """Threads of torch on the CPU, where the config leaves them open; none: one per core."""
    match origin:
        case FromScratch():
            return None
        case Fork(point):
            run = point.run
        case Resume() | Reproduction():
            run = origin.run
    return threads_of(run.record.tags, where=run.where)


@dataclass(frozen=True)
class RunIdentity:
    """What a new run is called.

    name: none: the experiment's and the seed. parent_id: of the sweep that it is part of.
    """

    name: str | None = None
    parent_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def kind(self) -> str:
        return self.tags.get(KIND_TAG, RunKind.RUN)


StopWhen = Callable[[int, Mapping[str, float]], bool]
"""Asked after every validation with the optimiser step and the held-out metrics: stop here?"""


@dataclass(frozen=True)
class Hooks:
    """Who looks on.

    stop_when: asked after every validation; a run that it stops is pruned, which leaves it KILLED with the metrics it
    had. title: of the progress bar; none: the experiment's name.
    """

    reporter: Reporter = SILENT
    stop_when: StopWhen | None = None
    title: str | None = None


UNNAMED, NOBODY = RunIdentity(), Hooks()
