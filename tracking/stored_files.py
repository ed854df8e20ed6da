"""Reading the files of a run, wherever its store keeps them, as long as that is a place of the store's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from host.disk import disk_errors
from host.files import entries
from tracking.artifacts import digests_of
from tracking.faults import explained
from tracking.manifest import MANIFEST_FILE, MANIFEST_SEAL, read_manifest
from tracking.places import artifact_folder, inside, plain

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from tracking.entities import RunRecord


@dataclass(frozen=True)
class StoredFiles:
    """Of the runs of one store. Every method raises UserError when it says that they lie outside of its own folder.

    client: asked for where a server has them.
    """

    client: Callable[[], MlflowClient]
    uri: str
    root: Path

    def folder(self, record: RunRecord) -> Path | None:
        """The folder of a run's files here; None where a server has them."""
        return artifact_folder(
            record.artifact_uri, record.run_id, root=self.root, uri=self.uri, where=record.label
        )

    def whole(self, record: RunRecord) -> Path:
        """The folder of all that a run has; from a remote store it is downloaded first."""
        return self.folder(record) or self._download(record, "") or self._downloaded(record)

    def find(self, record: RunRecord, path: str) -> Path | None:
        """The local path of a file or a folder of a run, downloaded first from a remote store; None where it has none.

        UserError where a link, a pipe or the like is in its place.
        """
        folder = self.folder(record)
        if folder is not None:
            return plain(folder, path, where=record.label)
        found = self._download(record, path)
        return None if found is None else plain(found.parent, found.name, where=record.label)

    def top(self, record: RunRecord) -> list[str]:
        """Names at the top of a run's files, folders with a slash at the end."""
        if (folder := self.folder(record)) is not None:
            kinds = {name: entry.kind for name, entry in entries(folder).items() if "/" not in name}
            return [f"{name}/" if kind == "folder" else name for name, kind in kinds.items()]
        with explained(self.uri):
            listed = self.client().list_artifacts(record.run_id)
        return [f"{entry.path}/" if entry.is_dir else entry.path for entry in listed]

    def manifest(self, record: RunRecord) -> dict[str, str] | None:
        """sha256 of every file of a run, by path; None for one that was recorded before there were manifests.

        UserError when its manifest was altered or is gone.
        """
        if MANIFEST_SEAL not in record.tags:
            return None
        return read_manifest(self.find(record, MANIFEST_FILE), record.tags, where=record.label)

    def digests(self, record: RunRecord) -> dict[str, str]:
        """sha256 of every file that a run has now, by path."""
        found = entries(self.whole(record))
        return digests_of({name: entry.path for name, entry in found.items() if entry.kind == "file"})

    def _download(self, record: RunRecord, path: str) -> Path | None:
        """Fetch into `<root>/downloaded/<run>/…`, anew each time: a run may have been exported again.

        path: "" for all of a run.
        """
        from mlflow.exceptions import MlflowException

        folder = self._downloaded(record)
        target = inside(folder, path) if path else folder
        into = target.parent if path else folder  # MLflow gives it the last part of its path as a name there
        with disk_errors(folder):
            if target.is_dir():
                shutil.rmtree(target)
            target.unlink(missing_ok=True)
            into.mkdir(parents=True, exist_ok=True)
        with explained(self.uri):
            try:
                return Path(self.client().download_artifacts(record.run_id, path, str(into)))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None

    def _downloaded(self, record: RunRecord) -> Path:
        return inside(self.root, f"downloaded/{record.run_id}")
