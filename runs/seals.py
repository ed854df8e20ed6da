"""The digests of a record's own files, which stand in the tracking store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs.files import RunFiles, altered, plain_digest
from runs.layout import SEALS_FILE
from runs.record_files import Digests
from tracking.manifest import seal_tag

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
    check_sealed(run, SEALS_FILE)
    if not run.has(SEALS_FILE):
        return  # an earlier version of Encore wrote none
    for file, digest in run.read(Digests, SEALS_FILE).items():
        if plain_digest(run, file) != digest:
            raise altered(run, file)


def check_sealed(run: RunFiles, *files: str) -> None:
    """UserError when a file is missing or is not the one whose digest the tracking store has.

    Of a run of an earlier version, which left no such digest, nothing is known.
    """
    for file in files:
        recorded = run.record.tags.get(seal_tag(file))
        if recorded is not None and plain_digest(run, file) != recorded:
            raise altered(run, file)
