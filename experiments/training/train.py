"""Train, score, export and record one run: the only caller of `trainer.fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.build import build
from experiments.naming import experiment_of, run_name
from experiments.torch_setup import check_precision, memory_errors, prepare
from experiments.training.exporting import Exporting
from experiments.training.fork_checkpoint import check_fits, differences_around
from experiments.training.headline import tell_result, views_saved
from experiments.training.inputs import check_same_inputs, tell_data
from experiments.training.opening import open_run
from experiments.training.origin import (
    FROM_SCRATCH,
    NOBODY,
    UNNAMED,
    Fork,
    FromScratch,
    Hooks,
    Origin,
    Reproduction,
    Resume,
    RunIdentity,
    fork_point_of_origin,
    same_inputs_as,
    threads_of_origin,
)
from experiments.training.parents import parent_tags, parents_of
from experiments.training.recipe import PreparedRun, prepared_run
from experiments.training.resumption import reopen
from experiments.training.reuse import earlier_result, exported_alike, finished_run, take_over
from experiments.training.run import Clock, Run
from experiments.training.serving import keep_served
from host.disk import disk_errors
from host.notices import notices_of_folders
from host.progress import Reporter
from host.text import root_option
from runs.checkpoint_folder import CheckpointFolder
from runs.files import RunFiles
from runs.layout import FORKED_UNDER_TAG, RunKind
from runs.result import RunResult
from tracking.endings import ended_in_store

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from tracking.run_log import RunLog
    from tracking.store import Store


def train(
    config: ExperimentConfig,
    store: Store,
    origin: Origin = FROM_SCRATCH,
    identity: RunIdentity = UNNAMED,
    hooks: Hooks = NOBODY,
) -> RunResult:
    """Run `config` once, from data to export, as one MLflow run in `store`.

    Raises UserError before anything is recorded when the config cannot run here; a later error ends in the record.
    ExportFailedError, with the result, when all but the export is done.
    """
    check_precision(config)
    prepared = _prepared(config, store, origin, clock := Clock(), hooks.reporter)
    export = _exports(origin, prepared.parts.config)
    earlier = _earlier(store, prepared, origin, export, hooks)
    same = earlier is not None and (not export or exported_alike(earlier, prepared.parts))
    if earlier is not None and same and identity.parent_id is None:
        return earlier_result(earlier)
    with clock("record"), disk_errors(store.root, writing=0):
        name, log = _opened(store, prepared, origin, identity, hooks.reporter)
    exporting = Exporting(origin.export if isinstance(origin, Reproduction) else None)
    exports = exporting if export else None
    with (
        ended_in_store(log, goes_on=lambda: _goes_on(store, log, prepared, identity.kind)),
        disk_errors(store.root, writing=0),
        memory_errors(prepared.parts.config),
    ):
        if earlier is not None:
            result = take_over(earlier, log, prepared.parts, name, exports, reporter=hooks.reporter)
        else:
            resumed = origin if isinstance(origin, Resume) else None
            result = Run(store, name, prepared, log, hooks, clock, resumed).go(exports)
        tell_result(log, result, prepared)
    _finish(log, result)
    _offer(store, prepared.parts.config, identity, result, hooks.reporter, exporting.failed)
    exporting.check(result)
    return result


def _finish(log: RunLog, result: RunResult) -> None:
    pruned = result.status == "pruned"
    log.finish("KILLED" if pruned else "FINISHED", reason="pruned" if pruned else None)


def _offer(
    store: Store,
    config: ExperimentConfig,
    identity: RunIdentity,
    result: RunResult,
    reporter: Reporter,
    failed: Exception | None,
) -> None:
    """Have MLflow's pages show what ended: its model, and its place among the others. What fails costs these alone.

    failed: what its export failed with, which is told after.
    """
    if result.status == "finished":
        keep_served(store, result.run_id, reporter=reporter, ends_with=failed)
    if identity.parent_id is None:  # a sweep does it once
        views_saved(store, experiment_of(config).name, reporter, ends_with=failed)


def _exports(origin: Origin, config: ExperimentConfig) -> bool:
    """Whether the variants are written."""
    match origin:
        case FromScratch(export=bool(export)):
            return export
        case Reproduction(export=settings):
            return settings is not None
        case FromScratch() | Fork() | Resume():
            return config.export.when != "never"


def _earlier(
    store: Store, prepared: PreparedRun, origin: Origin, export: bool, hooks: Hooks
) -> RunFiles | None:
    """A finished run of the recipe, where its result may be taken."""
    if not (isinstance(origin, FromScratch) and origin.reuse):
        return None
    return finished_run(store, prepared, export=export, stop_when=hooks.stop_when)


def _opened(
    store: Store, prepared: PreparedRun, origin: Origin, identity: RunIdentity, reporter: Reporter
) -> tuple[str, RunLog]:
    """The name and the log of the run: a new one's, its record written, or that of the one that is resumed."""
    if isinstance(origin, Resume):
        return origin.run.record.name, reopen(origin, prepared, reporter)
    if identity.parent_id is None:  # a sweep has reported it once
        tell_data(reporter, prepared.data)
    name = identity.name or run_name(prepared.parts.config, {})
    tags = {**_fork_tags(prepared, reporter), **parent_tags(prepared, reporter), **identity.tags}
    return name, open_run(store, prepared, name=name, parent_id=identity.parent_id, tags=tags)


def _goes_on(store: Store, log: RunLog, prepared: PreparedRun, kind: str) -> str:
    """How the run goes on when it is interrupted now."""
    if kind == RunKind.TRIAL:
        return ""  # the sweep says it
    begun = prepared.fork_point is not None or CheckpointFolder.of_log(store.root, log).has_any
    if begun and kind != RunKind.REPRODUCTION:
        resume = f"encore resume {log.run_id[:8]}{root_option(store.root)}"
        return f"`{resume}` goes on from its last checkpoint"
    return "the same command begins anew"


def _prepared(
    config: ExperimentConfig, store: Store, origin: Origin, clock: Clock, reporter: Reporter
) -> PreparedRun:
    """Everything built and checked, nothing recorded."""
    fork_point, like = fork_point_of_origin(origin), same_inputs_as(origin)
    parents = parents_of(config, store)
    effective = prepare(config, threads=threads_of_origin(origin))
    with clock("data"), notices_of_folders() as notices:
        parts = build(config, cache_dir=store.root / "cache", parents=parents, reporter=reporter)
    with clock("record"):
        prepared = prepared_run(parts, effective, fork_point, notices)
        if like is not None:  # first: other rows explain a fork point that does not fit
            check_same_inputs(like, prepared)
    if fork_point is not None:
        check_fits(fork_point, parts)
    return prepared


def _fork_tags(prepared: PreparedRun, reporter: Reporter) -> dict[str, str]:
    """What differs between the environments of a fork and of its parent is reported and kept with the fork."""
    under = differences_around(prepared.fork_point, prepared) if prepared.fork_point else ""
    if not under:
        return {}
    reporter.say(f"differs from the run that it begins with: {under}", "warning")
    return {FORKED_UNDER_TAG: under}
