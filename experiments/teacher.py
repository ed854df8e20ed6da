"""The run that a student learns from, as its parts need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.config import ExperimentConfig
from lightning_modules.settings import TEACHER

if TYPE_CHECKING:
    from runs.files import RunFiles


@dataclass(frozen=True)
class Teacher:
    """A finished run. folder: its model with its tokenizer, here, as the run left them. label_names: of its logits, in
    their order."""

    run: RunFiles
    config: ExperimentConfig
    folder: Path
    label_names: tuple[str, ...]

    @property
    def run_id(self) -> str:
        return self.run.record.run_id


def check_teacher_named(config: ExperimentConfig) -> None:
    """UserError where something is asked of a teacher and none is named."""
    if config.train.teacher is not None:
        return
    asked = {
        f"model.pretrained={TEACHER}": config.model.pretrained == TEACHER,
        "train.distillation": config.train.distillation is not None,
        "train.transfer_set": config.train.transfer_set is not None,
    }
    for where in (key for key, given in asked.items() if given):
        raise UserError(
            "names no teacher",
            where=where,
            cure="Add train.teacher=ID, a finished run of the same store; `encore runs` lists them.",
        )


def check_same_labels(teacher: Teacher, label_names: Sequence[str]) -> None:
    """UserError when a teacher's logits are of other labels, or in another order."""
    theirs = teacher.label_names
    if theirs != tuple(label_names):
        raise UserError(
            f"its labels are {', '.join(theirs) or 'not recorded'}; those of the data are {', '.join(label_names)}",
            where=f"train.teacher={teacher.run_id[:8]}",
            cure="Name a run that was trained on the same labels, in the same order.",
        )


def named(config: ExperimentConfig, teacher: Teacher | None) -> ExperimentConfig:
    """`config` with the whole ID of its teacher, as it is recorded."""
    assert (teacher is None) == (config.train.teacher is None), "who is named is looked up before"
    if teacher is None:
        return config
    return config.model_copy(update={"train": config.train.model_copy(update={"teacher": teacher.run_id})})


def placed(config: ExperimentConfig, teacher: Teacher | None) -> ExperimentConfig:
    """`config` with the teacher's folder in place of the word, where the model begins with the teacher's."""
    if teacher is None or config.model.pretrained != TEACHER:
        return config
    model = config.model.model_copy(update={"pretrained": str(teacher.folder)})
    return config.model_copy(update={"model": model})
