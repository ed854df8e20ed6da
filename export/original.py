"""What variants are made from, and the name of their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_modules.text_model import TextModel

MODEL_FILE = "model.onnx"


@dataclass(frozen=True)
class Original:
    """The model that variants are made from.

    task: in optimum's words. keeps_past: whether its file takes a past and gives the next one. config: its file.
    tokenizer: the folder that it is copied from; optimum reads and runs whatever else it knows there.
    """

    model: TextModel
    task: str
    keeps_past: bool
    config: Path
    tokenizer: Path
