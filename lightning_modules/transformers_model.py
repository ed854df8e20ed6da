"""A model of a transformers class as a `TextModel`, and its folder read again.

Legend: B batch, T tokens, L outputs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from host.model_folder import CONFIG, WEIGHTS
from host.models import check_finite, load_model

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from scoring.task import Task

_CURE = f"Check {CONFIG} and {WEIGHTS}; if the file was cut short, save the model again."


class TransformersModel:
    """`network`, of a transformers class, with as many `outputs` as its task asks for."""

    def __init__(self, network: PreTrainedModel, outputs: int) -> None:
        self.network = network
        self.outputs = outputs

    @property
    def vocabulary(self) -> int:
        return int(self.network.config.vocab_size)

    @property
    def positions(self) -> int | None:
        return getattr(self.network.config, "max_position_embeddings", None)

    def logits(self, ids_BT: Tensor) -> Tensor:
        import torch

        return self.network(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).logits

    def save(self, folder: Path) -> None:
        self.network.save_pretrained(folder, safe_serialization=True)

    def example_inputs(self) -> None:
        return None


def read_network(model_class: type[PreTrainedModel], folder: Path, task: Task) -> PreTrainedModel:
    """The float32 model in `folder`, in evaluation mode, from safetensors only.

    Raises UserError for a missing, unreadable or incomplete folder: weights that the file does
    not hold would be drawn at random, and the export would score a model that nobody trained.
    """
    with _only_errors_logged():
        loaded = load_model(model_class, folder, where=str(folder), cure=_CURE)
    missing = sorted([*loaded.missing, *loaded.others])
    if missing:
        raise UserError(
            f"the weights lack {len(missing)} tensors that a {task.name} model needs, first {missing[0]!r}",
            where=str(folder / WEIGHTS),
            cure="Save the whole fine-tuned model with save_pretrained, or name the task it was trained for.",
        )
    diverged = "The run diverged: train again with a lower learning rate or stronger clipping."
    check_finite(loaded.model, where=str(folder / WEIGHTS), cure=diverged)
    return loaded.model.eval()


@contextlib.contextmanager
def _only_errors_logged() -> Generator[None]:
    """Without transformers' advice to train a model whose head is missing: that is an error here."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
