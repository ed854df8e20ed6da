"""The finished runs that another run depends on: its teacher, and the run whose model it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.config import ExperimentConfig
from host.notices import notice
from lightning_modules.settings import RUN, TEACHER
from runs.lineage import BEGUN_WITH, TAUGHT_BY, Role

if TYPE_CHECKING:
    from runs.files import RunFiles


@dataclass(frozen=True)
class Parent:
    """A finished run. folder: its model with its tokenizer, here, as the run left them. label_names: of its logits, in
    their order."""

    run: RunFiles
    config: ExperimentConfig
    folder: Path
    label_names: tuple[str, ...]

    @property
    def run_id(self) -> str:
        return self.run.record.run_id


@dataclass(frozen=True)
class Parents:
    """teacher: `train.teacher`. first: the run of `model.pretrained=run:ID`."""

    teacher: Parent | None = None
    first: Parent | None = None

    def by_role(self) -> dict[Role, Parent]:
        both = {TAUGHT_BY: self.teacher, BEGUN_WITH: self.first}
        return {role: parent for role, parent in both.items() if parent is not None}

    def whose_model(self, config: ExperimentConfig) -> Parent | None:
        """The one whose model `config` begins with; none where it begins otherwise."""
        return self.teacher if config.model.pretrained == TEACHER else self.first


NO_PARENTS = Parents()


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


def check_same_labels(teacher: Parent, label_names: Sequence[str]) -> None:
    """UserError when a teacher's logits are of other labels, or in another order."""
    if teacher.label_names != tuple(label_names):
        raise UserError(
            f"its labels are {_told(teacher)}; those of the data are {', '.join(label_names)}",
            where=f"train.teacher={teacher.run_id[:8]}",
            cure="Name a run that was trained on the same labels, in the same order.",
        )


def head_fits(first: Parent | None, label_names: Sequence[str]) -> bool:
    """Whether the head of the run that another begins with is kept: its labels are those of the data, in their order.

    Where they are not, that is said; where there are more or fewer, by whoever reads the weights.
    """
    if first is None or first.label_names == tuple(label_names):
        return True
    if len(first.label_names) == len(label_names):
        notice(
            f"model.pretrained={RUN}{first.run_id[:8]}: its head is for {_told(first)}, the data have "
            f"{', '.join(label_names)}; a new head is taken"
        )
    return False


def _told(parent: Parent) -> str:
    return ", ".join(parent.label_names) or "not recorded"


def named(config: ExperimentConfig, parents: Parents) -> ExperimentConfig:
    """`config` with the whole IDs of its parents, as it is recorded."""
    assert (parents.teacher is None) == (config.train.teacher is None), "who is named is looked up before"
    assert (parents.first is None) == (config.model.pretrained_run is None), "likewise"
    train, model = config.train, config.model
    if parents.teacher is not None:
        train = train.model_copy(update={"teacher": parents.teacher.run_id})
    if parents.first is not None:
        model = model.model_copy(update={"pretrained": f"{RUN}{parents.first.run_id}"})
    return config.model_copy(update={"train": train, "model": model})


def placed(config: ExperimentConfig, parents: Parents) -> ExperimentConfig:
    """`config` with the folder of the parent whose model it begins with in place of the word for it."""
    parent = parents.whose_model(config)
    if parent is None:
        return config
    model = config.model.model_copy(update={"pretrained": str(parent.folder)})
    return config.model_copy(update={"model": model})
