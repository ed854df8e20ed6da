"""The folder of a model of a class of our own: config.json and model.safetensors, read again whole or refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from host.boundary import boundary
from host.model_folder import CONFIG, WEIGHTS, ModelFolder
from host.models import check_finite

Network = TypeVar("Network", bound=nn.Module)
_MOST = 2**31


def write_plain(
    folder: Path, network: nn.Module, *, kind: str, sizes: Mapping[str, object], labels: Sequence[str]
) -> None:
    """sizes: what else the config says, by its keys."""
    from safetensors.torch import save_model

    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": kind, **sizes, "id2label": {str(n): label for n, label in enumerate(labels)}}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_model(network, str(folder / WEIGHTS))


class PlainFolder:
    """One such folder of models of a `kind`. where: how an error names it.

    UserError for a config that describes no model of it.
    """

    def __init__(self, folder: Path, *, kind: str, where: str | None) -> None:
        self._cure = f"Give a folder that Encore kept of a run with a model of kind {kind!r}, undamaged."
        self._found = ModelFolder(folder, where=where or str(folder), cure=self._cure)
        self._found.say_what_is_left_alone()
        self.config: dict[str, Any] = self._found.table(CONFIG)
        if self.config.get("model_type") != kind:
            raise self._found.refused(
                f"holds a {self.config.get('model_type')!r:.40} model, not {kind!r}", cure=self._cure
            )

    def number(self, key: str, *, least: int, most: int = _MOST) -> int:
        """A whole number of the config, within both bounds."""
        number = self.config.get(key)
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise self._found.refused(f"{CONFIG} sets {key} to {number!r:.40}, which is no such number")
        return number

    def choice(self, key: str, options: Sequence[str]) -> str:
        found = self.config.get(key)
        if found not in options:
            raise self._found.refused(f"{CONFIG} sets {key} to {found!r:.40}, not {' or '.join(options)}")
        return str(found)

    @property
    def labels(self) -> tuple[str, ...]:
        names = self.config.get("id2label")
        if isinstance(names, dict):
            labels = tuple(names.get(str(number)) for number in range(len(names)))
            if labels and all(isinstance(label, str) for label in labels):
                return labels  # type: ignore[return-value] each was looked at
        raise self._found.refused(f"{CONFIG} names no labels")

    def refuse(self, what: str) -> None:
        raise self._found.refused(what)

    def filled(self, make: Callable[[], Network]) -> Network:
        """The network, in evaluation mode, with the weights of the folder.

        UserError for weights that are missing, damaged, of other shapes or types, or no numbers.
        """
        path = self._found.file(WEIGHTS)
        with boundary(f"{WEIGHTS} cannot be read", where=self._found.where, cure=self._cure):
            weights = _tensors(path)
        with torch.device("meta"):  # nothing is allocated before the sizes are known to be those of the file
            network = make()
        wanted = {name: (tensor.shape, tensor.dtype) for name, tensor in network.state_dict().items()}
        there = {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}
        if wanted != there:
            strange = sorted(name for name in wanted | there if wanted.get(name) != there.get(name))[0]
            raise self._found.refused(
                f"the weights are not those that {CONFIG} describes, first in {strange[:80]!r}"
            )
        network.load_state_dict(weights, assign=True)
        diverged = "The run diverged: train it again at a lower rate."
        check_finite(network, where=self._found.where, cure=diverged)
        return network.eval()


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
