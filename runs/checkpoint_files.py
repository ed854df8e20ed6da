"""What a run's checkpoint folder holds: found, checked, read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from errors import UserError
from host.disk import partial_name
from host.files import is_plain_file
from runs.files import RunFiles
from tracking.places import inside

if TYPE_CHECKING:
    pass

LAST, BEST = "last", "best"
CALLBACK = "Checkpoints"  # under which a checkpoint has what only its run knows


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)


class _Counts(_Part):
    ready: int = Field(ge=0)
    completed: int = Field(ge=0)


class _Progress(_Part):
    current: _Counts
    total: _Counts


class _Random(_Part):
    python: tuple[int, tuple[int, ...], float | None]
    numpy: tuple[str, torch.Tensor, int, int, float]
    torch: torch.Tensor
    cuda: list[torch.Tensor]


class _FitLoop(_Part):
    batch_progress: _Progress = Field(alias="epoch_loop.batch_progress")
    scheduler_progress: _Progress = Field(alias="epoch_loop.scheduler_progress")
    validation: _Progress = Field(alias="epoch_loop.val_loop.batch_progress")
    optimiser: dict[str, Any] = Field(alias="epoch_loop.automatic_optimization.optim_progress")
    epoch_progress: _Progress


class _Loops(_Part):
    fit_loop: _FitLoop


class _Optimiser(_Part):
    state: dict[int, dict[str, torch.Tensor]]
    param_groups: list[dict[str, Any]] = Field(min_length=1)


class _State(_Part):
    best: dict[str, float]
    best_step: int = Field(ge=0)
    best_checksum: int
    ended: bool
    trained_s: float
    seed: int
    random: _Random


class _Callbacks(_Part):
    state: _State = Field(alias=CALLBACK)


class _Content(_Part):
    """What of a checkpoint a run that goes on relies upon."""

    global_step: int = Field(ge=0)
    loops: _Loops
    state_dict: dict[str, torch.Tensor]
    optimizer_states: list[_Optimiser] = Field(min_length=1)
    lr_schedulers: list[dict[str, Any]]
    callbacks: _Callbacks


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


def checkpoint_folder(root: Path, run_id: str, artifacts: Path | None) -> Path:
    """Where a run's checkpoints are while it goes on: among its local artifacts, or here until a server gets them.

    root: of the store.
    """
    return root / "checkpoints" / run_id if artifacts is None else artifacts / "checkpoints"


def find_resume_point(folder: Path, *, where: str) -> ResumePoint:
    """The newest whole checkpoint in `folder` whose best weights are there too.

    UserError when there is none; `where` names the run in it.
    """
    found: list[ResumePoint] = []
    damaged: list[str] = []
    for name in (LAST, BEST):
        path = folder / f"{name}.ckpt"
        if not os.path.lexists(path):
            continue
        if not is_whole(path):
            damaged.append(path.name)
            continue
        found.append(read_point(path))
    best_steps = {point.step for point in found if point.path.stem == BEST}
    for point in sorted(found, key=lambda point: -point.step):
        if point.best_step in {0, point.step, *best_steps} or has_best_weights(point):
            return replace(point, damaged=tuple(damaged))
    what = f"no whole checkpoint ({', '.join(damaged)} damaged)" if damaged else "no checkpoint yet"
    raise UserError(
        f"{what}: there is nothing to go on from",
        where=where,
        cure="Start it anew with `encore train`.",
    )


def find_checkpoint(folder: Path, at: str, *, where: str) -> Path:
    """The checkpoint in `folder` after step `at`, or the `best` or the `last` one.

    UserError when it is not there or damaged; `where` names the run in it.
    """
    path = folder / f"{at if at in {BEST, LAST} else f'step-{at}'}.ckpt"
    if is_plain_file(path) and is_whole(path):
        return path
    others = (file for file in sorted(folder.glob("*.ckpt")) if file != path)
    found = {file.stem: file for file in others if is_plain_file(file) and is_whole(file)}
    steps = {name: _step_of(file) for name, file in found.items()}
    if os.path.lexists(path):
        raise UserError(f"the checkpoint {at} is damaged", where=where, cure=_offer(steps))
    name = next((name for name, step in steps.items() if str(step) == at), None)
    if name is None:
        raise UserError(f"no checkpoint {at}", where=where, cure=_offer(steps))
    return found[name]


def _offer(steps: Mapping[str, int]) -> str:
    if not steps:
        return "It has no whole checkpoint; train it again with --again."
    names = {step: [n for n in (BEST, LAST) if steps.get(n) == step] for step in sorted(set(steps.values()))}
    offered = ", ".join(
        f"{step} ({', '.join(kinds)})" if kinds else str(step) for step, kinds in names.items()
    )
    return f"There are {offered}; more are kept with train.keep_checkpoint_every_steps."


def _step_of(path: Path) -> int:
    return whole_checkpoint(path)["global_step"]


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
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def whole_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint that can be gone on from; UserError for one that says something else."""
    content = load_checkpoint(path)
    try:
        _Content.model_validate(content, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise UserError(
            f"is no checkpoint of a training ({'.'.join(map(str, problem['loc']))}: {problem['msg']})",
            where=str(path),
            cure="An earlier version of Encore wrote it, or it was altered; restore it.",
        ) from error
    return content


def records_digest(path: Path) -> str:
    """sha256 over name, size and checksum (CRC-32) of every record of a checkpoint, without reading them again."""
    with zipfile.ZipFile(path) as archive:
        records = [(entry.filename, entry.file_size, entry.CRC) for entry in archive.infolist()]
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def read_point(path: Path) -> ResumePoint:
    """Where a whole checkpoint stands. UserError when an earlier version of Encore wrote it."""
    content = whole_checkpoint(path)
    state = callback_state(content)
    progress = content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    return ResumePoint(
        path,
        int(content["global_step"]),
        int(progress["completed"]),
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


def link_both(folder: Path, source: str, target: str) -> None:
    for suffix in ("safetensors", "ckpt"):
        link(folder / f"{source}.{suffix}", folder / f"{target}.{suffix}")


def link(source: Path, target: Path) -> None:
    """`target` becomes the same file as `source`, or a copy where the file system has no links."""
    if target.exists() and target.samefile(source):
        return  # a rename between two names of one file would leave the temporary one behind
    partial = partial_name(target)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    partial.replace(target)


def checkpoints_here(run: RunFiles) -> Path:
    """The folder of a run's checkpoints on this machine, fetched where only a server has them; it may be missing."""
    from runs.checkpoint_files import checkpoint_folder  # with torch, which `encore show` does without

    local = run.store.files.folder(run.record)
    folder = checkpoint_folder(run.store.root, run.record.run_id, local)
    inside(local or run.store.root, folder.relative_to(local or run.store.root).as_posix())  # no link
    if local is None and not folder.exists():
        return run.find("checkpoints") or folder
    return folder
