"""Train, score, export and record one run: the only caller of `trainer.fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from experiments.build import build
from experiments.naming import run_name
from experiments.torch_setup import check_precision, memory_errors, prepare
from experiments.training.callbacks import StopWhen
from experiments.training.continuation import Continuation
from experiments.training.endings import ended_in_the_record
from experiments.training.exporting import Exporting
from experiments.training.fork_checkpoint import check_fits, differences_around
from experiments.training.inputs import check_same_inputs, tell_data
from experiments.training.opening import open_run
from experiments.training.recipe import PreparedRun, prepared_run
from experiments.training.reuse import earlier_result, exported_alike, finished_run, take_over
from experiments.training.run import Clock, Run
from host.disk import disk_errors
from host.markup import literal
from host.notices import notices_of_folders
from runs.checkpoint_files import checkpoint_folder
from runs.files import RunFiles
from runs.fork_point import ForkPoint
from runs.layout import FORKED_UNDER_TAG, KIND_TAG, RunKind
from runs.result import RunResult

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.config import ExperimentConfig
    from tracking.run_log import RunLog
    from tracking.store import Store


def train(
    config: ExperimentConfig,
    store: Store,
    *,
    name: str | None = None,
    parent_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    stop_when: StopWhen | None = None,
    export: bool | None = None,
    console: Console | None = None,
    title: str | None = None,
    threads: int | None = None,
    like: RunFiles | None = None,
    start: ForkPoint | None = None,
    reuse: bool = False,
    continued: Continuation | None = None,
) -> RunResult:
    """Run `config` once, from data to export, as one MLflow run in `store`.

    name: of the run; none: the experiment's and the seed. stop_when: asked after every validation; a run that
    it stops is pruned, which leaves it KILLED with the metrics it had. export: the ONNX and INT8 variants or not;
    none: as `config.export.when` says. title: of the progress bar; none: the experiment's name. threads: of torch
    on the CPU, where `config` leaves them open. like: a run whose data and start this one must have. start: a
    checkpoint to begin with: a fork. reuse: where the recipe has already finished here, nothing is trained: its
    result comes back, or a run takes it over that has a parent or asks for another export. continued:
    go on with this run, start none.
    Raises UserError before anything is recorded when the config cannot run here; a later error ends in the record.
    ExportFailedError, with the result, when all but the export is done.
    """
    check_precision(config)
    clock = Clock()
    beginning = _beginning(config, store, clock, threads=threads, start=start, like=like, console=console)
    parts = beginning.parts
    config = parts.config
    export = config.export.when != "never" if export is None else export
    earlier = finished_run(store, beginning, export=export, stop_when=stop_when) if reuse else None
    if earlier is not None and parent_id is None and (not export or exported_alike(earlier, parts)):
        return earlier_result(earlier)
    name = continued.record.name if continued else name or run_name(config, {})
    with clock("record"), disk_errors(store.root, writing=0):
        if continued is None:
            if parent_id is None:  # a sweep has told it once
                tell_data(console, beginning.data)
            tags = {**_fork_tags(beginning, console), **(tags or {})}
            log = open_run(store, beginning, name=name, parent_id=parent_id, tags=tags)
        else:
            log = continued.reopen(store, beginning, console)
    exporting = Exporting()
    with (
        ended_in_the_record(log, going_on=lambda: _going_on(store, log, beginning, tags or {})),
        disk_errors(store.root, writing=0),
        memory_errors(config),
    ):
        if earlier is not None:
            result = take_over(earlier, log, parts, name, exporting if export else None, console=console)
        else:
            run = Run(store, name, beginning, log, console, title or config.name, clock, continued)
            result = run.go(stop_when, exporting if export else None)
    pruned = result.status == "pruned"
    log.finish("KILLED" if pruned else "FINISHED", reason="pruned" if pruned else None)
    exporting.check(result)
    return result


def _going_on(store: Store, log: RunLog, beginning: PreparedRun, tags: Mapping[str, str]) -> str:
    """How the run goes on when it is interrupted now."""
    kind = tags.get(KIND_TAG, RunKind.RUN)
    if kind == "trial":
        return ""  # the sweep says it
    folder = checkpoint_folder(store.root, log.run_id, log.local_artifacts())
    begun = beginning.start is not None or any(folder.glob("*.ckpt"))
    if begun and kind != "reproduction":
        return f"`encore resume {log.run_id[:8]}` goes on from its last checkpoint"
    return "the same command begins anew"


def _beginning(
    config: ExperimentConfig,
    store: Store,
    clock: Clock,
    *,
    threads: int | None,
    start: ForkPoint | None,
    like: RunFiles | None,
    console: Console | None,
) -> PreparedRun:
    """Everything built and checked, nothing recorded."""
    ran = prepare(config, threads=threads)
    with clock("data"), notices_of_folders() as notices:
        parts = build(config, cache_dir=store.root / "cache", console=console)
    with clock("record"):
        beginning = prepared_run(parts, ran, start, notices)
        if like is not None:  # first: other rows explain a start that does not fit
            check_same_inputs(like, beginning)
    if start is not None:
        check_fits(start, parts)
    return beginning


def _fork_tags(beginning: PreparedRun, console: Console | None) -> dict[str, str]:
    """What differs around a fork from the run that it forks is said and stays with it."""
    under = differences_around(beginning.start, beginning) if beginning.start else ""
    if under and console is not None:
        console.print(
            f"[yellow]differs from the run that it begins with:[/] {literal(under)}", highlight=False
        )
    return {FORKED_UNDER_TAG: under} if under else {}
