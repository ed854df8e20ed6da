"""A bundle of a run: which files it is made of, checked against the run's record before they are copied."""

from __future__ import annotations

from pathlib import Path

from errors import UserError
from export.bundle import Origin, write_bundle
from export.bundle_file import COPIED, BundleFile
from export.golden import GOLDEN_FILE
from export.variants import EXPORTED
from host.files import is_plain_file
from runs.checks import check_has_model, export_command
from runs.files import RunFiles, altered, plain_digest
from runs.kept_files import checked_run_folder
from runs.layout import EXPORT_FOLDER, EXPORT_REPORT, RECIPE_TAG
from runs.record_files import MALFORMED, ReportFile
from runs.seals import check_listed
from scoring.tasks import task_of_export


def is_bundled_as_it_is(run: RunFiles, variant: str) -> bool:
    """Whether a run has the variant, with golden answers: else it is exported before it is bundled."""
    return run.has(EXPORT_REPORT) and run.has(f"{EXPORT_FOLDER}/{variant}/{GOLDEN_FILE}")


def bundle_of(run: RunFiles, variant: str, folder: Path) -> BundleFile:
    """Write the bundle of a finished run's variant into `folder`; what it says.

    UserError for a run that has no such variant or no golden answers, and for files that are not those of its record.
    """
    check_has_model(run)
    check_exported(run, variant)
    check_listed(run, EXPORT_REPORT)
    source = checked_run_folder(run, f"{EXPORT_FOLDER}/{variant}")
    report = run.read(ReportFile, EXPORT_REPORT)
    for name in COPIED:
        if not is_plain_file(source / name):
            raise UserError(f"{name} of the variant is gone", where=run.where, cure="Restore the artifact.")
    for path, digest in report.digests.items():
        if path.startswith(f"{variant}/") and plain_digest(run, f"{EXPORT_FOLDER}/{path}") != digest:
            raise altered(run, f"{EXPORT_FOLDER}/{path}")
    return write_bundle(source, _origin(run, report, variant), folder)


def check_variant(name: str, option: str = "--variant") -> None:
    """UserError for what is no exported variant's name; option: that gave it."""
    names = [row.name for row in EXPORTED]
    if name not in names:
        raise UserError(
            f"there is no exported variant {name!r:.40}",
            where=option,
            cure=f"There are {', '.join(names)}.",
        )


def check_exported(run: RunFiles, variant: str) -> None:
    """UserError, with the way to it, for a run that has no such variant, or that has no golden answers."""
    check_variant(variant)
    short = run.record.run_id[:8]
    if not run.has(EXPORT_REPORT):
        raise UserError(
            "has not been exported", where=run.where, cure=f"`encore export {short}` writes its variants."
        )
    if not run.has(f"{EXPORT_FOLDER}/{variant}"):
        raise UserError(
            f"was exported without the variant {variant}",
            where=run.where,
            cure=f"{export_command(run, variant)} writes it.",
        )
    if not is_bundled_as_it_is(run, variant):
        raise UserError(
            "was exported by an earlier version, without golden answers",
            where=run.where,
            cure=f"`encore export {short}` writes it with them.",
        )


def _origin(run: RunFiles, report: ReportFile, variant: str) -> Origin:
    prefix = f"export/{variant}/"
    figures = {
        key.removeprefix(prefix): value for key, value in report.metrics.items() if key.startswith(prefix)
    }
    task = task_of_export(report.metrics, variant)
    if task is None:
        raise UserError(f"{EXPORT_REPORT} has no scores of {variant}", where=run.where, cure=MALFORMED)
    return Origin(
        run_id=run.record.run_id,
        run_name=run.record.name,
        experiment=run.record.experiment,
        recipe_id=run.record.tags.get(RECIPE_TAG),
        task=task.name,
        variant=variant,
        figures=figures,
    )
