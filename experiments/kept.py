"""What a run keeps for others to begin with, its checkpoints and its model: the files as they were at its end."""

from __future__ import annotations

from pathlib import Path

from experiments.checkpoint_files import is_whole, records_digest
from experiments.digests import file_digest
from experiments.record import KEPT_FILE, MODEL_FOLDER
from experiments.recorded import RunArtifacts, altered, check_sealed


def kept_files(checkpoints: Path, model: Path | None) -> dict[str, str]:
    """The digest of every file of the two folders, by its path among the run's artifacts."""
    folders = {"checkpoints": checkpoints, **({} if model is None else {MODEL_FOLDER: model})}
    return {
        f"{name}/{file.name}": _digest(file)
        for name, folder in folders.items()
        for file in sorted(folder.iterdir())
        if not file.name.startswith(".")  # half of a write that was killed
    }


def recorded_kept(run: RunArtifacts) -> dict[str, str]:
    """What a run has recorded of them; nothing for one that did not end or that an earlier version made.

    UserError when the file was altered.
    """
    check_sealed(run, KEPT_FILE)
    recorded = run.json(KEPT_FILE) if run.has(KEPT_FILE) else {}
    if not isinstance(recorded, dict):
        raise altered(run, KEPT_FILE)
    return recorded


def check_kept(run: RunArtifacts, path: str) -> None:
    """UserError, naming it, when a file at `path` (a file, or a folder of them) is gone, damaged or another one."""
    for file, digest in recorded_kept(run).items():
        if (file == path or file.startswith(f"{path}/")) and found_digest(run, file) != digest:
            raise altered(run, file)


def found_digest(run: RunArtifacts, file: str) -> str:
    """The digest of a kept file as it is now, or `damaged`. UserError when it is gone."""
    found = run.path(file)
    damaged = found.suffix == ".ckpt" and not is_whole(found)
    return "damaged" if damaged else _digest(found)


def _digest(file: Path) -> str:
    """sha256: of a checkpoint over the checksums of its records, of any other file over its bytes."""
    return records_digest(file) if file.suffix == ".ckpt" else file_digest(file)
