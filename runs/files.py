"""The files of a run, wherever its store keeps them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from host.bounded_json import OddJsonError, read_json
from host.files import file_digest, is_plain_file
from runs.layout import PROVENANCE_FILE
from runs.record_files import ProvenanceFile, T, parsed
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL, lost_seal, read_manifest
from tracking.places import plain
from tracking.provenance import FIRST_WITH_MANIFEST

if TYPE_CHECKING:
    from tracking.entities import RunRecord
    from tracking.store import Store


class RunFiles:
    """The files of one run, wherever its store keeps them; `folder`: where they are known to be already."""

    def __init__(self, store: Store, record: RunRecord, folder: Path | None = None) -> None:
        self.record = record
        self.where = record.label
        self.store = store
        self._folder = folder

    def fetched(self) -> RunFiles:
        """The same with every file here, fetched once where a server has them."""
        return RunFiles(self.store, self.record, self.whole_folder())

    def whole_folder(self) -> Path:
        """The folder of all its files, here."""
        return self._folder or self.store.files.whole(self.record)

    def find(self, path: str) -> Path | None:
        """A local path; none when the run has no such file or folder. UserError for what is no plain one."""
        if self._folder is not None:
            return plain(self._folder, path, where=self.where)
        return self.store.find_artifact(self.record, path)

    def has(self, path: str) -> bool:
        return self.find(path) is not None

    def path(self, path: str) -> Path:
        """A local path; UserError when the run has no such file."""
        return self.find(path) or self.store.artifact(self.record, path)

    def json(self, path: str) -> Any:
        """The content of a JSON file; UserError when it is missing or none."""
        file = self.path(path)
        if not is_plain_file(file):
            raise altered(self, path)
        try:
            return read_json(file)
        except OddJsonError as error:
            raise UserError(
                f"{path} {error}", where=self.where, cure="The artifact was altered; restore it."
            ) from error

    def read(self, kind: type[T], path: str) -> T:
        """The content of a JSON file as a `kind` of `record_files`; UserError when it is missing or none."""
        return parsed(kind, self.json(path), file=path, where=self.where)

    @cached_property
    def manifest(self) -> dict[str, str] | None:
        """sha256 of every file, by path; none for a run that was recorded before there were manifests.

        UserError when it was altered or is gone, or has lost its seal.
        """
        if self.recorded_with_manifest and MANIFEST_SEAL not in self.record.tags:
            raise lost_seal(self.where)
        file = self.find(MANIFEST_FILE) if MANIFEST_SEAL in self.record.tags else None
        return read_manifest(file, self.record.tags, where=self.where)

    @cached_property
    def recorded_with_manifest(self) -> bool:
        """Whether a run names every file that it left; to one of an earlier version files can be added unnoticed.

        Said in several places, so that no single one can be taken away unseen: by the seal, by the tag beside it, by
        the manifest, and by the provenance, which other digests cover. Of a run that has not finished the second and
        the third prove nothing: its process may have died while it sealed for the first time.
        """
        tags = self.record.tags
        if MANIFEST_SEAL in tags:
            return True
        if self.record.status == "FINISHED" and (MANIFEST_NEXT in tags or self.has(MANIFEST_FILE)):
            return True
        if not self.has(PROVENANCE_FILE):  # as a sweep's own run has none
            return False
        return self.record_format >= FIRST_WITH_MANIFEST

    @property
    def record_format(self) -> int:
        """The format that its record says it has; 1 where it says none. UserError when it has no provenance."""
        return self.read(ProvenanceFile, PROVENANCE_FILE).get("record_format", 1)


def run_named(store: Store, run_id: str) -> RunFiles:
    """The run whose ID begins with `run_id`; UserError when there is none, or more than one."""
    return RunFiles(store, store.find(run_id))


def plain_digest(run: RunFiles, file: str) -> str:
    """sha256 of a file of a run; UserError when it is gone or no plain file."""
    if not is_plain_file(path := run.path(file)):
        raise altered(run, file)
    return file_digest(path)


def altered(run: RunFiles, file: str) -> UserError:
    """The error for an artifact that is another one than the run left."""
    return UserError(
        f"{file} is not what was recorded", where=run.where, cure="The artifact was altered; restore it."
    )
