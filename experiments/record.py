"""What a run's record says before its first step, and in which words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datamodules.summary import DataSummary, summary_of
from experiments.checkout import REPOSITORY, provenance_here
from experiments.config import ExperimentConfig
from experiments.naming import flat_params, task_name
from host.files import file_digest
from host.model_folder import CONFIG, ModelFolder
from runs.data_record import data_record
from runs.layout import (
    CONFIG_FILE,
    DATA_FILE,
    EOS_KEY,
    EXPERIMENT_TAG,
    KIND_TAG,
    PATCH_FILE,
    PROVENANCE_FILE,
    RECIPE_TAG,
    ROWS_FOLDER,
    SEALS_FILE,
    START_FILE,
    START_FOLDER,
    TOKENS_OF,
    RunKind,
    ran_tag,
)
from runs.seals import log_sealed
from tracking.own_code import code_digest, remember
from tracking.provenance import Provenance
from tracking.records import DatasetInput
from tracking.run_log import ending_of
from tracking.working_tree import working_tree_patch

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from experiments.build import Parts
    from experiments.start import Start
    from tracking.run_log import RunLog
    from tracking.store import Store


@dataclass(frozen=True)
class Beginning:
    """Everything that a run begins with: its parts, what torch was set to, a fork's checkpoint, code and machine.

    fingerprints: digests of the rows of each split, the tokenizer, its end token, the tokens of each split, the bytes
    of local weights, their model's config, the checkpoint. notices: what was left out of the folders of model and
    tokenizer.
    """

    parts: Parts
    ran: Mapping[str, str]
    start: Start | None
    provenance: Provenance
    fingerprints: Mapping[str, str]
    notices: tuple[str, ...] = ()

    @property
    def recipe_id(self) -> str:
        return recipe_id(self.parts.config, self.fingerprints, self.provenance, self.ran)

    @cached_property
    def data(self) -> DataSummary:
        """What was read and what of it is used."""
        return summary_of(self.parts.data)


def beginning_of(
    parts: Parts, ran: Mapping[str, str], start: Start | None, notices: Sequence[str] = ()
) -> Beginning:
    """The beginning of a run of `parts` here and now; `ran`: what `prepare` set."""
    return Beginning(parts, ran, start, provenance_here(), _fingerprints(parts, start), tuple(notices))


def _fingerprints(parts: Parts, start: Start | None) -> dict[str, str]:
    pretrained = parts.config.model.pretrained
    weights, shape = _weights_digest(pretrained), _model_config_digest(pretrained)
    end = parts.data.tokenizer.eos_token
    return {
        **{str(split): digest for split, digest in parts.data.fingerprints().items()},
        "tokenizer": parts.data.tokenizer_digest,
        **({} if end is None else {EOS_KEY: str(end)}),
        **{f"{TOKENS_OF}{split}": digest for split, digest in parts.data.token_digests.items()},
        **({} if weights is None else {"weights": weights}),
        **({} if shape is None else {"model_config": shape}),
        **({} if start is None else {"start": start.digest}),
    }


def recipe_id(
    config: ExperimentConfig,
    fingerprints: Mapping[str, str],
    provenance: Provenance,
    ran: Mapping[str, str],
) -> str:
    """sha256 over everything that is asked of a run and decides its numbers, and nothing else.

    The resolved config with its seed, the source code, the rows and the tokens of every split, the tokenizer, the
    dependency lock, the threads and the kind of device, and the bytes of local pretrained weights (of the
    hub's, their commit). Where data and weights lie does not count, what they hold does. Equal recipes are
    the same experiment.
    """
    local = {key for key in ("pretrained", "tokenizer") if Path(getattr(config.model, key) or "").is_dir()}
    elsewhere = {
        "name": True,
        "description": True,
        "data": {"path", "loader_workers", "quoting"},  # the rows say how they were read
        "model": local | {"tokenizer"},
        "train": {"checkpoint_every_minutes", "checkpoint_every_steps", "keep_checkpoint_every_steps"},
        "export": True,
        "samples": True,
    }
    content = {
        "config": config.model_dump(mode="json", exclude=elsewhere),
        "code": provenance.code.tree_digest,
        "data": dict(sorted(fingerprints.items())),
        "lock": provenance.lock_digest,
        "ran": {key: ran[key] for key in ("threads", "device")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _model_config_digest(pretrained: str | None) -> str | None:
    """sha256 over what a local model's config.json says; who wrote it does not count."""
    if pretrained is None or not (Path(pretrained) / CONFIG).is_file():
        return None
    content = ModelFolder(Path(pretrained), where=pretrained).table(CONFIG)
    told = {
        key: value for key, value in content.items() if key not in {"transformers_version", "_name_or_path"}
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _weights_digest(pretrained: str | None) -> str | None:
    """sha256 over the bytes of a local model's weights, all shards in the order of their names."""
    if pretrained is None or not Path(pretrained).is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(pretrained).glob("*.safetensors") if path.is_file()):
        digest.update(bytes.fromhex(file_digest(path)))
    return digest.hexdigest()


def open_run(
    store: Store, beginning: Beginning, *, name: str, parent_id: str | None, tags: Mapping[str, str]
) -> RunLog:
    """Start the MLflow run and write its record: config, provenance, patch, data, description."""
    config, data = beginning.parts.config, beginning.parts.data
    log = store.start_run(
        experiment=task_name(config),
        name=name,
        primary_metric=f"best/{config.task.primary_metric}",
        greater_is_better=config.task.greater_is_better,
        params=flat_params(config),
        tags={
            EXPERIMENT_TAG: config.name,
            RECIPE_TAG: beginning.recipe_id,
            KIND_TAG: RunKind.RUN,
            **_ran_tags(beginning),
            **tags,
        },
        description=_description(beginning),
        datasets=_inputs(config, data),
        parent_id=parent_id,
    )
    try:
        _write_record(log, beginning, store.root)
        log.seal()
    except BaseException as error:
        log.finish(ending_of(error), reason=f"the record could not be written: {error!r}")
        raise
    return log


def _write_record(log: RunLog, beginning: Beginning, root: Path) -> None:
    patch = working_tree_patch(REPOSITORY, but=root)
    seals = {
        CONFIG_FILE: log.log_json(beginning.parts.config.model_dump(mode="json"), CONFIG_FILE),
        DATA_FILE: log.log_json(
            data_record(beginning.data, beginning.fingerprints, beginning.notices), DATA_FILE
        ),
        PROVENANCE_FILE: log.log_json(beginning.provenance.to_json(), PROVENANCE_FILE),
        PATCH_FILE: log.log_text(patch, PATCH_FILE),
    }
    code = beginning.provenance.code
    if code.commit is not None:
        lock = beginning.provenance.lock_digest
        remember(code_digest(code.commit, code.folder, seals[PATCH_FILE], lock))
    with log.folder(ROWS_FOLDER) as folder:
        for split, rows in beginning.parts.data.rows.items():
            file = folder / f"{split}.npy"
            np.save(file, rows.checksums, allow_pickle=False)
            seals[f"{ROWS_FOLDER}/{file.name}"] = file_digest(file)
    log_sealed(log, seals, SEALS_FILE)
    if beginning.start is not None:
        with log.folder(START_FOLDER) as folder:
            beginning.start.copy_to(folder / Path(START_FILE).name)


def _ran_tags(beginning: Beginning) -> dict[str, str]:
    """What ran, in tags: as a param it would stand beside what was asked as a second varying column."""
    data = beginning.parts.data
    facts = {
        **beginning.ran,
        "total_steps": str(beginning.parts.schedule.total_steps),
        "train_examples": str(len(data.rows["train"].texts)),
        "dropped_examples": str(data.dropped_rows),
        "data_origin": data.origin,
        **{f"fingerprint.{name}": digest for name, digest in beginning.fingerprints.items()},
    }
    return {ran_tag(key): value for key, value in facts.items()}


def _inputs(config: ExperimentConfig, data: TokenizedData) -> list[DatasetInput]:
    return [
        DatasetInput(config.data.kind, split, digest, len(data.rows[split].texts), data.origin)
        for split, digest in data.fingerprints().items()
    ]


def _description(beginning: Beginning) -> str:
    config, data, schedule = beginning.parts.config, beginning.parts.data, beginning.parts.schedule
    start = config.model.pretrained or f"random weights, {config.model.layers} layers of {config.model.dim}"
    if beginning.start is not None:
        start = f"the checkpoint after step {beginning.start.step} of {beginning.start.run.where}"
    return "\n".join(
        [
            f"**{config.description}**",
            "",
            f"- model: {config.model.kind} from {start}",
            f"- data: {config.data.kind} from {data.origin}; {len(data.rows['train'].texts):,} train rows, "
            f"{len(data.rows['val'].texts):,} held out for selection (`val/…`), "
            f"{len(data.rows['test'].texts):,} of the official split, scored once (`test/…`)",
            f"- {schedule.total_steps:,} steps ({schedule.epochs:.2f} epochs) at a peak learning rate of "
            f"{config.optim.learning_rate:g}, {config.train.precision}, seed {config.seed}",
        ]
    )
