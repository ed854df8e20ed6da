"""What a run begins with, and the recipe that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.summary import DataSummary, summary_of
from experiments.checkout import provenance_here
from experiments.config import ExperimentConfig
from experiments.naming import flat_params
from host.files import file_digest
from host.model_folder import CONFIG, ModelFolder
from runs.differences import deciding
from runs.environment import RunEnvironment
from runs.layout import EOS_KEY, TOKENS_OF
from tracking.provenance import Provenance

if TYPE_CHECKING:
    from experiments.build import Parts
    from runs.fork_point import ForkPoint


@dataclass(frozen=True)
class PreparedRun:
    """Everything that a run begins with: its parts, what torch was set to, a fork's checkpoint, code and machine.

    fingerprints: digests of the rows of each split, the tokenizer, its end token, the tokens of each split, the bytes
    of local weights, their model's config, the checkpoint. notices: what was left out of the folders of model and
    tokenizer.
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
    effective: Mapping[str, str],
) -> str:
    """sha256 over everything that is asked of a run and decides its numbers, and nothing else.

    The resolved config with its seed, the source code of the rooms that decide numbers, the rows and the tokens of
    every split, the tokenizer, the dependency lock, the threads and the kind of device, and the bytes of local
    pretrained weights (of the hub's, their commit). Where data and weights lie does not count, what they hold does.
    Equal recipes are the same experiment.
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
        "code": deciding(provenance.code.files),
        "data": dict(sorted(fingerprints.items())),
        "lock": provenance.lock_digest,
        "ran": {key: effective[key] for key in ("threads", "device")},
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


def environment_of(prepared: PreparedRun) -> RunEnvironment:
    """Those of a run that begins now."""
    return RunEnvironment(
        prepared.provenance.to_json(),
        flat_params(prepared.parts.config),
        dict(sorted(prepared.fingerprints.items())),
        prepared.effective,
    )
