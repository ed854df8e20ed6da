"""A run that begins where another one stood: a fork, and a fork played again.

The checkpoint is the other run's own; it is read in the words of the new run's config. What stays:
the weights, the moments of the optimiser by the names of their parameters, the step, and, unless the
seed is another one, the random generators. What is the new run's: learning rates and their schedule,
its stream of batches from that step on, early stopping, the best so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.checkpoints import PlainFiles
from experiments.circumstances import circumstances_of
from experiments.fitting import GoingOn
from experiments.recorded_data import difference_of_rows
from runs.checkpoint_files import (
    CALLBACK,
    ResumePoint,
    callback_state,
    is_whole,
    link,
    read_point,
    whole_checkpoint,
)
from runs.differences import find_causes
from runs.digests import start_digest
from runs.environment import recorded_circumstances
from runs.layout import START_FILE, fingerprint_tag

if TYPE_CHECKING:
    import torch

    from experiments.build import Parts
    from experiments.callbacks import LoggedPoints
    from experiments.record import Beginning
    from runs.files import RunArtifacts


@dataclass(frozen=True)
class Start:
    """The checkpoint that a run begins with, and the run that kept it."""

    checkpoint: Path
    run: RunArtifacts

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

    def going_on(self, parts: Parts, logged: LoggedPoints) -> GoingOn:
        batches = self.step * parts.config.train.accumulate_batches
        return GoingOn(replace(self.point, batches=batches), logged, StartFiles(parts))

    def check_fits(self, parts: Parts) -> None:
        """UserError when the run would end before it begins, or the weights are another model's."""
        where = f"{self.run.where} after step {self.step}"
        total = parts.schedule.total_steps
        if self.step >= total:
            raise UserError(
                f"the run would end at step {total}, where it begins or before",
                where=where,
                cure=f"Give a train.max_steps above {self.step}, or an earlier step.",
            )
        if self.run.record.tags.get(fingerprint_tag("tokenizer")) != parts.data.tokenizer_digest:
            raise UserError(
                f"the tokenizer is not the one that the weights know{self._other_rows(parts)}",
                where=where,
                cure=f"Name the one of {self.run.where} with model.tokenizer, or leave the data as they were.",
            )
        check_shapes(self.checkpoint, parts, where=where)

    def _other_rows(self, parts: Parts) -> str:
        """In words, where there are any: a tokenizer that is trained on the rows changes with them."""
        recorded = self.run.record.tags.get(fingerprint_tag("train"))
        if recorded == parts.data.fingerprints()["train"]:
            return ""
        return f" ({difference_of_rows(self.run, parts.data, 'train')})"

    def differences(self, beginning: Beginning) -> str:
        """In words: what differs around it from the run that the checkpoint is of, the settings apart."""
        causes = find_causes(recorded_circumstances(self.run), circumstances_of(beginning))
        told = (cause for cause in causes if cause.kind != "config" and cause.name != "start")
        return "; ".join(str(cause) for cause in told)


def check_shapes(checkpoint: Path, parts: Parts, *, where: str) -> None:
    """UserError when the weights of a checkpoint are another model's; `where` names its run."""
    theirs = _shapes(whole_checkpoint(checkpoint)["state_dict"])
    ours = _shapes(parts.learner.state_dict())
    other = next((name for name in [*theirs, *ours] if theirs.get(name) != ours.get(name)), None)
    if other is not None:
        raise UserError(
            f"the weights do not fit: {other.removeprefix('model.')} is {theirs.get(other, 'not there')}, "
            f"the model has {ours.get(other, 'none')}",
            where=where,
            cure="Leave the model's shape and its tokenizer as they were.",
        )


def start_of(run: RunArtifacts) -> Start | None:
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
    return Start(run.path(START_FILE), run)


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    return {name: "x".join(map(str, tensor.shape)) or "a number" for name, tensor in tensors.items()}


class StartFiles(PlainFiles):
    """Reads the checkpoint that a run begins with as one of its own."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return own_checkpoint(super().load_checkpoint(path, map_location, weights_only), self.parts)


def own_checkpoint(content: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """What a checkpoint of another run says, as if the run of `parts` had written it."""
    step, state = int(content["global_step"]), callback_state(content)
    moments, schedule = _optimiser_and_schedule(content["optimizer_states"][0], parts, step)
    return {
        **content,
        "epoch": 0,
        "loops": _position(content["loops"], step, step * parts.config.train.accumulate_batches),
        "optimizer_states": [moments],
        "lr_schedulers": [schedule],
        "callbacks": {
            CALLBACK: {
                "best": {},
                "best_step": 0,
                "best_checksum": 0,
                "trained_s": 0.0,
                "random": state["random"] if state["seed"] == parts.config.seed else None,
            }
        },
    }


def _optimiser_and_schedule(
    theirs: Mapping[str, Any], parts: Parts, step: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """State dicts: the moments of the parameters that were trained before, under this run's own settings.

    A parameter that was frozen there begins without moments, as AdamW lets it.
    """
    fresh = parts.learner.configure_optimizers()
    schedule = fresh["lr_scheduler"]["scheduler"]
    rates = [base * factor(step) for base, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)]
    ours = fresh["optimizer"].state_dict()
    numbers, their_numbers = _numbers(ours), _numbers(theirs)
    moments = {
        numbers[name]: theirs["state"][their_numbers[name]]
        for name in numbers
        if their_numbers.get(name) in theirs["state"]
    }
    groups = [{**group, "lr": rate} for group, rate in zip(ours["param_groups"], rates, strict=True)]
    moved = {"last_epoch": step, "_step_count": step + 1, "_last_lr": rates}
    return {"state": moments, "param_groups": groups}, {**schedule.state_dict(), **moved}


def _numbers(optimiser: Mapping[str, Any]) -> dict[str, int]:
    """The number of each parameter in an optimiser's state dict, by its name."""
    pairs = (zip(group["param_names"], group["params"], strict=True) for group in optimiser["param_groups"])
    return {name: number for group in pairs for name, number in group}


def _position(loops: Mapping[str, Any], step: int, batches: int) -> dict[str, Any]:
    """The states of Lightning's loops in the middle of the one epoch that a run is."""
    ours = deepcopy(dict(loops))
    fit = ours["fit_loop"]
    fit["epoch_loop.state_dict"] = {"_batches_that_stepped": step}
    fit["epoch_loop.batch_progress"]["is_last_batch"] = False
    optimiser = fit["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]
    for progress, count in (
        (fit["epoch_loop.batch_progress"], batches),
        (fit["epoch_loop.scheduler_progress"], step),
        (optimiser["step"], step),
        (optimiser["zero_grad"], step),
        (fit["epoch_loop.val_loop.batch_progress"], 0),
    ):
        for counted in (progress["total"], progress["current"]):
            counted.update(dict.fromkeys(counted, count))
    for counted in (fit["epoch_progress"]["total"], fit["epoch_progress"]["current"]):
        counted.update(ready=1, started=1, processed=0, completed=0)
    return ours
