"""Digests of a model's folder that a run begins with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from host.files import file_digest
from host.model_folder import CONFIG, ModelFolder

WEIGHTS_PRINT = "weights"


def model_prints(folder: Path) -> dict[str, str]:
    """Of the bytes of its weights, and of its config where it has one."""
    shape = _model_config_digest(folder)
    return {WEIGHTS_PRINT: _weights_digest(folder), **({} if shape is None else {"model_config": shape})}


def _model_config_digest(folder: Path) -> str | None:
    """sha256 over what its config.json says; who wrote it does not count."""
    if not (folder / CONFIG).is_file():
        return None
    content = ModelFolder(folder, where=str(folder)).table(CONFIG)
    told = {
        key: value for key, value in content.items() if key not in {"transformers_version", "_name_or_path"}
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _weights_digest(folder: Path) -> str:
    """sha256 over the bytes of its weights, all shards in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.glob("*.safetensors") if path.is_file()):
        digest.update(bytes.fromhex(file_digest(path)))
    return digest.hexdigest()
