"""Writing to one run: cheap on the training thread, nothing lost when the process or the store dies."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.bounded_json import OddJsonError, parse_json
from tracking.artifacts import Artifacts, digests_of
from tracking.faults import explained
from tracking.journal import own_journal
from tracking.limits import MAX_PARAM_CHARACTERS, MAX_TAG_CHARACTERS, check_names, cut_to, recordable
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL, manifest_text
from tracking.metric_writer import open_writer, summarised
from tracking.notes import NOTE_TAG, opened_with, plain
from tracking.records import End, Record, Status
from tracking.redaction import redacted
from tracking.sender import Sender, now_ms
from tracking.system_metrics import SystemSampler

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

_TABLES_TAG = "mlflow.loggedArtifacts"  # names the tables that MLflow's own log_table wrote


class RunLog:
    """The writing side of one run; get one from `Store.start_run` or `Store.attach`.

    Metrics and tags go to a journal on disk at once and to the store a few seconds later. A value
    that is not finite is logged as such and named in the tag `encore.nonfinite/<metric>`, since SQL
    stores show an infinity as 1.8e308.
    """

    def __init__(
        self,
        client: MlflowClient,
        uri: str,
        run: Run,
        journal_folder: Path,
        *,
        local: Path | None,
        digests: Callable[[], dict[str, str] | None],
        send_every_s: float,
        sample_every_s: float | None,
    ) -> None:
        """local: the folder of the run's files here, none where a server has them. digests: finds those of its files
        so far, or none where they are not known; called before the first file is written."""
        self.run_id: str = run.info.run_id
        self.experiment_id: str = run.info.experiment_id
        self._client = client
        self._uri = uri
        self._params: dict[str, str] = dict(run.data.params)
        self._note: str = run.data.tags.get(NOTE_TAG, "")
        self._told = False
        self._known_metrics: set[str] = set()
        self._nonfinite: set[str] = set()
        self._tables = _tables(run.data.tags.get(_TABLES_TAG, "[]"))
        self._artifacts = Artifacts(client, uri, self.run_id, local, journal_folder, digests)
        self._journal = own_journal(journal_folder, self.run_id, uri)
        start_ms: int = run.info.start_time
        self._sender = Sender(
            self.run_id,
            self._journal,
            open_writer(client, uri),
            send_every_s=send_every_s,
            sample_every_s=sample_every_s or math.inf,
            sample=SystemSampler() if sample_every_s else None,
            clock=lambda: (now_ms() - start_ms) // 1000,
        )

    def log_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log the values of one step; costs tens of microseconds.

        Raises:
            ValueError: a metric's name is not one that MLflow takes.
            UserError: the journal's disk is full.
        """
        metrics = {key: float(value) for key, value in values.items()}
        if not self._known_metrics.issuperset(metrics):
            check_names(metrics)
            self._known_metrics.update(metrics)
        self._sender.submit(Record(metrics, step, now_ms()))
        if not math.isfinite(sum(metrics.values())):
            self._note_nonfinite(metrics, step)

    def log_summary(self, values: Mapping[str, float]) -> None:
        """Log final numbers, one value each, with the digits that `summarised` leaves. The latest value counts."""
        self.log_metrics({key: summarised(value) for key, value in values.items()}, step=0)

    def tell(self, headline: str) -> None:
        """Have the run's description open with `headline`, in Markdown."""
        self._told = True
        self.set_tags({NOTE_TAG: opened_with(headline, self._note)})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; a value over 8,000 characters is cut, with the sha256 of the whole at its end."""
        check_names(tags)
        self._sender.submit(Record(tags=recordable(tags, MAX_TAG_CHARACTERS)))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log params; a value over 6,000 characters is cut, with the sha256 of the whole at its end.

        ValueError when the run has this param with another value: a param cannot change.
        """
        check_names(params)
        texts = recordable(params, MAX_PARAM_CHARACTERS)
        changed = [key for key, text in texts.items() if self._params.get(key, text) != text]
        if changed:
            raise ValueError(
                f"run {self.run_id} has other values of these params already: {', '.join(changed)}"
            )
        self._params.update(texts)
        self._sender.submit(Record(params=texts))

    def log_text(self, text: str, path: str) -> str:
        """Write `text` without its secrets as the artifact `path`; the sha256 of what was written."""
        content = self._artifacts.write_text(text, path)
        self._artifacts.upload()
        return hashlib.sha256(content).hexdigest()

    def log_json(self, value: object, path: str) -> str:
        """Like `log_text`, of plain data; what stands under the name of a credential is left out, too."""
        content = self._artifacts.write_json(value, path)
        self._artifacts.upload()
        return hashlib.sha256(content).hexdigest()

    def log_table(self, columns: Mapping[str, Sequence[object]], path: str) -> None:
        """Write columns of equal length as the JSON table `path`, which MLflow's UI and `load_table` read."""
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        self.log_json({"columns": list(columns), "data": rows}, path)
        if path not in self._tables:
            self._tables.append(path)
            self.set_tags(
                {_TABLES_TAG: json.dumps([{"path": table, "type": "table"} for table in self._tables])}
            )

    @contextmanager
    def folder(self, path: str) -> Generator[Path]:
        """A local folder to fill; what it holds becomes the artifact folder `path` on normal exit.

        After an exception nothing of it stays, and an earlier folder of that name is untouched.
        """
        with self._artifacts.put_folder(path) as folder:
            yield folder

    def seal_files(self, files: Mapping[str, Path]) -> None:
        """Files that were written in place belong to the run as they are now; by their paths among its artifacts."""
        self._artifacts.note(digests_of(files))

    def digest_of(self, path: str) -> str:
        """sha256 of a file that the run has written."""
        return (self._artifacts.digests or {})[path]

    def seal(self) -> None:
        """Write the manifest anew, and its sha256 into the tracking store, if files were written since it was."""
        self._write_manifest()
        self._artifacts.upload()

    def _write_manifest(self) -> None:
        if not self._artifacts.changed or self._artifacts.digests is None:
            return
        text = manifest_text(self._artifacts.digests)
        seal = hashlib.sha256(text.encode()).hexdigest()
        self.set_tags({MANIFEST_NEXT: seal})
        self._sender.sync()  # or a power cut leaves a manifest that nobody has sealed
        self._artifacts.write_manifest(text, MANIFEST_FILE)
        self.set_tags({MANIFEST_SEAL: seal})
        self._artifacts.changed = False

    def local_artifacts(self) -> Path | None:
        """The run's artifact folder where that is a plain local folder, else None."""
        return self._artifacts.local

    def flush(self) -> None:
        """Send all that was logged so far.

        Raises:
            UserError: the store cannot take it now; it is kept in the journal and sent later.
        """
        try:
            self._sender.flush()
        except UserError as error:
            waiting = f"{self._sender.unsent} records of run {self.run_id} wait in {self._journal.path}"
            raise type(error)(
                f"{error.what}; {waiting}",
                where=error.where,
                cure=f"{error.cure} The next encore command on this store sends them.",
            ) from error

    def finish(self, status: Status, *, reason: str | None = None, traceback: str | None = None) -> None:
        """End the run: send the rest, set its status, remove its journal.

        `reason` becomes the tag `encore.killed_because` or `encore.failed_because`, `traceback` the
        artifact `run/traceback.txt`.

        Raises:
            UserError: the store is away; the next command on it sends the rest and this ending.
        """
        self._close(_ending(status, now_ms(), reason or ""), traceback)

    def close(self) -> None:
        """Send the rest and let go of the run, leaving its status as it is (for an attached run)."""
        self._close(End(None, now_ms()), None)

    def _close(self, end: End, traceback: str | None) -> None:
        self._sender.stop()
        try:
            try:
                self._say_why(end)
                unwritten = None if traceback is None else self._keep_traceback(traceback)
                self._write_manifest()
            except BaseException as error:  # no run has finished without its manifest
                self._sender.mark_end(end if end.status != "FINISHED" else _unsealed(error, end))
                raise
            self._sender.mark_end(end)
            self.flush()
            self._artifacts.upload()
            if end.status is not None:
                with explained(self._uri):
                    self._client.set_terminated(self.run_id, end.status, end.time_ms)
            if unwritten is not None:
                raise unwritten
        except BaseException:
            self._journal.close()  # gives up the lock: another process may now send the rest
            raise
        self._journal.delete()

    def _say_why(self, end: End) -> None:
        if end.tags():
            self.set_tags(end.tags())
            if not self._told:
                self.tell(f"**{str(end.status).capitalize()}**: {plain(end.reason)}")

    def _keep_traceback(self, traceback: str) -> UserError | None:
        """What kept it from being written: on a full disk a status may find room where a new file does not."""
        try:
            self._artifacts.write_text(traceback, "run/traceback.txt")
        except UserError as error:
            return error
        return None

    def _note_nonfinite(self, metrics: Mapping[str, float], step: int) -> None:
        new = {
            key: value for key, value in metrics.items() if not math.isfinite(value)
        }.keys() - self._nonfinite
        self._nonfinite |= new
        if new:
            self.set_tags({f"encore.nonfinite/{key}": f"{metrics[key]}, first at step {step}" for key in new})


def _tables(tag: str) -> list[str]:
    """The paths in MLflow's tag; none where somebody else has written something else there."""
    try:
        return [str(entry["path"]) for entry in parse_json(tag)]
    except (OddJsonError, KeyError, TypeError):
        return []


def _unsealed(error: BaseException, end: End) -> End:
    return _ending(ending_of(error), end.time_ms, f"its files could not be sealed: {error}")


def _ending(status: Status, time_ms: int, reason: str) -> End:
    """With the reason as a tag takes it: without secrets, and nothing in it that a database cannot hold."""
    return End(status, time_ms, cut_to(redacted(reason), MAX_TAG_CHARACTERS))


def ending_of(error: BaseException) -> Status:
    """How a run ends that `error` ends: KILLED by an interrupt, else FAILED."""
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
