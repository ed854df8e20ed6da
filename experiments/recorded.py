"""Reading a run's record again."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.record import CONFIG_FILE, PROVENANCE_FILE, SEALS_FILE
from experiments.record_files import ConfigFile, Digests, ProvenanceFile, parsed
from host.bounded_json import OddJsonError, read_json
from host.files import file_digest, is_plain_file
from schema.validation import parse
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL, lost_seal, read_manifest, seal_tag
from tracking.places import inside, plain
from tracking.provenance import RECORD_FORMAT

if TYPE_CHECKING:
    from tracking.records import RunRecord
    from tracking.store import Store


T = TypeVar("T")
STORIES_KIND = "stories"  # the kind of a run that a trained model's stories are logged on
STORIES_OF_TAG = "encore.stories_of"  # the run whose model wrote them


class RunArtifacts:
    """The files of one run, wherever its store keeps them; `folder`: where they are known to be already."""

    def __init__(self, store: Store, record: RunRecord, folder: Path | None = None) -> None:
        self.record = record
        self.where = record.label
        self.store = store
        self._folder = folder

    def fetched(self) -> RunArtifacts:
        """The same with every file here, fetched once where a server has them."""
        return RunArtifacts(self.store, self.record, self.whole_folder())

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
        """Whether a run names every file that it left; of one of an earlier version no stranger can be told.

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
        return self.read(ProvenanceFile, PROVENANCE_FILE).get("record_format", 1) >= RECORD_FORMAT


def check_is_ours(run: RunArtifacts) -> None:
    """UserError for a run of another program."""
    if run.record.tags.get("encore.kind") is None:
        raise UserError(
            "was not made by Encore", where=run.where, cure="`encore runs` lists the runs that were."
        )


def check_is_one_run(run: RunArtifacts) -> None:
    """UserError for another program's run, and for a sweep's own, which trained nothing."""
    check_is_ours(run)
    if run.record.tags.get("encore.kind") == "sweep":
        raise UserError(
            "a sweep is many runs",
            where=run.where,
            cure=f"Name one of them: `encore runs --sweep {run.record.run_id[:8]}` lists them.",
        )
    check_trained(run.record, run.where)


def check_trained(record: RunRecord, where: str) -> None:
    """UserError for a run that only holds stories."""
    if record.tags.get("encore.kind") == STORIES_KIND:
        raise UserError(
            "holds stories and trained nothing",
            where=where,
            cure=f"Name the run whose model wrote them: {record.tags.get(STORIES_OF_TAG, 'unknown')[:8]}.",
        )


def check_has_model(run: RunArtifacts) -> None:
    """UserError, with the reason, for a run that has no trained model."""
    record = run.record
    if record.tags.get("encore.kind") == "sweep":
        best = record.tags.get("encore.best_run", "")
        cure = f"Take its best run, {best[:8]}." if best else "It has no finished run."
        raise UserError("a sweep has no model of its own", where=run.where, cure=cure)
    check_is_one_run(run)
    if record.status != "FINISHED":
        why = record.tags.get("encore.killed_because") or record.tags.get("encore.failed_because", "")
        raise UserError(
            f"only a finished run has a model; this one is {record.status}"
            + (f" ({why.splitlines()[0][:120]})" if why else ""),
            where=run.where,
            cure="`encore runs` lists the runs.",
        )


def check_manifest(run: RunArtifacts) -> None:
    """UserError when a run's manifest was altered, is gone or has lost its seal; one of an earlier version has none."""
    assert (run.manifest is not None) == run.recorded_with_manifest


def check_record(run: RunArtifacts) -> None:
    """UserError, naming the file, when one of the record's own is not what was written before the first step."""
    check_sealed(run, SEALS_FILE)
    if not run.has(SEALS_FILE):
        return  # an earlier version of Encore wrote none
    for file, digest in run.read(Digests, SEALS_FILE).items():
        if plain_digest(run, file) != digest:
            raise altered(run, file)


def check_sealed(run: RunArtifacts, *files: str) -> None:
    """UserError when a file is missing or is not the one whose digest the tracking store has.

    Of a run of an earlier version, which left no such digest, nothing is known.
    """
    for file in files:
        recorded = run.record.tags.get(seal_tag(file))
        if recorded is not None and plain_digest(run, file) != recorded:
            raise altered(run, file)


def plain_digest(run: RunArtifacts, file: str) -> str:
    """sha256 of a file of a run; UserError when it is gone or no plain file."""
    if not is_plain_file(path := run.path(file)):
        raise altered(run, file)
    return file_digest(path)


def altered(run: RunArtifacts, file: str) -> UserError:
    """The error for an artifact that is another one than the run left."""
    return UserError(
        f"{file} is not what was recorded", where=run.where, cure="The artifact was altered; restore it."
    )


def ended_run(store: Store, record: RunRecord) -> RunArtifacts:
    """The files of a run that is no sweep and not going on; else UserError."""
    run = RunArtifacts(store, record)
    check_is_one_run(run)
    if record.status == "RUNNING":
        raise UserError("is still going on", where=run.where, cure="Wait for it, or end it.")
    return run


def checkpoints_here(run: RunArtifacts) -> Path:
    """The folder of a run's checkpoints on this machine, fetched where only a server has them; it may be missing."""
    from experiments.checkpoint_files import checkpoint_folder  # with torch, which `encore show` does without

    local = run.store.files.folder(run.record)
    folder = checkpoint_folder(run.store.root, run.record.run_id, local)
    inside(local or run.store.root, folder.relative_to(local or run.store.root).as_posix())  # no link
    if local is None and not folder.exists():
        return run.find("checkpoints") or folder
    return folder


def recorded_config(store: Store, record: RunRecord) -> ExperimentConfig:
    """The config a run was started with; UserError when it has none that this program can read."""
    run = RunArtifacts(store, record)
    check_is_ours(run)
    return parse(ExperimentConfig, run.read(ConfigFile, CONFIG_FILE), where=f"run {record.run_id}")
