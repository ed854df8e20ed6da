"""A run that goes on: the same MLflow run, set going again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from errors import UserError
from experiments.training.fork_checkpoint import check_shapes
from experiments.training.recipe import PreparedRun, environment_of
from host.markup import literal
from runs.differences import find_causes
from runs.environment import RunEnvironment, recorded_environment
from runs.files import RunFiles
from runs.layout import RESUMED_AT_TAG, RESUMED_UNDER_TAG, ran_tag

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.training.callbacks import LoggedPoints
    from runs.checkpoint_files import ResumePoint
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store


@dataclass(frozen=True)
class Continuation:
    """A run that goes on, from which checkpoint of its own, and the points of its steps that the store has.

    point: none for a fork that was killed before its first one: it begins once more.
    """

    record: RunRecord
    point: ResumePoint | None
    logged: LoggedPoints

    def reopen(self, store: Store, beginning: PreparedRun, console: Console | None) -> RunLog:
        """The run set going again. UserError when it began on another kind of device.

        What else differs from its record is said and stays with the run.
        """
        run = RunFiles(store, self.record)
        recorded, device = self.record.tags.get(ran_tag("device")), beginning.ran["device"]
        if device != recorded:
            raise UserError(
                f"began on {recorded} and would go on here on {device}",
                where=run.where,
                cure="Resume it on a machine like the one that it began on.",
            )
        if self.point is not None:
            check_shapes(self.point.path, beginning.parts, where=run.where)
        causes = find_causes(self._at_its_beginning(run), environment_of(beginning))
        log = store.attach(self.record.run_id, running=True)
        step = self._step(beginning)
        if console is not None:
            damaged = ", ".join(self.point.damaged) if self.point else ""
            torn = f"; damaged and passed over: {damaged}" if damaged else ""
            console.print(f"going on after step {step}{torn}", highlight=False)
        before = self.record.tags.get(RESUMED_AT_TAG)
        steps = [*(before.split(", ") if before else ()), str(step)]
        tags = {RESUMED_AT_TAG: ", ".join(steps)}
        if causes:
            under = "; ".join(str(cause) for cause in causes)
            known = self.record.tags.get(RESUMED_UNDER_TAG)
            tags[RESUMED_UNDER_TAG] = under if known in {None, under} else f"{known}; {under}"
            if console is not None:
                console.print(
                    f"[yellow]differs from the run's beginning:[/] {literal(under)}", highlight=False
                )
        log.set_tags(tags)
        return log

    def _at_its_beginning(self, run: RunFiles) -> RunEnvironment:
        """Without those of an earlier resumption, which are kept with the run as they are."""
        return replace(recorded_environment(run), resumed_under=None)

    def _step(self, beginning: PreparedRun) -> int:
        if self.point is not None:
            return self.point.step
        assert beginning.start is not None
        return beginning.start.step
