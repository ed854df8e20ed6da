"""The files of a GPT-2's variants; imports onnx inside the functions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.blocks import Bits
from export.gpt2_graph import gpt2_graph
from export.original import MODEL_FILE, Original
from host.model_folder import CONFIG

if TYPE_CHECKING:
    from export.materials import Materials


def is_gpt2(original: Original) -> bool:
    from transformers import GPT2LMHeadModel

    return original.keeps_past and isinstance(original.model.network, GPT2LMHeadModel)


def write_gpt2(original: Original, folder: Path, bits: Bits | None) -> None:
    """model.onnx with its weights in so many bits (none: float32) beside the config and the tokenizer.

    One file, so at most 2 GiB: onnx raises for a larger one.
    """
    model: Any = original.model.network
    written = gpt2_graph(model, bits).SerializeToString(deterministic=True)
    shutil.copytree(original.tokenizer, folder)
    config = json.loads(original.config.read_text(encoding="utf-8")) | {"use_cache": True}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / MODEL_FILE).write_bytes(written)


def write_gpt2_int8(original: Original, _: Materials, folder: Path) -> None:
    write_gpt2(original, folder, 8)


def write_gpt2_int4(original: Original, _: Materials, folder: Path) -> None:
    write_gpt2(original, folder, 4)
