"""A run that begins where another one stood: a fork, and a fork played again.

The checkpoint is the other run's own; it is read in the words of the new run's config. What stays:
the weights, the moments of the optimiser by the names of their parameters, the step, and, unless the
seed is another one, the random generators. What is the new run's: learning rates and their schedule,
its stream of batches from that step on, early stopping, the best so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.training.checkpoints import DirectCheckpointIO
from experiments.training.fitting import ResumeState
from experiments.training.inputs import difference_of_rows
from experiments.training.recipe import environment_of
from runs.checkpoint import callback_state, whole_checkpoint
from runs.differences import find_causes
from runs.environment import recorded_environment
from runs.fork_point import ForkPoint
from runs.layout import fingerprint_tag
from runs.lightning_state import CALLBACK, at_position

if TYPE_CHECKING:
    import torch

    from experiments.build import Parts
    from experiments.training.recipe import PreparedRun
    from runs.files import RunFiles
    from runs.outcome import LoggedPoints


def resume_state(fork_point: ForkPoint, parts: Parts, logged: LoggedPoints) -> ResumeState:
    """That of the new run, whose batches go on where the fork's checkpoint stands."""
    batches = fork_point.step * parts.schedule.accumulate_batches
    return ResumeState(replace(fork_point.point, batches=batches), logged, ForkCheckpointIO(parts))


def check_fits(fork_point: ForkPoint, parts: Parts) -> None:
    """UserError when the run would end before it begins, or the weights are another model's."""
    run, step = fork_point.run, fork_point.step
    where = f"{run.where} after step {step}"
    total = parts.schedule.total_steps
    if step >= total:
        raise UserError(
            f"the run would end at step {total}, where it begins or before",
            where=where,
            cure=f"Give a train.max_steps above {step}, or an earlier step.",
        )
    if run.record.tags.get(fingerprint_tag("tokenizer")) != parts.data.tokenizer_digest:
        raise UserError(
            f"the tokenizer is not the one that the weights know{_other_rows(run, parts)}",
            where=where,
            cure=f"Name the one of {run.where} with model.tokenizer, or leave the data as they were.",
        )
    check_shapes(fork_point.checkpoint, parts, where=where)


def _other_rows(run: RunFiles, parts: Parts) -> str:
    """In words, where there are any: a tokenizer that is trained on the rows changes with them."""
    if run.record.tags.get(fingerprint_tag("train")) == parts.data.fingerprints()["train"]:
        return ""
    return f" ({difference_of_rows(run, parts.data, 'train')})"


def differences_around(fork_point: ForkPoint, prepared: PreparedRun) -> str:
    """In words: what differs around a run from the one that its fork point is of, the settings apart."""
    causes = find_causes(recorded_environment(fork_point.run), environment_of(prepared))
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


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    return {name: "x".join(map(str, tensor.shape)) or "a number" for name, tensor in tensors.items()}


class ForkCheckpointIO(DirectCheckpointIO):
    """Reads the checkpoint that a run begins with as one of its own."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return rebased_checkpoint(super().load_checkpoint(path, map_location, weights_only), self.parts)


def rebased_checkpoint(content: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """What a checkpoint of another run says, as if the run of `parts` had written it."""
    step, state = int(content["global_step"]), callback_state(content)
    moments, schedule = _optimiser_and_schedule(content["optimizer_states"][0], parts, step)
    return {
        **content,
        "epoch": 0,
        "loops": at_position(content["loops"], step=step, batches=step * parts.schedule.accumulate_batches),
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
