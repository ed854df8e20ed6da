"""Files of a model folder that are too large, too deep, of the wrong kind, or at odds with each other."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.strange_folders import edited

MIB = 2**20

# Sizes.


def large(file: str) -> Callable[[Path, Path], list[str]]:
    """200 MiB that take no room on the disk."""

    def plant(folder: Path, _marker: Path) -> list[str]:
        with (folder / file).open("wb") as opened:
            opened.truncate(200 * MIB)
        return [file]

    return plant


def nested(
    file: str, depth: int, opening: str = "[", closing: str = "]"
) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        text = '{"deep": ' + opening * depth + "1" + closing * depth + "}"
        (folder / file).write_text(text, encoding="utf-8")
        return [file]

    return plant


def whole(file: str, text: str) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        (folder / file).write_text(text, encoding="utf-8")
        return [file]

    return plant


# Weights.


def _tensors(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    return dict(load_file(folder / "model.safetensors"))


def huge_header(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + data[8:])
    return ["model.safetensors"]


def overlapping(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    entries = [entry for name, entry in header.items() if name != "__metadata__"]
    for entry in entries:
        entry["data_offsets"] = [0, entry["data_offsets"][1] - entry["data_offsets"][0]]
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return ["model.safetensors"]


def whole_numbers(folder: Path, _marker: Path) -> list[str]:
    tensors = {name: array.astype(np.int64) for name, array in _tensors(folder).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return ["model.safetensors"]


def of_tensorflow(folder: Path, _marker: Path) -> list[str]:
    save_file(_tensors(folder), folder / "model.safetensors", metadata={"format": "tf"})
    return ["model.safetensors"]


def cut_short(folder: Path, _marker: Path) -> list[str]:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    return ["model.safetensors"]


def not_a_number(folder: Path, _marker: Path) -> list[str]:
    tensors = _tensors(folder)
    name = sorted(tensors)[0]
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return ["model.safetensors"]


def size_key(distilbert: str, gpt2: str, value: object) -> Callable[[Path, Path], list[str]]:
    def plant(folder: Path, _marker: Path) -> list[str]:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        return edited(folder, "config.json", **{distilbert if kind == "distilbert" else gpt2: value})

    return plant


def unknown_model(folder: Path, _marker: Path) -> list[str]:
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"] = {"type": "TokenMonster", "vocab": {}}
    return whole("tokenizer.json", json.dumps(content))(folder, _marker)


def no_merges(folder: Path, _marker: Path) -> list[str]:
    (folder / "tokenizer.json").unlink()
    (folder / "merges.txt").unlink(missing_ok=True)
    files = ["tokenizer.json", "merges.txt", "vocab.json", "tokenizer_config.json"]
    (folder / "vocab.json").write_text('{"a": 0, "<|endoftext|>": 1}', encoding="utf-8")
    edited(folder, "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")
    return files


def absurd_ids(folder: Path, _marker: Path) -> list[str]:
    token = {"content": "<far>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False,
             "special": True}  # fmt: skip
    return edited(folder, "tokenizer_config.json", added_tokens_decoder={str(10**9): token, "-5": token})


def many_labels(folder: Path, _marker: Path) -> list[str]:
    return edited(folder, "config.json", num_labels=10**9)


def latin_1(folder: Path, _marker: Path) -> list[str]:
    path = folder / "config.json"
    path.write_bytes(path.read_bytes().replace(b"{", '{"name": "Zoë",'.encode("latin-1"), 1))
    return ["config.json"]
