"""What the house asks of a model beside its training, whatever class it is of.

Legend: B batch, T tokens, L outputs (labels of a classifier, vocabulary of a language model).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


class TextModel(Protocol):
    """A model from token ids to logits, and how its folder is written; `families.py` says how it is read again."""

    @property
    def network(self) -> nn.Module:
        """The module that is trained and exported."""
        ...

    @property
    def vocabulary(self) -> int:
        """It knows the token ids 0 to `vocabulary` - 1."""
        ...

    @property
    def positions(self) -> int | None:
        """Most tokens of a text; none: any number."""
        ...

    @property
    def outputs(self) -> int:
        """Logits of one position."""
        ...

    def logits(self, ids_BT: Tensor) -> Tensor:
        """(B, L) of a classifier, (B, T, L) of a language model, for int64 ids without padding."""
        ...

    def save(self, folder: Path) -> None:
        """Write config.json and model.safetensors."""
        ...

    def example_inputs(self) -> Mapping[str, Tensor] | None:
        """By name, each input (B, T) of `network.forward`, which gives logits; none: optimum knows its class, or
        `export/` writes its graph itself."""
        ...
