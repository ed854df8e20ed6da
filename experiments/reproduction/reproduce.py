"""Playing a run again and saying whether it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.build import build
from experiments.reproduction.at_commit import reproduce_at_commit
from experiments.reproduction.certificate import JSON_FILE, MARKDOWN_FILE, Played, as_markdown, certificate
from experiments.reproduction.trust import Agree, check_trusted, recorded_code
from experiments.reproduction.verdict import Comparison, Tolerance, compare
from experiments.torch_setup import prepare
from experiments.training.exporting import exported_with
from experiments.training.inputs import check_same_inputs, recorded_config
from experiments.training.origin import Hooks, Reproduction, RunIdentity
from experiments.training.parents import parents_of
from experiments.training.recipe import PreparedRun, environment_of, prepared_run
from experiments.training.train import train
from host.progress import SILENT, Reporter
from runs.checks import check_ended
from runs.differences import Cause, find_causes
from runs.environment import recorded_environment
from runs.files import RunFiles, run_named
from runs.fork_point import fork_point_of
from runs.layout import (
    CONFIG_FILE,
    EXPORT_REPORT,
    FORKED_FROM_TAG,
    KIND_TAG,
    REPRODUCES_TAG,
    VERDICT_TAG,
    RunKind,
)
from runs.outcome import Outcome, check_outcome, outcome_of, read_outcome
from runs.record_files import ConfigFile, threads_of
from runs.seals import check_record

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from experiments.training.origin import StopWhen


@dataclass(frozen=True)
class Reproduced:
    """A run played again: the run it became, the comparison, what differed around it, the certificate."""

    run_id: str
    comparison: Comparison
    causes: tuple[Cause, ...]
    certificate: dict[str, Any]
    certificate_file: Path


def reproduce(
    run: RunFiles,
    *,
    threads: int | None = None,
    at_commit: bool = False,
    agree: Agree | None = None,
    tolerance: Tolerance | None = None,
    reporter: Reporter = SILENT,
) -> Reproduced:
    """Train `run` again as a new run that carries `reproduces`, and compare the two.

    threads: of torch; none: as recorded. at_commit: with the recorded code and lock in place of these; where this
    machine has not recorded them itself, only if `agree` says so.
    UserError, and nothing recorded, when the run has no finished record, or its data are gone or others.
    """
    tolerance = tolerance or Tolerance()
    check_ended(run)
    check_record(run)
    recorded, then = outcome_of(run), recorded_environment(run)
    check_outcome(recorded)
    if at_commit:
        code = recorded_code(run)
        check_trusted(run, code, agree)
        _check_start_if_readable(run, reporter)
        again_id = reproduce_at_commit(run, code, threads=threads, reporter=reporter)
    else:
        again_id = _train_here(run, recorded, threads, reporter)
    again = run_named(run.store, again_id)
    actual, now = read_outcome(again), recorded_environment(again)
    comparison, causes = compare(recorded, actual, tolerance), find_causes(then, now)
    played = Played(run.record, then, recorded.digests), Played(again.record, now, actual.digests)
    content = certificate(*played, comparison, causes, tolerance)
    _certify(run, again, content)
    file = again.path(MARKDOWN_FILE)
    return Reproduced(again_id, comparison, tuple(causes), content, file)


def _train_here(run: RunFiles, recorded: Outcome, threads: int | None, reporter: Reporter) -> str:
    config = _on(threads, recorded_config(run))
    forked = {FORKED_FROM_TAG} & run.record.tags.keys()
    lineage = {tag: run.record.tags[tag] for tag in forked}
    export = exported_with(run) if run.has(EXPORT_REPORT) else None
    origin = Reproduction(run, export, fork_point_of(run))
    tags = {KIND_TAG: RunKind.REPRODUCTION, REPRODUCES_TAG: run.record.run_id, **lineage}
    hooks = Hooks(reporter, _stop_like(recorded), title=f"{config.name} again")
    return train(config, run.store, origin, RunIdentity(_again(run), tags=tags), hooks).run_id


def _again(run: RunFiles) -> str:
    return f"again {run.record.run_id[:8]}: {run.record.name}"


def _on(threads: int | None, config: ExperimentConfig) -> ExperimentConfig:
    """`config` with another number of threads, where one is asked for."""
    if threads is None:
        return config
    return config.model_copy(update={"train": config.train.model_copy(update={"threads": threads})})


def check(run: RunFiles, *, threads: int | None = None, reporter: Reporter = SILENT) -> list[Cause]:
    """What here differs from the run's record, the likeliest cause of another result first; trains nothing.

    threads: of torch; none: as recorded.
    """
    check_ended(run)
    check_record(run)
    here = _prepared_here(run, threads, reporter)
    return find_causes(recorded_environment(run), environment_of(here))


def _prepared_here(run: RunFiles, threads: int | None, reporter: Reporter) -> PreparedRun:
    """What `run` would begin with here and now; nothing is recorded."""
    config = _on(threads, recorded_config(run))
    effective = prepare(config, threads=threads_of(run.record.tags, where=run.where))
    parents = parents_of(config, run.store)
    parts = build(config, cache_dir=run.store.root / "cache", parents=parents, reporter=reporter)
    return prepared_run(parts, effective, fork_point_of(run))


def _check_start_if_readable(run: RunFiles, reporter: Reporter) -> None:
    """Fail before a run is created if data, tokenizer or weights are missing or changed.

    The recorded program may have had another schema; then its data are compared afterwards, as a cause.
    """
    run.read(ConfigFile, CONFIG_FILE)
    try:
        recorded_config(run)
    except UserError as error:
        reporter.say(f"data are not checked beforehand: {error.what}", "warning")
        return
    check_same_inputs(run, _prepared_here(run, None, reporter))


def _stop_like(recorded: Outcome) -> StopWhen | None:
    """A pruned run stops at its step again."""
    if recorded.status != "pruned":
        return None

    def stop(step: int, _metrics: Mapping[str, float]) -> bool:
        return step >= recorded.steps

    return stop


def _certify(run: RunFiles, again: RunFiles, content: dict[str, Any]) -> None:
    """The certificate and the verdict on the new run, the verdict on the old one."""
    verdict = content["verdict"]
    log = run.store.attach(again.record.run_id)
    log.log_json(content, JSON_FILE)
    log.log_text(as_markdown(content), MARKDOWN_FILE)
    # The old program chose this run's name from its own command line; set ours.
    log.set_tags(
        {
            VERDICT_TAG: verdict,
            REPRODUCES_TAG: run.record.run_id,
            "mlflow.runName": _again(run),
        }
    )
    log.close()
    old = run.store.attach(run.record.run_id)
    old.set_tags({VERDICT_TAG: f"{verdict}: {again.record.run_id}"})
    old.close()
