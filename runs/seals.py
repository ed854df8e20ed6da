"""The digests of a record's own files, which stand in the tracking store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs.files import RunFiles, altered, plain_digest
from runs.layout import CHECKPOINTS, PROVENANCE_FILE, RECORD_DIGESTS_FILE, is_of_the_record
from runs.record_files import Digests
from tracking.manifest import MANIFEST_SEAL, seal_tag

if TYPE_CHECKING:
    from tracking.run_log import RunLog


def log_sealed(log: RunLog, value: object, file: str) -> None:
    """Write `value` as the JSON artifact `file`, and its sha256 into the tracking store."""
    log.set_tags({seal_tag(file): log.log_json(value, file)})


def check_manifest(run: RunFiles) -> None:
    """UserError when a run's manifest was altered, is gone or has lost its seal; one of an earlier version has none."""
    assert (run.manifest is not None) == run.recorded_with_manifest


def check_record(run: RunFiles) -> None:
    """UserError, naming the file, when one of the record's own is not what was written before the first step."""
    check_sealed(run, PROVENANCE_FILE, RECORD_DIGESTS_FILE)
    for file, digest in _record_digests(run).items():
        if plain_digest(run, file) != digest:
            raise altered(run, file)


def _record_digests(run: RunFiles) -> dict[str, str]:
    """By the manifest, or by what a record of an earlier format had in its place; none for the earliest."""
    tags = run.record.tags
    if seal_tag(RECORD_DIGESTS_FILE) in tags or not run.recorded_with_manifest:
        return run.read(Digests, RECORD_DIGESTS_FILE) if run.has(RECORD_DIGESTS_FILE) else {}
    if MANIFEST_SEAL not in tags and not _has_begun(run):
        return {}  # its process died before the first seal
    manifest = run.manifest or {}
    return {file: digest for file, digest in manifest.items() if is_of_the_record(file)}


def _has_begun(run: RunFiles) -> bool:
    """Whether a run has come to its first step, which is after the first seal of its manifest."""
    steps = any(key.startswith(("train/", "val/")) for key in run.record.metrics)
    return steps or run.record.status == "FINISHED" or run.has(CHECKPOINTS)


def check_sealed(run: RunFiles, *files: str) -> None:
    """UserError when a file is missing or is not the one whose digest the tracking store has.

    Of a run of an earlier version, which left no such digest, nothing is known.
    """
    for file in files:
        recorded = run.record.tags.get(seal_tag(file))
        if recorded is not None and plain_digest(run, file) != recorded:
            raise altered(run, file)


def check_listed(run: RunFiles, *files: str) -> None:
    """UserError, naming it, for a file that is not the one that the run's manifest names; without one none is known."""
    for file in files:
        if run.manifest is not None and plain_digest(run, file) != run.manifest.get(file):
            raise altered(run, file)
