"""What a run's record says before its first step, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.checkout import REPOSITORY
from experiments.config import ExperimentConfig
from experiments.naming import experiment_of, flat_params
from experiments.training.inputs import origin_of
from experiments.training.recipe import PreparedRun
from lightning_modules.settings import TEACHER
from runs.data_record import data_record
from runs.layout import (
    CONFIG_FILE,
    DATA_FILE,
    EXPERIMENT_TAG,
    KIND_TAG,
    PATCH_FILE,
    PROVENANCE_FILE,
    RECIPE_TAG,
    ROWS_FOLDER,
    SEEN_FILE,
    START_FILE,
    START_FOLDER,
    RunKind,
    ran_tag,
)
from runs.seals import log_sealed
from tracking.entities import DatasetInput
from tracking.own_code import code_digest, remember
from tracking.run_log import ending_of
from tracking.working_tree import working_tree_patch

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from experiments.build import Schedule
    from tracking.run_log import RunLog
    from tracking.store import Store


def open_run(
    store: Store, prepared: PreparedRun, *, name: str, parent_id: str | None, tags: Mapping[str, str]
) -> RunLog:
    """Start the MLflow run and write its record: config, provenance, patch, data, description."""
    config, data = prepared.parts.config, prepared.parts.data
    log = store.start_run(
        experiment=experiment_of(config),
        name=name,
        params=flat_params(config),
        tags={
            EXPERIMENT_TAG: config.name,
            RECIPE_TAG: prepared.recipe_id,
            KIND_TAG: RunKind.RUN,
            **_ran_tags(prepared),
            **tags,
        },
        description=_description(prepared),
        datasets=_inputs(config, data),
        parent_id=parent_id,
    )
    try:
        _write_record(log, prepared, store.root)
        log.seal()
    except BaseException as error:
        log.finish(ending_of(error), reason=f"the record could not be written: {error!r}")
        raise
    return log


def _write_record(log: RunLog, prepared: PreparedRun, root: Path) -> None:
    patch = working_tree_patch(REPOSITORY, exclude=root)
    log.log_json(prepared.parts.config.model_dump(mode="json"), CONFIG_FILE)
    log.log_json(data_record(prepared.data, prepared.fingerprints, prepared.notices), DATA_FILE)
    # Beside the manifest's seal one of its own: it says that there is a manifest.
    log_sealed(log, prepared.provenance.to_json(), PROVENANCE_FILE)
    patch_digest = log.log_text(patch, PATCH_FILE)
    code = prepared.provenance.code
    if code.commit is not None:
        lock = prepared.provenance.lock_digest
        remember(code_digest(code.commit, code.folder, patch_digest, lock))
    with log.folder(ROWS_FOLDER) as folder:
        for split, rows in prepared.parts.data.rows.items():
            np.save(folder / f"{split}.npy", rows.checksums, allow_pickle=False)
        if len(prepared.seen):
            np.save(folder / Path(SEEN_FILE).name, prepared.seen, allow_pickle=False)
    if prepared.fork_point is not None:
        with log.folder(START_FOLDER) as folder:
            prepared.fork_point.copy_to(folder / Path(START_FILE).name)


def _ran_tags(prepared: PreparedRun) -> dict[str, str]:
    """What ran, in tags: as a param it would stand beside what was asked as a second varying column."""
    data = prepared.parts.data
    facts = {
        **prepared.effective,
        "total_steps": str(prepared.parts.schedule.total_steps),
        "train_examples": str(len(data.rows["train"].texts)),
        "dropped_examples": str(data.dropped_rows),
        "data_origin": data.origin,
        **{f"fingerprint.{name}": digest for name, digest in prepared.fingerprints.items()},
    }
    return {ran_tag(key): value for key, value in facts.items()}


def _inputs(config: ExperimentConfig, data: TokenizedData) -> list[DatasetInput]:
    return [
        DatasetInput(config.data.kind, split, digest, len(data.rows[split].texts), origin_of(data, split))
        for split, digest in data.fingerprints().items()
    ]


def _description(prepared: PreparedRun) -> str:
    config, data, schedule = prepared.parts.config, prepared.parts.data, prepared.parts.schedule
    start = _start(prepared)
    if prepared.fork_point is not None:
        start = f"the checkpoint after step {prepared.fork_point.step} of {prepared.fork_point.run.where}"
    return "\n".join(
        [
            f"**{config.description}**",
            "",
            f"- model: {config.model.kind} from {start}",
            *_taught_by(prepared),
            f"- data: {config.data.kind} from {data.origin}; {len(data.rows['train'].texts):,} train rows, "
            f"{len(data.rows['val'].texts):,} held out for selection (`val/…`), "
            f"{len(data.rows['test'].texts):,} of the official split, scored once (`test/…`)",
            f"- {_steps(config, schedule)}, seed {config.seed}",
        ]
    )


def _steps(config: ExperimentConfig, schedule: Schedule) -> str:
    if config.optim is None:
        return "fitted to all train rows in one step"
    return (
        f"{schedule.total_steps:,} steps ({schedule.epochs:.2f} epochs) at a peak learning rate of "
        f"{config.optim.learning_rate:g}, {config.train.precision}"
    )


def _start(prepared: PreparedRun) -> str:
    """What the weights are before the first step, in words."""
    model, first = prepared.parts.config.model, prepared.parts.parents.first
    if model.pretrained is None:
        return model.beginning
    source = "its teacher" if model.pretrained == TEACHER else model.pretrained
    source = source if first is None else first.run.where
    layers = getattr(model, "pretrained_layers", None)
    return source if layers is None else f"blocks {', '.join(map(str, layers))} of {source}"


def _taught_by(prepared: PreparedRun) -> list[str]:
    """A line that names the teacher of a student."""
    teacher, how = prepared.parts.parents.teacher, prepared.parts.config.train.distillation
    if teacher is None or how is None:
        return []
    softened = f" at temperature {how.temperature:g}" if how.loss == "kl" else ""
    texts = prepared.parts.data.rows.get("transfer")
    beside = "" if texts is None else f" and to {len(texts.texts):,} texts without labels"
    return [
        f"- teacher: {teacher.run.where}, whose logits to the train rows{beside} are {how.weight:.0%} of the loss "
        f"({how.loss}{softened})"
    ]
