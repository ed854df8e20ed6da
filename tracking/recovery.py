"""Finishing what a process that died left undone: its unsent records, its files, its status."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import exclusive
from host.process import Owner
from tracking.addresses import public_uri
from tracking.artifacts import Artifacts
from tracking.entities import KILLED_BECAUSE_TAG
from tracking.faults import explained
from tracking.journal import Contents, LeftOver
from tracking.metric_writer import MetricWriter, next_batch, open_writer
from tracking.places import artifact_folder, inside
from tracking.sender import now_ms

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

OWNER_TAG = "encore.owner"
LOST_OWNER = {KILLED_BECAUSE_TAG: "lost owner"}


def recover_runs(client: MlflowClient, uri: str, journal_folder: Path) -> list[str]:
    """Replay every abandoned journal of this store and end every run that lost its owner.

    Returns the ids of the runs that were touched. A run whose owner lives, or lived on another
    host until a few minutes ago, is left alone; so is a journal of another store. Replaying twice
    changes nothing, and one process at a time does it.
    """
    with exclusive(journal_folder / ".replay.lock"), explained(uri):
        writer = open_writer(client, uri)
        abandoned = _abandoned(journal_folder, public_uri(uri))
        for journal in abandoned:
            _replay(client, uri, writer, journal)
        lost = _end_lost_runs(client, journal_folder)
    return [*(journal.run_id for journal in abandoned), *lost]


def _abandoned(journal_folder: Path, uri: str) -> list[LeftOver]:
    found: list[LeftOver] = []
    for path in sorted(journal_folder.glob("*.jsonl")):
        try:
            journal = LeftOver.open(path)
            if journal is None:
                _set_aside(path)
            elif journal.uri == uri and journal.is_abandoned():
                found.append(journal)
        except FileNotFoundError:  # its owner ended the run just now
            continue
    return found


def _replay(client: MlflowClient, uri: str, writer: MetricWriter, journal: LeftOver) -> None:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(journal.run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        _set_aside(journal.path)
        return
    if run.info.lifecycle_stage != "active":
        return  # deleted in the UI, and may be restored there: the journal waits
    contents = journal.read()
    records = contents.unsent
    while records:
        batch = next_batch(records)
        writer.write(journal.run_id, batch)
        records = records[batch.records :]
    _finish_files(client, uri, run, journal)
    _end(client, run, contents)
    journal.path.unlink()


def _finish_files(client: MlflowClient, uri: str, run: Run, journal: LeftOver) -> None:
    """Remove what is half written, send what waits. Where the store names another place for the files, such as that
    of the store that this one is a copy of, nothing there is touched."""
    folder = journal.path.parent
    try:
        place = run.info.artifact_uri or ""
        local = artifact_folder(place, journal.run_id, root=folder.parent, uri=uri, where=journal.run_id)
    except UserError:
        return
    artifacts = Artifacts(client, uri, journal.run_id, local, folder, lambda: None)
    artifacts.discard_partial()
    artifacts.upload()


def _end(client: MlflowClient, run: Run, contents: Contents) -> None:
    """Give the run the ending that its owner meant, or else that of a lost owner."""
    run_id: str = run.info.run_id
    if contents.end is not None:
        if contents.end.status is not None:
            client.set_terminated(run_id, contents.end.status, contents.end.time_ms)
    elif run.info.status == "RUNNING":
        for key, value in LOST_OWNER.items():
            client.set_tag(run_id, key, value)
        client.set_terminated(run_id, "KILLED", contents.last_ms)


def _end_lost_runs(client: MlflowClient, journal_folder: Path) -> list[str]:
    """End runs that died without leaving a journal: between being created and being opened."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    lost: list[str] = []
    for run in client.search_runs(experiments, "attributes.status = 'RUNNING'"):
        owner = Owner.parse(run.data.tags.get(OWNER_TAG, ""))
        has_journal = (journal_folder / f"{run.info.run_id}.jsonl").exists()
        if has_journal or owner is None or not owner.is_here() or owner.is_alive():
            continue
        _end(client, run, Contents([], None, now_ms()))
        lost.append(run.info.run_id)
    return lost


def _set_aside(journal: Path) -> None:
    """Nothing can be sent (the run is gone for good, or the journal is unreadable): keep, never try again."""
    orphans = inside(journal.parent, "orphaned")
    orphans.mkdir(exist_ok=True)
    shutil.move(journal, orphans / journal.name)
    staged = journal.with_suffix(".artifacts")
    if staged.exists():
        shutil.move(staged, orphans / staged.name)
