"""Finishing what a process that died left undone: its unsent records, its files, its status."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import exclusive
from host.process import Owner
from tracking.addresses import DATABASE_FILE, public_uri, sqlite_path
from tracking.artifacts import Artifacts
from tracking.backend import has_run, moved_folder
from tracking.entities import KILLED_BECAUSE_TAG
from tracking.faults import explained
from tracking.journal import Contents, LeftOver
from tracking.limits import MAX_TAG_CHARACTERS, recordable
from tracking.metric_writer import MetricWriter, next_batch, open_writer
from tracking.places import artifact_folder, inside
from tracking.sender import now_ms
from tracking.sql_reader import SqlReader

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


def left_undone(reader: SqlReader, uri: str, root: Path) -> bool:
    """Whether `recover_runs` would have something to do, or the store was moved here and has not been told."""
    journals = root / "journal"
    if any(journal is None or _is_abandoned(journal, public_uri(uri)) for _, journal in _journals(journals)):
        return True
    if any(_has_lost_its_owner(run.run_id, run.tags, journals) for run in reader.running()):
        return True
    return any(moved_folder(place, root) is not None for place in reader.locations())


def _has_lost_its_owner(run_id: str, tags: Mapping[str, str], journals: Path) -> bool:
    """Whether a running run's process is gone and has left no journal."""
    owner = Owner.parse(tags.get(OWNER_TAG, ""))
    has_journal = (journals / f"{run_id}.jsonl").exists()
    return not (has_journal or owner is None or not owner.is_here() or owner.is_alive())


def _journals(folder: Path) -> Generator[tuple[Path, LeftOver | None]]:
    """Every journal; None for a file that is none."""
    for path in sorted(folder.glob("*.jsonl")):
        try:
            yield path, LeftOver.open(path)
        except FileNotFoundError:  # its owner ended the run just now
            continue


def _is_abandoned(journal: LeftOver, uri: str) -> bool:
    """Whether a journal of the store at `uri` has lost its process."""
    try:
        return (journal.uri == uri or _came_along(journal, uri)) and journal.is_abandoned()
    except FileNotFoundError:
        return False


def _came_along(journal: LeftOver, uri: str) -> bool:
    """Whether a journal was moved or copied here with its store, and so names the place that this one had.

    Both stores are databases beside their journals, and this one has the run too. (With MLFLOW_TRACKING_URI a folder
    may hold journals of another database, which has its run and not this one.)
    """
    if not (uri.startswith("sqlite:///") and journal.uri.startswith("sqlite:///")):
        return False
    ours = sqlite_path(uri)
    beside = ours == journal.path.parent.parent / DATABASE_FILE
    return beside and sqlite_path(journal.uri).name == DATABASE_FILE and has_run(ours, journal.run_id)


def _abandoned(journal_folder: Path, uri: str) -> list[LeftOver]:
    found: list[LeftOver] = []
    for path, journal in _journals(journal_folder):
        if journal is None:
            _set_aside(path)
        elif _is_abandoned(journal, uri):
            found.append(journal)
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
    _say_why(client, run, contents)
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


def _say_why(client: MlflowClient, run: Run, contents: Contents) -> None:
    """Why the run ended, where it has not been said; before its records, which have all of a long reason."""
    tags = {} if contents.end is None else recordable(contents.end.tags(), MAX_TAG_CHARACTERS)
    for key, value in tags.items():
        if key not in run.data.tags:
            client.set_tag(run.info.run_id, key, value)


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
        if _has_lost_its_owner(run.info.run_id, run.data.tags, journal_folder):
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
