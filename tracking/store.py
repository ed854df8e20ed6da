"""The tracking store: where runs are started, found and read. The way in to everything here."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.process import Owner
from tracking.addresses import DATABASE_FILE, public_uri, shown_uri, sqlite_path, sqlite_uri
from tracking.backend import connect, move_in
from tracking.entities import FAILED_BECAUSE_TAG, KILLED_BECAUSE_TAG, DatasetInput, Experiment, RunRecord
from tracking.faults import explained
from tracking.gone import GoneError, refuse_deleted
from tracking.inputs import experiment_id, log_inputs
from tracking.limits import MAX_TAG_CHARACTERS, check_names, cut_to, recordable
from tracking.places import check_rooms
from tracking.recovery import OWNER_TAG, left_undone, recover_runs
from tracking.redaction import redacted
from tracking.run_log import RunLog, ending_of
from tracking.search import PARENT_TAG, ClientSearch, RunTable, Search, is_run_id, run_record, unknown_run
from tracking.sql_reader import SqlReader, sql_reader
from tracking.stored_files import StoredFiles
from tracking.tags import run_tags

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

_NAME_CHARACTERS = 250  # of a run's name, in MLflow's table


@dataclass
class Store:
    """One tracking store. `root` is the mlruns folder: journal, and artifacts unless a server has them.

    The two intervals are seconds: how often points are sent, how often the machine is sampled (0
    for never).
    """

    uri: str
    root: Path
    connected: MlflowClient | None
    reader: SqlReader | None = None
    send_every_s: float = 3.0
    sample_every_s: float = 10.0

    @property
    def client(self) -> MlflowClient:
        """MLflow's, connected when it is first asked for."""
        if self.connected is None:
            self.connected = connect(self.uri, self.root, create=False)
        return self.connected

    @property
    def search(self) -> Search:
        return self.reader or ClientSearch(self.client, public_uri(self.uri))

    @classmethod
    def open(cls, root: Path, uri: str | None = None, *, create: bool = True) -> Store:
        """Open the store, finish what dead processes left undone. create: where there is none, make it and `root`.

        Without `uri` the environment's MLFLOW_TRACKING_URI counts, else `<root>/mlflow.db`.

        Raises:
            UserError: the store is locked, read-only, of another schema, damaged or unreachable, or `root`
                cannot be a folder; or it is not there and not to be created.
        """
        uri, root = _place(uri, root)
        store = cls(uri, root, connect(uri, root, create=create))
        if not root.exists():  # so no process has left anything there
            return store
        if recover_runs(store.client, uri, store.journal_folder):
            move_in(
                uri, root
            )  # it does nothing while a run is RUNNING; recovery has just ended those, so once more
        return store

    @classmethod
    def read(cls, root: Path, uri: str | None = None) -> Store:
        """The store to look at: without MLflow, whose import takes seconds, where nothing is left undone in it.

        Whatever writes asks for `client`, and so for MLflow. UserError as `open`, when there is none.
        """
        uri, root = _place(uri, root)
        reader = sql_reader(sqlite_path(uri)) if uri.startswith("sqlite:///") else None
        if reader is None or left_undone(reader, uri, root):
            return cls.open(root, uri, create=False)
        return cls(uri, root, None, reader)

    @property
    def journal_folder(self) -> Path:
        return self.root / "journal"

    def start_run(
        self,
        *,
        experiment: Experiment,
        name: str,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        description: str,
        datasets: Sequence[DatasetInput] = (),
        parent_id: str | None = None,
        sampled: bool = True,
    ) -> RunLog:
        """Start a run: its params, tags, inputs and description are in the store when this returns.

        `sampled`: whether `system/…` is logged while it goes on.
        """
        all_tags = run_tags(tags, description, parent_id)
        check_names([*params, *all_tags])
        with explained(self.uri):
            in_experiment = experiment_id(self.client, self.uri, self.root, experiment)
            fitted = recordable(all_tags, MAX_TAG_CHARACTERS)
            shown = cut_to(redacted(name), _NAME_CHARACTERS)
            run = self.client.create_run(in_experiment, tags=fitted, run_name=shown)
            with self._ended_if_not_begun(run.info.run_id):
                log_inputs(self.client, run.info.run_id, datasets)
                log = self._log(run, dict[str, str], sample=sampled and self.sample_every_s > 0)
        try:
            log.log_params(params)
            log.flush()
        except BaseException as error:
            log.finish(ending_of(error), reason="its record could not be begun")
            raise
        return log

    @contextmanager
    def _ended_if_not_begun(self, run_id: str) -> Generator[None]:
        """No run stays RUNNING that nobody will ever write."""
        try:
            yield
        except BaseException as error:
            self.client.set_terminated(run_id, ending_of(error))
            raise

    def attach(self, run_id: str, *, running: bool = False, sampled: bool = True) -> RunLog:
        """Write more to a run that exists. `running` sets it going again, with this process as owner.

        Raises:
            GoneError: there is no such run, or it was deleted.
            UserError: another process writes it.
        """
        run = self._get(run_id)
        with explained(self.uri):
            refuse_deleted(self.client, run, shown_uri(self.uri))
        self._refuse_foreign_owner(run)
        record = run_record(run, "")
        log = self._log(
            run,
            lambda: self.files.manifest(record) or (self.files.digests(record) if running else None),
            sample=running and sampled and self.sample_every_s > 0,
        )
        if running:
            with explained(self.uri):
                self.client.update_run(run_id, status="RUNNING")
                for tag in {KILLED_BECAUSE_TAG, FAILED_BECAUSE_TAG} & run.data.tags.keys():
                    self.client.delete_tag(run_id, tag)
            log.set_tags({OWNER_TAG: str(Owner.current())})
            log.flush()
        return log

    def find(self, prefix: str, *, deleted: bool = False) -> RunRecord:
        """The run whose id begins with `prefix`. deleted: of those in the bin.

        Raises:
            UserError: no run does, or several do.
        """
        if not is_run_id(prefix):
            raise unknown_run(prefix, shown_uri(self.uri))
        with explained(self.uri):
            return self.search.find(prefix, deleted=deleted)

    def runs(
        self,
        *,
        experiment: str | None = None,
        parent_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> list[RunRecord]:
        """Runs, newest first; of an experiment, under a parent, with these tags."""
        wanted = {**(tags or {}), **({PARENT_TAG: parent_id} if parent_id else {})}
        with explained(self.uri):
            return self.search.search(experiment=experiment, tags=wanted, limit=limit)

    def table(
        self, *, experiment: str | None = None, parent_id: str | None = None, deleted: bool = False
    ) -> RunTable:
        """Runs as a table, of which no more is read than is asked for. deleted: those in the bin."""
        tags = {PARENT_TAG: parent_id} if parent_id else {}
        return self.search.table(experiment=experiment, tags=tags, deleted=deleted)

    def metric_history(self, run_id: str, key: str) -> list[tuple[int, float]]:
        """All (step, value) of a metric, in the order of the steps."""
        return self.metric_histories([run_id], key)[run_id]

    def metric_histories(self, run_ids: Sequence[str], key: str) -> dict[str, list[tuple[int, float]]]:
        """The same of several runs at once, by run."""
        with explained(self.uri):
            found = self.search.histories(run_ids, key)
        return {
            run_id: [(step, value) for step, _, value in sorted(points)] for run_id, points in found.items()
        }

    def experiments(self) -> dict[str, dict[str, str]]:
        """The tags of each experiment that is not deleted, by its name."""
        with explained(self.uri):
            return self.search.experiments()

    def tag_experiment(self, name: str, key: str, value: str) -> None:
        """Write a tag of an experiment. UserError where the store cannot be written."""
        with explained(self.uri):
            found = self.client.get_experiment_by_name(name)
            assert found is not None, "a run of it was read"
            self.client.set_experiment_tag(found.experiment_id, key, value)

    @property
    def files(self) -> StoredFiles:
        """Reading the files of runs."""
        return StoredFiles(lambda: self.client, self.uri, self.root)

    def artifact(self, record: RunRecord, path: str) -> Path:
        """The local path of a file or folder of a run; UserError when the run has none. `RunFiles.find` has more."""
        found = self.find_artifact(record, path)
        if found is None:
            raise UserError(
                f"the run has no artifact {path}",
                where=record.label,
                cure=f"Restore it; `encore show {record.run_id[:8]}` lists what the run has.",
            )
        return found

    def find_artifact(self, record: RunRecord, path: str) -> Path | None:
        """Like `artifact`; None where the run has no such file or folder."""
        return self.files.find(record, path)

    def artifacts(self, record: RunRecord) -> list[str]:
        """Names at the top of a run's artifacts, folders with a slash at the end."""
        return self.files.top(record)

    def _get(self, run_id: str) -> Run:
        from mlflow.exceptions import MlflowException

        with explained(self.uri):
            try:
                return self.client.get_run(run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise GoneError(
                    f"the store has no run {run_id}",
                    where=shown_uri(self.uri),
                    cure="Restore the store that had it.",
                ) from error

    def _log(self, run: Run, digests: Callable[[], dict[str, str] | None], *, sample: bool) -> RunLog:
        return RunLog(
            self.client,
            self.uri,
            run,
            self.journal_folder,
            local=self.files.folder(run_record(run, "")),
            digests=digests,
            send_every_s=self.send_every_s,
            sample_every_s=self.sample_every_s if sample else None,
        )

    def _refuse_foreign_owner(self, run: Run) -> None:
        owner = Owner.parse(run.data.tags.get(OWNER_TAG, ""))
        if run.info.status != "RUNNING" or owner is None or owner == Owner.current():
            return
        raise UserError(
            f"the run is going on in process {owner.pid} on {owner.host}",
            where=f"run {run.info.run_id[:8]}",
            cure="Wait for it or end it; if it is gone, try again ten minutes after its last word.",
        )


def _place(uri: str | None, root: Path) -> tuple[str, Path]:
    """The store's address and its folder, absolute. UserError where that folder's rooms lead out of it."""
    root = root.absolute()
    check_rooms(root)
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(root / DATABASE_FILE), root
