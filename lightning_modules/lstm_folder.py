"""An LSTM as a `TextModel`: the folder that it is kept in, and that folder read again.

Legend: B batch, T tokens, L labels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from host.boundary import boundary
from host.model_folder import CONFIG, WEIGHTS, ModelFolder
from host.models import check_finite
from lightning_modules.lstm_network import LstmNetwork, LstmSize

_KIND = "lstm"
_SIZES = {
    "vocab_size": "vocabulary",
    "embedding_dim": "embedding_dim",
    "dim": "dim",
    "layers": "layers",
    "pad_token_id": "padding",
    "unk_token_id": "unknown",
}
_MOST = 2**24
_CURE = "Give a folder that Encore kept of a run with an LSTM, undamaged."


class LstmModel:
    """`network` as the house asks for it."""

    positions = None

    def __init__(self, network: LstmNetwork) -> None:
        self.network = network

    @property
    def vocabulary(self) -> int:
        return self.network.size.vocabulary

    @property
    def outputs(self) -> int:
        return len(self.network.size.labels)

    def logits(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self.network(ids_BT)

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_model

        folder.mkdir(parents=True, exist_ok=True)
        size = self.network.size
        config = {"model_type": _KIND} | {key: getattr(size, name) for key, name in _SIZES.items()}
        config["id2label"] = {str(number): label for number, label in enumerate(size.labels)}
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        save_model(self.network, str(folder / WEIGHTS))

    def example_inputs(self) -> None:
        return None


def read_lstm(folder: Path, *, where: str | None = None) -> LstmModel:
    """The float32 model in `folder`, in evaluation mode.

    where: how an error names the folder. Raises UserError for a config that describes no LSTM, and for weights that are
    missing, damaged, of other sizes than it says, or no numbers.
    """
    found = ModelFolder(folder, where=where or str(folder), cure=_CURE)
    found.say_what_is_left_alone()
    size = _size(found)
    path = found.file(WEIGHTS)
    with boundary(f"{WEIGHTS} cannot be read", where=found.where, cure=_CURE):
        weights = _tensors(path)
    with torch.device("meta"):  # nothing is allocated before the sizes are known to be those of the file
        network = LstmNetwork(size)
    wanted = {name: (tensor.shape, torch.float32) for name, tensor in network.state_dict().items()}
    there = {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
    if wanted != there:
        strange = sorted(name for name in wanted | there if wanted.get(name) != there.get(name))[0]
        raise found.refused(f"the weights are not those that {CONFIG} describes, first in {strange[:80]!r}")
    network.load_state_dict(weights, assign=True)
    check_finite(network, where=found.where, cure="The run diverged: train it again at a lower rate.")
    return LstmModel(network.eval())


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _size(folder: ModelFolder) -> LstmSize:
    config = folder.table(CONFIG)
    if config.get("model_type") != _KIND:
        raise folder.refused(f"holds a {config.get('model_type')!r:.40} model, not {_KIND!r}")
    sizes: dict[str, Any] = {name: config.get(key) for key, name in _SIZES.items()}
    for key, name in _SIZES.items():
        number, least = sizes[name], 0 if key.endswith("_id") else 1
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number < _MOST:
            raise folder.refused(f"{CONFIG} sets {key} to {number!r:.40}, which is no such number")
    if max(sizes["padding"], sizes["unknown"]) >= sizes["vocabulary"]:
        raise folder.refused(f"{CONFIG} has a token beyond its vocab_size")
    return LstmSize(**sizes, labels=_labels(folder, config.get("id2label")))


def _labels(folder: ModelFolder, names: object) -> tuple[str, ...]:
    if isinstance(names, dict):
        labels = tuple(names.get(str(number)) for number in range(len(names)))
        if labels and all(isinstance(label, str) for label in labels):
            return labels  # type: ignore[return-value] each was looked at
    raise folder.refused(f"{CONFIG} names no labels")
