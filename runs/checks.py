"""Whether a run is of the kind that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import UserError
from export.variants import USUAL
from runs.files import RunFiles
from runs.layout import BEST_RUN_TAG, CONFIG_FILE, STORIES_OF_TAG, RunKind, is_exported, kind_of
from runs.record_files import ConfigFile
from tracking.entities import FAILED_BECAUSE_TAG, KILLED_BECAUSE_TAG

if TYPE_CHECKING:
    from tracking.entities import RunRecord


def check_is_ours(run: RunFiles) -> None:
    """UserError for a run of another program."""
    if kind_of(run.record) is None:
        raise UserError(
            "was not made by Encore", where=run.where, cure="`encore runs` lists the runs that were."
        )


def check_is_one_run(run: RunFiles) -> None:
    """UserError for another program's run, and for a sweep's own, which trained nothing."""
    check_is_ours(run)
    if kind_of(run.record) == RunKind.SWEEP:
        raise UserError(
            "a sweep is many runs",
            where=run.where,
            cure=f"Name one of them: `encore runs --sweep {run.record.run_id[:8]}` lists them.",
        )
    check_trained(run.record, run.where)


def check_trained(record: RunRecord, where: str) -> None:
    """UserError for a run that only holds stories, or a study."""
    if kind_of(record) == RunKind.STUDY:
        raise UserError(
            "is a study and trained nothing",
            where=where,
            cure=f"`encore show {record.run_id[:8]}` shows it, `encore reproduce {record.run_id[:8]}` makes it again.",
        )
    if kind_of(record) == RunKind.STORIES:
        raise UserError(
            "holds stories and trained nothing",
            where=where,
            cure=f"Name the run whose model wrote them: {record.tags.get(STORIES_OF_TAG, 'unknown')[:8]}.",
        )


def check_has_model(run: RunFiles) -> None:
    """UserError, with the reason, for a run that has no trained model."""
    record = run.record
    if kind_of(record) == RunKind.SWEEP:
        best = record.tags.get(BEST_RUN_TAG, "")
        cure = f"Take its best run, {best[:8]}." if best else "It has no finished run."
        raise UserError("a sweep has no model of its own", where=run.where, cure=cure)
    check_is_one_run(run)
    if record.status != "FINISHED":
        why = record.tags.get(KILLED_BECAUSE_TAG) or record.tags.get(FAILED_BECAUSE_TAG, "")
        raise UserError(
            f"only a finished run has a model; this one is {record.status}"
            + (f" ({why.splitlines()[0][:120]})" if why else ""),
            where=run.where,
            cure="`encore runs` lists the runs.",
        )


def check_ended(run: RunFiles) -> None:
    """UserError for a sweep's own run, for stories, and for a run that is still going on."""
    check_is_one_run(run)
    if run.record.status == "RUNNING":
        raise UserError("is still going on", where=run.where, cure="Wait for it, or end it.")


def export_command(run: RunFiles, variant: str) -> str:
    """What a person types so that a run gets a variant of its export that it has not."""
    usual = run.read(ConfigFile, CONFIG_FILE).get("export", {}).get("variants", USUAL)
    written_anyway = not is_exported(run.record) and variant in usual
    return f"`encore export {run.record.run_id[:8]}{'' if written_anyway else f' --variants {variant}'}`"
