"""One checkpoint: whether it is whole, what it holds, where its run stands."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from errors import UserError
from host.files import is_plain_file
from runs.lightning_state import CALLBACK, SCHEMA, batches_of

LAST, BEST = "last", "best"


@dataclass(frozen=True)
class ResumePoint:
    """Where a run can go on: after optimiser step `step` and `batches` batches, or after its end.

    damaged: checkpoints that were passed over, by file name.
    """

    path: Path
    step: int
    batches: int
    best: dict[str, float]
    best_step: int
    best_checksum: int
    ended: bool
    trained_s: float
    damaged: tuple[str, ...]


def is_whole(path: Path) -> bool:
    """Whether a checkpoint can be read, and every record of it has the checksum (CRC-32) it was written with."""
    if not is_plain_file(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return False
        load_checkpoint(path)  # what has no checksum: the archive's own headers
    except Exception:  # noqa: BLE001 a damaged file can be broken in any way
        return False
    return True


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU; nothing in it is executed."""
    import torch

    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def whole_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint that can be gone on from; UserError for one that says something else."""
    from runs.checkpoint_content import Content

    content = load_checkpoint(path)
    _check_schema(content, path)
    try:
        Content.model_validate(content, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise UserError(
            f"is no checkpoint of a training ({'.'.join(map(str, problem['loc']))}: {problem['msg']})",
            where=str(path),
            cure="An earlier version of Encore wrote it, or it was altered; restore it.",
        ) from error
    return content


def _check_schema(content: Mapping[str, Any], path: Path) -> None:
    """UserError for a checkpoint of a later version, which may say other things under the same names."""
    found: Any = content
    for key in ("callbacks", CALLBACK, "schema"):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, int) and found > SCHEMA:
        raise UserError(
            f"is a checkpoint of schema {found}, and this Encore knows {SCHEMA}",
            where=str(path),
            cure="A later version wrote it: go on with that one.",
        )


def records_digest(path: Path) -> str:
    """sha256 over name, size and checksum (CRC-32) of every record of a checkpoint, without reading them again."""
    with zipfile.ZipFile(path) as archive:
        records = [(entry.filename, entry.file_size, entry.CRC) for entry in archive.infolist()]
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def read_point(path: Path) -> ResumePoint:
    """Where a whole checkpoint stands. UserError when an earlier version of Encore wrote it."""
    content = whole_checkpoint(path)
    state = callback_state(content)
    return ResumePoint(
        path,
        int(content["global_step"]),
        batches_of(content),
        dict(state["best"]),
        int(state["best_step"]),
        int(state["best_checksum"]),
        bool(state["ended"]),
        float(state["trained_s"]),
        (),
    )


def has_best_weights(point: ResumePoint) -> bool:
    """Whether the best weights beside a checkpoint are those that it speaks of."""
    weights = point.path.with_name(f"{BEST}.safetensors")
    return weights.exists() and checksum(weights) == point.best_checksum


def callback_state(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a loaded checkpoint says of its run: the best so far, the generators, whether it ended."""
    return content["callbacks"][CALLBACK]


def checksum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())
