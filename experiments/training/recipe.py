"""What a run begins with, and the recipe that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datamodules.copies import rows_seen
from datamodules.summary import DataSummary, summary_of
from experiments.checkout import provenance_here
from experiments.config import ExperimentConfig
from runs.differences import deciding
from runs.environment import RunEnvironment, settings_of
from runs.layout import EOS_KEY, TOKENS_OF, VECTORS_PRINT
from runs.model_prints import model_prints
from tracking.provenance import Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.build import Parts
    from experiments.parents import Parent
    from runs.fork_point import ForkPoint
    from runs.lineage import Role

_CHECKPOINTS = ("checkpoint_every_minutes", "checkpoint_every_steps", "keep_checkpoint_every_steps")


@dataclass(frozen=True)
class PreparedRun:
    """Everything that a run begins with: its parts, what torch was set to, a fork's checkpoint, code and machine.

    fingerprints: digests of the rows of each split and of a transfer set, the tokenizer, its end token, the tokens of
    these rows, the bytes of local weights, their model's config, word vectors, the checkpoint; of its parents their
    weights, config and tokenizer. notices: what was left out of the folders of model and tokenizer.
    """

    parts: Parts
    effective: Mapping[str, str]
    fork_point: ForkPoint | None
    provenance: Provenance
    fingerprints: Mapping[str, str]
    notices: tuple[str, ...] = ()

    @property
    def recipe_id(self) -> str:
        return recipe_id(self.parts.config, self.fingerprints, self.provenance, self.effective)

    @cached_property
    def seen(self) -> NDArray[np.int64]:
        """The rows of the official split whose text stands among those of the run; of texts without labels none is
        looked for, since stories are scored by all that they hold."""
        rows = self.parts.data.rows
        if not self.parts.config.task.labelled:
            return np.empty(0, dtype=np.int64)
        return rows_seen((rows["train"], rows["val"]), rows["test"])

    @cached_property
    def data(self) -> DataSummary:
        """What was read and what of it is used."""
        return summary_of(self.parts.data)


def prepared_run(
    parts: Parts, effective: Mapping[str, str], start: ForkPoint | None, notices: Sequence[str] = ()
) -> PreparedRun:
    """A run of `parts` here and now, prepared; `effective`: what `prepare` set."""
    return PreparedRun(
        parts, effective, start, provenance_here(), _fingerprints(parts, start), tuple(notices)
    )


def _fingerprints(parts: Parts, start: ForkPoint | None) -> dict[str, str]:
    end = parts.data.tokenizer.eos_token
    return {
        **{str(split): digest for split, digest in parts.data.fingerprints().items()},
        "tokenizer": parts.data.tokenizer_digest,
        **({} if end is None else {EOS_KEY: str(end)}),
        **{f"{TOKENS_OF}{split}": digest for split, digest in parts.data.token_digests.items()},
        **(
            {}
            if (local := local_folder(parts.config.model.pretrained or "")) is None
            else model_prints(local)
        ),
        **(
            {}
            if (vectors := parts.data.context.tokenizer.vectors) is None
            else {VECTORS_PRINT: vectors.digest}
        ),
        **{
            name: digest
            for role, parent in parts.parents.by_role().items()
            for name, digest in _of_parent(role, parent).items()
        },
        **({} if start is None else {"start": start.digest}),
    }


def local_folder(source: str) -> Path | None:
    """The folder that a model or a tokenizer comes from; none for the hub's, and for that of a run."""
    folder = Path(source)
    return folder if folder.is_absolute() and folder.is_dir() else None


def _of_parent(role: Role, parent: Parent) -> dict[str, str]:
    from datamodules.tokenizers import load_tokenizer, tokenizer_digest

    tokenizer = load_tokenizer(str(parent.folder), local_files_only=True)
    found = model_prints(parent.folder) | {"tokenizer": tokenizer_digest(tokenizer)}
    return {f"{role.prints}{name}": digest for name, digest in found.items()}


def recipe_id(
    config: ExperimentConfig,
    fingerprints: Mapping[str, str],
    provenance: Provenance,
    effective: Mapping[str, str],
) -> str:
    """sha256 over everything that is asked of a run and decides its numbers, and nothing else.

    The resolved config with its seed, the source code of the rooms that decide numbers, the rows and the tokens of
    every split, the tokenizer, the dependency lock, the threads and the kind of device, and the bytes of local
    pretrained weights (of the hub's, their commit). Where data and weights lie does not count, what they hold does.
    Of a run with parents, their IDs and the bytes of their models and tokenizers; of a student the texts of a transfer
    set. A setting that came later does not count where it asks for what was done before.
    Equal recipes are the same experiment.
    """
    sources = {key: getattr(config.model, key) for key in ("pretrained", "tokenizer")}
    local = {key for key, source in sources.items() if source is None or local_folder(source)}
    of_students = ("teacher", "distillation", "transfer_set")
    unasked = {key for key in of_students if getattr(config.train, key) is None}
    layers = {"pretrained_layers"} if getattr(config.model, "pretrained_layers", None) is None else set()
    cut = {"cut"} if config.data.limit.cut == "head" else set()
    elsewhere = {
        "name": True,
        "description": True,
        "data": cut | {"path", "loader_workers", "quoting"},  # the rows say how they were read
        "model": local | {"tokenizer", "vectors"} | layers,
        "train": {"transfer_set": {"path", "column", "quoting"}}  # the texts say how they were read
        | dict.fromkeys([*unasked, *_CHECKPOINTS], True),
        "export": True,
        "samples": True,
    }
    content = {
        "config": config.model_dump(mode="json", exclude=elsewhere),
        "code": deciding(provenance.code.files),
        "data": dict(sorted(fingerprints.items())),
        "lock": provenance.lock_digest,
        "ran": {key: effective[key] for key in ("threads", "device")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def environment_of(prepared: PreparedRun) -> RunEnvironment:
    """Those of a run that begins now."""
    return RunEnvironment(
        prepared.provenance.to_json(),
        settings_of(prepared.parts.config.model_dump(mode="json")),
        dict(sorted(prepared.fingerprints.items())),
        prepared.effective,
    )
