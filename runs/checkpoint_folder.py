"""The checkpoints of a run, behind one face: found, read, checked, kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import link
from host.files import is_plain_file
from runs.checkpoint import (
    BEST,
    LAST,
    ResumePoint,
    has_best_weights,
    is_whole,
    read_point,
    whole_checkpoint,
)
from runs.layout import CHECKPOINTS
from tracking.places import inside

if TYPE_CHECKING:
    from runs.files import RunFiles
    from tracking.run_log import RunLog


@dataclass(frozen=True)
class CheckpointFolder:
    """`last` and `best`, each as `.ckpt` (the whole state of a training) and `.safetensors` (its weights), and
    `step-<n>.ckpt` where they were asked for. where: the run, for an error."""

    path: Path
    where: str

    @staticmethod
    def of_log(root: Path, log: RunLog) -> CheckpointFolder:
        """Of a running run: among its local artifacts, or under the store's `root` until a server gets them."""
        local = log.local_artifacts()
        return CheckpointFolder(_folder(root, log.run_id, local), f"run {log.run_id[:8]}")

    @staticmethod
    def of_run(run: RunFiles) -> CheckpointFolder:
        """Of a run on this machine, fetched where only a server has them; it may be missing."""
        local = run.store.files.folder(run.record)
        folder = _folder(run.store.root, run.record.run_id, local)
        inside(local or run.store.root, folder.relative_to(local or run.store.root).as_posix())  # no link
        if local is None and not folder.exists():
            folder = run.find(CHECKPOINTS) or folder
        return CheckpointFolder(folder, run.where)

    @staticmethod
    def to_go_on(run: RunFiles) -> CheckpointFolder:
        """Of a run that is going to be resumed here: what only a server has is copied to where it is written on."""
        found = CheckpointFolder.of_run(run)
        folder = _folder(run.store.root, run.record.run_id, run.store.files.folder(run.record))
        if found.path != folder and found.path.exists():
            shutil.copytree(found.path, folder)
        return CheckpointFolder(folder, run.where)

    @property
    def has_any(self) -> bool:
        """Whether a checkpoint has been written, whole or not."""
        return any(self.path.glob("*.ckpt"))

    def latest(self) -> ResumePoint:
        """The newest whole checkpoint whose best weights are there too. UserError when there is none."""
        found: list[ResumePoint] = []
        damaged: list[str] = []
        for name in (LAST, BEST):
            path = self.path / f"{name}.ckpt"
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
            where=self.where,
            cure="Start it anew with `encore train`.",
        )

    def find(self, at: str) -> Path:
        """The checkpoint after step `at`, or the `best` or the `last` one. UserError when it is gone or damaged."""
        path = self.path / f"{at if at in {BEST, LAST} else f'step-{at}'}.ckpt"
        if is_plain_file(path) and is_whole(path):
            return path
        others = (file for file in sorted(self.path.glob("*.ckpt")) if file != path)
        found = {file.stem: file for file in others if is_plain_file(file) and is_whole(file)}
        steps = {name: _step_of(file) for name, file in found.items()}
        if os.path.lexists(path):
            raise UserError(f"the checkpoint {at} is damaged", where=self.where, cure=_offer(steps))
        name = next((name for name, step in steps.items() if str(step) == at), None)
        if name is None:
            raise UserError(f"no checkpoint {at}", where=self.where, cure=_offer(steps))
        return found[name]

    def kept(self, *, went_on: bool) -> dict[str, Path]:
        """The files that a run which ends now keeps, by their paths among its artifacts.

        went_on: whether the run was killed before, so that checkpoints of its earlier part may be damaged; those are
        left out.
        """
        found = sorted(file for file in self.path.iterdir() if _is_checkpoint(file))
        return {f"{CHECKPOINTS}/{file.name}": file for file in found if not (went_on and is_damaged(file))}


def link_pair(folder: Path, source: str, target: str) -> None:
    """Have a checkpoint and its weights under another name, too."""
    for suffix in ("safetensors", "ckpt"):
        link(folder / f"{source}.{suffix}", folder / f"{target}.{suffix}")


def is_damaged(file: Path) -> bool:
    """Whether it is a checkpoint that is not whole."""
    return file.suffix == ".ckpt" and not is_whole(file)


def _folder(root: Path, run_id: str, artifacts: Path | None) -> Path:
    return root / "checkpoints" / run_id if artifacts is None else artifacts / CHECKPOINTS


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


def _is_checkpoint(file: Path) -> bool:
    """Not half of a write that was killed, nor what somebody else put there."""
    plain = file.is_file() and not file.is_symlink()
    return plain and file.suffix in {".ckpt", ".safetensors"} and not file.name.startswith(".")
