"""What a run hands out is what it left: nothing altered, nothing gone, nothing added."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from errors import UserError
from host.files import Entry, entries, file_digest
from runs.checkpoint import records_digest
from runs.checkpoint_folder import is_damaged
from runs.files import RunFiles, altered
from runs.layout import CHECKPOINTS, KEPT_FILE, MODEL_FOLDER
from runs.record_files import Digests
from runs.seals import check_sealed
from tracking.artifacts import digests_of

GONE = "gone"
DAMAGED = "damaged"


@dataclass(frozen=True)
class Difference:
    """A path among a run's files that is not as recorded; recorded: its sha256, none for what nobody recorded."""

    path: str
    recorded: str | None
    found: str


def file_differences(
    found: Mapping[str, Entry], digests: Mapping[str, str], recorded: Mapping[str, str]
) -> Iterator[Difference]:
    """All that is not as `recorded`: each file once, then what else is there.

    found: everything in the folder by path; digests: sha256 of its plain files by path, as `recorded`.
    """
    for path, digest in sorted(recorded.items()):
        if digests.get(path) != digest:
            yield Difference(path, digest, digests.get(path) or _kind(found.get(path)))
    folders = {str(parent) for path in recorded for parent in PurePosixPath(path).parents}
    for path, entry in found.items():
        if path not in recorded and not (entry.kind == "folder" and path in folders):
            yield Difference(path, None, _kind(entry))


def _kind(entry: Entry | None) -> str:
    if entry is None:
        return GONE
    return "something else" if entry.kind == "something else" else f"a {entry.kind}"


def recorded_kept(run: RunFiles) -> dict[str, str]:
    """The digests, by path, of the checkpoints and the model of a run that an earlier version recorded.

    Nothing for one that did not end. UserError when the file was altered.
    """
    check_sealed(run, KEPT_FILE)
    return run.read(Digests, KEPT_FILE) if run.has(KEPT_FILE) else {}


def check_checkpoint(run: RunFiles, checkpoint: Path) -> None:
    """UserError when a whole checkpoint, here on the disk, is not one that the run, if it ended, has kept."""
    manifest, name = run.manifest, f"{CHECKPOINTS}/{checkpoint.name}"
    recorded = _within(recorded_kept(run) if manifest is None else manifest, CHECKPOINTS)
    if not recorded:
        return
    if checkpoint.name not in recorded:
        kept = [file for file in recorded if file.endswith(".ckpt")]
        raise UserError(
            f"{name} is none of its checkpoints", where=run.where, cure=f"It has kept {', '.join(kept)}."
        )
    found = records_digest(checkpoint) if manifest is None else file_digest(checkpoint)
    if found != recorded[checkpoint.name]:
        raise altered(run, name)


def checked_model(run: RunFiles) -> Path:
    """The folder of a run's model, here. UserError, naming it, for a file that is gone, altered or added.

    What is added is no part of the run, and a library that reads the folder may take it for code.
    """
    manifest = run.manifest
    return _checked(run, MODEL_FOLDER, recorded_kept(run) if manifest is None else manifest)


def checked_run_folder(run: RunFiles, name: str) -> Path:
    """Likewise for another folder of a run; of one without a manifest nothing is known."""
    return _checked(run, name, run.manifest or {})


def _checked(run: RunFiles, name: str, digests: Mapping[str, str]) -> Path:
    folder, recorded = run.path(name), _within(digests, name)
    if not recorded:
        return folder
    found = entries(folder)
    plain = {path: entry.path for path, entry in found.items() if entry.kind == "file" and path in recorded}
    for difference in file_differences(found, digests_of(plain), recorded):
        path = f"{name}/{difference.path}"
        if difference.recorded is None:
            raise UserError(
                f"{path} ({difference.found}) is none of its files",
                where=run.where,
                cure="It was added after the run; move it away.",
            )
        if difference.found == GONE:
            raise UserError(f"{path} is gone", where=run.where, cure="Restore the artifact.")
        raise altered(run, path)
    return folder


def _within(digests: Mapping[str, str], folder: str) -> dict[str, str]:
    """By their paths in `folder`."""
    prefix = f"{folder}/"
    return {path.removeprefix(prefix): digest for path, digest in digests.items() if path.startswith(prefix)}


def found_digest(run: RunFiles, file: str) -> str:
    """The digest, as an earlier version took it, of a kept file as it is now, or `damaged`. UserError when gone."""
    found = run.path(file)
    if not found.is_file() or is_damaged(found):  # a pipe in its place would be waited for
        return DAMAGED
    return records_digest(found) if found.suffix == ".ckpt" else file_digest(found)


def other_checkpoints(run: RunFiles, recorded: Collection[str]) -> dict[str, str]:
    """The checkpoints that are there and not `recorded`, by their path: `whole` or `damaged`."""
    folder = run.find(CHECKPOINTS)
    files = sorted(folder.glob("*.ckpt")) if folder else []
    found = {f"{CHECKPOINTS}/{file.name}": file for file in files}
    return {
        name: DAMAGED if is_damaged(file) else "whole" for name, file in found.items() if name not in recorded
    }
