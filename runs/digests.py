"""sha256 digests of what a run produced: equal digests mean equal bits.

Digests of a training's state and of answers (`table_digest.py`) are over values in a fixed order with their names,
types and shapes; the kept model and the ONNX files, which people deploy, count by their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from errors import UserError
from host.files import is_plain_file
from runs.checkpoint import BEST, LAST, callback_state, load_checkpoint, whole_checkpoint
from runs.table_digest import add

WEIGHTS_LAST, WEIGHTS_BEST, OPTIMISER = "weights/last", "weights/best", "optimiser"


def tensors_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Over name, dtype, shape and bytes of every tensor, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        add(digest, [name, str(tensor.dtype), list(tensor.shape)])
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def optimiser_digest(state: Mapping[str, Any]) -> str:
    """Over the moments and step counts of every parameter, and the settings of every group, of a state_dict."""
    tensors = {
        f"{parameter}/{name}": value
        for parameter, values in state["state"].items()
        for name, value in values.items()
    }
    digest = hashlib.sha256(tensors_digest(tensors).encode())
    settings = [{key: group[key] for key in group if key != "param_names"} for group in state["param_groups"]]
    add(digest, settings)
    return digest.hexdigest()


def checkpoint_digests(folder: Path) -> dict[str, str]:
    """Of the last and the best weights and of the optimiser's state in a run's checkpoint folder."""
    last, best, whole = (
        folder / name for name in (f"{LAST}.safetensors", f"{BEST}.safetensors", f"{LAST}.ckpt")
    )
    for file in (last, best, whole):
        if not is_plain_file(file):  # reading from a pipe would wait for ever
            raise UserError("is gone or no plain file", where=str(file), cure="Restore the artifact.")
    found = {WEIGHTS_LAST: tensors_digest(load_file(last))}
    found[WEIGHTS_BEST] = found[WEIGHTS_LAST] if best.samefile(last) else tensors_digest(load_file(best))
    states = load_checkpoint(whole)["optimizer_states"]
    return found | {OPTIMISER: optimiser_digest(states[0])}


def start_digest(checkpoint: Path) -> str:
    """Over all of a checkpoint that decides how a training continues from it: step, weights, optimiser, generators."""
    content = whole_checkpoint(checkpoint)
    state = callback_state(content)
    tensors, numbers = _generators(state["random"])
    digest = hashlib.sha256()
    add(digest, [content["global_step"], state["seed"], numbers])
    add(digest, [tensors_digest(tensors), tensors_digest(content["state_dict"])])
    add(digest, [optimiser_digest(content["optimizer_states"][0]), content.get("MixedPrecision")])
    return digest.hexdigest()


def _generators(states: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], list[object]]:
    """The states of the random generators: tensors by name, and the rest as plain numbers."""
    name, keys, *rest = states["numpy"]
    tensors = {"numpy": keys, "torch": states["torch"]}
    tensors |= {f"cuda/{number}": state for number, state in enumerate(states["cuda"])}
    return tensors, [name, rest, states["python"]]
