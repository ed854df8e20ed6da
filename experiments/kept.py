"""What a run keeps for others to begin with, its checkpoints and its model: the files as they were at its end."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from errors import UserError
from experiments.checkpoint_files import is_whole, records_digest
from experiments.digests import file_digest
from experiments.record import KEPT_FILE, MODEL_FOLDER
from experiments.recorded import RunArtifacts, altered, check_sealed

_CHECKPOINTS = "checkpoints"
_DAMAGED = "damaged"


def kept_files(checkpoints: Path, model: Path | None, *, went_on: bool) -> dict[str, str]:
    """The digest of every file of the two folders, by its path among the run's artifacts.

    went_on: whether the run was killed before, so that checkpoints of its earlier part may be damaged; those are
    left out.
    """
    found = [file for file in checkpoints.iterdir() if _is_checkpoint(file)]
    digests = {file: _digest(file) for file in found if not (went_on and _damaged(file))}
    kept = {f"{_CHECKPOINTS}/{file.name}": digest for file, digest in digests.items()}
    if model is not None:
        files = (file for file in model.rglob("*") if file.is_file())
        kept |= {f"{MODEL_FOLDER}/{file.relative_to(model).as_posix()}": file_digest(file) for file in files}
    return dict(sorted(kept.items()))


def recorded_kept(run: RunArtifacts) -> dict[str, str]:
    """What a run has recorded of them; nothing for one that did not end or that an earlier version made.

    UserError when the file was altered.
    """
    check_sealed(run, KEPT_FILE)
    recorded = run.json(KEPT_FILE) if run.has(KEPT_FILE) else {}
    if not isinstance(recorded, dict):
        raise altered(run, KEPT_FILE)
    return recorded


def check_checkpoint(run: RunArtifacts, checkpoint: Path) -> None:
    """UserError when a whole checkpoint, here on the disk, is not one that the run, if it ended, has kept."""
    recorded, name = recorded_kept(run), f"{_CHECKPOINTS}/{checkpoint.name}"
    if not recorded:
        return
    if name not in recorded:
        kept = [Path(file).name for file in recorded if file.endswith(".ckpt")]
        raise UserError(
            f"{name} is none of its checkpoints", where=run.where, cure=f"It has kept {', '.join(kept)}."
        )
    if records_digest(checkpoint) != recorded[name]:
        raise altered(run, name)


def check_model(run: RunArtifacts) -> None:
    """UserError, naming it, when a file of the run's model is gone or another one."""
    for file, digest in recorded_kept(run).items():
        if file.startswith(f"{MODEL_FOLDER}/") and found_digest(run, file) != digest:
            raise altered(run, file)


def found_digest(run: RunArtifacts, file: str) -> str:
    """The digest of a kept file as it is now, or `damaged`. UserError when it is gone."""
    found = run.path(file)
    ordinary = found.is_file()  # a pipe in its place would be waited for
    return _digest(found) if ordinary and not _damaged(found) else _DAMAGED


def other_checkpoints(run: RunArtifacts, recorded: Collection[str]) -> dict[str, str]:
    """The checkpoints that are there and not `recorded`, by their path: `whole` or `damaged`."""
    folder = run.store.find_artifact(run.record, _CHECKPOINTS)
    files = sorted(folder.glob("*.ckpt")) if folder else []
    found = {f"{_CHECKPOINTS}/{file.name}": file for file in files}
    return {
        name: _DAMAGED if _damaged(file) else "whole" for name, file in found.items() if name not in recorded
    }


def _is_checkpoint(file: Path) -> bool:
    """Not half of a write that was killed, nor what somebody else put there."""
    return file.suffix in {".ckpt", ".safetensors"} and not file.name.startswith(".") and file.is_file()


def _damaged(file: Path) -> bool:
    return file.suffix == ".ckpt" and not is_whole(file)


def _digest(file: Path) -> str:
    """sha256: of a checkpoint over the checksums of its records, of any other file over its bytes."""
    return records_digest(file) if file.suffix == ".ckpt" else file_digest(file)
