"""A recipe that has already finished: its result is taken over instead of training the same once more."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.training.exporting import Exporting, exported_with
from experiments.training.inputs import recorded_config
from experiments.training.recipe import environment_of
from host.disk import link
from host.files import entries
from host.progress import Reporter
from runs.differences import find_causes
from runs.environment import recorded_environment
from runs.files import RunFiles
from runs.layout import (
    CONFIG_FILE,
    DIGESTS_FILE,
    EXPORT_GATE,
    EXPORT_REPORT,
    GATE_TAG,
    MODEL_FOLDER,
    NONDETERMINISTIC,
    PRECISION_TAG,
    PROVENANCE_FILE,
    RECIPE_TAG,
    RESULT_FILE,
    RESUMED_OTHERWISE_TAG,
    RESUMED_UNDER_TAG,
    REUSES_TAG,
    SAMPLES_FOLDER,
    TEACHER_FOLDER,
    ran_tag,
)
from runs.outcome import logged_points
from runs.record_files import ConfigFile, Digests, ReportFile, ResultFile
from runs.result import RunResult, read_result
from runs.seals import log_sealed
from runs.verify import verify

if TYPE_CHECKING:
    from experiments.build import Parts
    from experiments.training.origin import StopWhen
    from experiments.training.recipe import PreparedRun
    from tracking.run_log import RunLog
    from tracking.store import Store

_UNLIKE_ITS_RECIPE = {
    RESUMED_UNDER_TAG,
    RESUMED_OTHERWISE_TAG,
    ran_tag(NONDETERMINISTIC),
}
_TAGS = {PRECISION_TAG}  # what a training finds out
_FOLDERS = ("checkpoints", "predictions", MODEL_FOLDER)
_FOLDERS_OF_SOME = (SAMPLES_FOLDER, TEACHER_FOLDER)


def finished_run(
    store: Store, prepared: PreparedRun, *, export: bool, stop_when: StopWhen | None
) -> RunFiles | None:
    """The earliest run of the recipe whose result is the one that training now would have; none: it must be trained.

    It has finished on the same libraries and the same kind of machine, its files are what they were, it kept the
    checkpoints and wrote the samples that are asked for, and `stop_when` would not have stopped it. One that has the
    `export` that is asked for is better than one that has not.
    """
    found = store.runs(tags={RECIPE_TAG: prepared.recipe_id})
    runs = (RunFiles(store, record) for record in sorted(found, key=lambda record: record.start_ms))
    alike = [run for run in runs if _finished_alike(run, prepared)]
    if export:
        alike.sort(key=lambda run: not exported_alike(run, prepared.parts))
    run = next((run for run in alike if _holds(run)), None)
    if run is None or stop_when is None:
        return run
    total = prepared.parts.schedule.total_steps
    stopped = (step < total and stop_when(step, values) for step, values in _validations(run))
    return None if any(stopped) else run


def _finished_alike(run: RunFiles, prepared: PreparedRun) -> bool:
    needed = (RESULT_FILE, DIGESTS_FILE, CONFIG_FILE, PROVENANCE_FILE)
    if run.record.status != "FINISHED" or _UNLIKE_ITS_RECIPE & run.record.tags.keys():
        return False
    if not all(run.has(file) for file in needed):
        return False
    config, recorded = prepared.parts.config, run.read(ConfigFile, CONFIG_FILE)
    kept, samples = config.train.keep_checkpoint_every_steps, config.samples
    if kept is not None and recorded.get("train", {}).get("keep_checkpoint_every_steps") != kept:
        return False
    if samples is not None and recorded.get("samples") != samples.model_dump(mode="json"):
        return False
    causes = find_causes(recorded_environment(run), environment_of(prepared))
    return all(cause.kind == "config" for cause in causes)  # of these the recipe says which count


def _holds(run: RunFiles) -> bool:
    try:
        # A run without a manifest does not tell what was added, and a link would be copied with all behind it.
        plain = all(entry.kind in {"file", "folder"} for entry in entries(run.whole_folder()).values())
        return plain and all(check.holds for check in verify(run))
    except UserError:  # something is missing: then this is not a result to take
        return False


def _validations(run: RunFiles) -> list[tuple[int, dict[str, float]]]:
    """The held-out metrics of each validation, by step."""
    points = sorted(logged_points(run).items())
    held_out = (
        (step, {key: v for key, v in values.items() if key.startswith("val/")}) for step, values in points
    )
    return [(step, values) for step, values in held_out if values]


def earlier_result(run: RunFiles) -> RunResult:
    """What `run` came to, exported with it or later."""
    result = _result_of(run)
    if not run.has(EXPORT_REPORT):
        return result
    report = run.read(ReportFile, EXPORT_REPORT)
    metrics = {**_without_export(result), **report.metrics}
    return replace(result, metrics=metrics, gate_failures=tuple(report.failures))


def _result_of(run: RunFiles) -> RunResult:
    return read_result(run.read(ResultFile, RESULT_FILE), reused=run.record.run_id)


def _without_export(result: RunResult) -> dict[str, float]:
    return {key: value for key, value in result.metrics.items() if not key.startswith("export/")}


def take_over(
    run: RunFiles,
    log: RunLog,
    parts: Parts,
    name: str,
    exporting: Exporting | None,
    *,
    reporter: Reporter,
) -> RunResult:
    """Give the new run `log` all that `run`, of the same recipe, came to; files are the same ones where they can be.

    exporting: none: without an export.
    """
    known = {tag: run.record.tags[tag] for tag in _TAGS & run.record.tags.keys()}
    log.set_tags({REUSES_TAG: run.record.run_id, **known})
    earlier = _result_of(run)
    for folder in [*_FOLDERS, *(name for name in _FOLDERS_OF_SOME if run.has(name))]:
        _copy(run, log, folder)
    log_sealed(log, run.read(Digests, DIGESTS_FILE), DIGESTS_FILE)
    for step, values in sorted(logged_points(run).items()):
        log.log_metrics(values, step=step)
    exported, failures = ({}, ()) if exporting is None else _exported(run, log, parts, exporting, reporter)
    result = replace(
        earlier,
        run_id=log.run_id,
        name=name,
        metrics=_without_export(earlier) | exported,
        seconds={},
        gate_failures=failures,
    )
    log.log_summary(result.metrics)
    log_sealed(log, asdict(result), RESULT_FILE)
    return result


def _exported(
    run: RunFiles, log: RunLog, parts: Parts, exporting: Exporting, reporter: Reporter
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Metrics and missed limits of the run's export, or of one made now where its settings are other ones."""
    if not exported_alike(run, parts):
        return exporting(log, parts.config, parts.data, run.path(MODEL_FOLDER), reporter)
    _copy(run, log, "export")
    content = run.read(ReportFile, EXPORT_REPORT)
    told = {tag: run.record.tags[tag] for tag in (EXPORT_GATE, GATE_TAG) if tag in run.record.tags}
    log.set_tags(content.params | told)
    return content.metrics, tuple(content.failures)


def exported_alike(run: RunFiles, parts: Parts) -> bool:
    """Whether `run` has an export that was measured as this one would be: it is no part of the recipe."""
    if not run.has(EXPORT_REPORT) or EXPORT_GATE not in run.record.tags:
        return False
    asked, had = parts.config.export, exported_with(run)
    besides = {"when", "variants"}
    tried = {*had.variants, *recorded_config(run).export.variants}  # a runtime may have refused some
    return {*asked.variants} <= tried and asked.model_dump(exclude=besides) == had.model_dump(exclude=besides)


def _copy(run: RunFiles, log: RunLog, name: str) -> None:
    with log.folder(name) as folder:
        shutil.copytree(
            run.path(name),
            folder,
            dirs_exist_ok=True,
            copy_function=lambda source, target: link(Path(source), Path(target)),
        )
