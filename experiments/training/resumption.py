"""A run that is resumed: the same MLflow run, set going again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from errors import UserError
from experiments.training.fork_checkpoint import check_shapes
from experiments.training.recipe import PreparedRun, environment_of
from host.progress import Reporter
from runs.differences import find_causes
from runs.environment import recorded_environment
from runs.layout import RESUMED_AT_TAG, RESUMED_UNDER_TAG, ran_tag

if TYPE_CHECKING:
    from experiments.training.origin import Resume
    from tracking.run_log import RunLog


def reopen(resume: Resume, prepared: PreparedRun, reporter: Reporter) -> RunLog:
    """The run set going again. UserError when it began on another kind of device.

    What else differs from its record is reported and kept with the run.
    """
    run, tags = resume.run, resume.run.record.tags
    recorded, device = tags.get(ran_tag("device")), prepared.effective["device"]
    if device != recorded:
        raise UserError(
            f"began on {recorded} and would go on here on {device}",
            where=run.where,
            cure="Resume it on a machine like the one that it began on.",
        )
    if resume.point is not None:
        check_shapes(resume.point.path, prepared.parts, where=run.where)
    # Without the differences of an earlier resumption, which are kept with the run as they are.
    causes = find_causes(replace(recorded_environment(run), resumed_under=None), environment_of(prepared))
    log = run.store.attach(run.record.run_id, running=True)
    step = _step(resume)
    damaged = ", ".join(resume.point.damaged) if resume.point else ""
    torn = f"; damaged and passed over: {damaged}" if damaged else ""
    reporter.say(f"going on after step {step}{torn}")
    before = tags.get(RESUMED_AT_TAG)
    changed = {RESUMED_AT_TAG: ", ".join([*(before.split(", ") if before else ()), str(step)])}
    if causes:
        under = "; ".join(str(cause) for cause in causes)
        known = tags.get(RESUMED_UNDER_TAG)
        changed[RESUMED_UNDER_TAG] = under if known in {None, under} else f"{known}; {under}"
        reporter.say(f"differs from the run's beginning: {under}", "warning")
    log.set_tags(changed)
    return log


def _step(resume: Resume) -> int:
    if resume.point is not None:
        return resume.point.step
    assert resume.fork_point is not None, "only a fork begins once more"
    return resume.fork_point.step
