"""The checkpoint that a fork begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.disk import link
from runs.checkpoint import ResumePoint, is_whole, read_point
from runs.digests import start_digest
from runs.layout import START_FILE, fingerprint_tag

if TYPE_CHECKING:
    from runs.files import RunFiles


@dataclass(frozen=True)
class ForkPoint:
    """The checkpoint that a run begins with, and the run that kept it."""

    checkpoint: Path
    run: RunFiles

    @cached_property
    def digest(self) -> str:
        return start_digest(self.checkpoint)

    @cached_property
    def point(self) -> ResumePoint:
        """Where it stands, without what only the other run knows: its best, its end, its time."""
        point = read_point(self.checkpoint)
        return replace(point, best={}, best_step=0, best_checksum=0, ended=False, trained_s=0.0)

    @property
    def step(self) -> int:
        return self.point.step

    def copy_to(self, path: Path) -> None:
        """As one file on the disk where that can be."""
        link(self.checkpoint, path)


def fork_point_of(run: RunFiles) -> ForkPoint | None:
    """The checkpoint that a fork began with, from its own record; none for other runs.

    UserError when it is damaged or gone: without it the fork would be played from its first step.
    """
    found = run.has(START_FILE)
    if not found and fingerprint_tag("start") not in run.record.tags:
        return None
    if not found or not is_whole(run.path(START_FILE)):
        raise UserError(
            f"{START_FILE} is {'damaged' if found else 'gone'}",
            where=run.where,
            cure="Restore it, or fork the old run once more.",
        )
    return ForkPoint(run.path(START_FILE), run)
