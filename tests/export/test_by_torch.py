"""The second exporter: both families and a model of another kind, against PyTorch on texts of many lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from errors import LibraryError
from export.by_torch import export_by_torch
from export.options import ExportOptions
from export.original import MODEL_FILE
from export.session import OnnxModel
from tests.export.answers import predicted


class Answering(nn.Module):
    """A network of transformers that gives its logits alone."""

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        answer: Any = self.network(input_ids=input_ids, attention_mask=attention_mask, return_dict=True)
        return answer.logits


@pytest.mark.slow
@pytest.mark.parametrize("which", ["exported_classifier", "exported_language_model"])
def test_its_file_has_the_parity_that_the_export_is_held_to(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = request.getfixturevalue(which)
    ids = torch.tensor([[5, 6, 7, 8]])
    made.model.config.use_cache = False
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    export_by_torch(Answering(made.model), inputs, tmp_path / MODEL_FILE)
    assert [file.name for file in tmp_path.iterdir()] == [MODEL_FILE]
    texts = made.scoring.input_ids
    theirs = predicted(OnnxModel(tmp_path, threads=1), texts)
    with torch.inference_mode():
        expected = [made.model(input_ids=torch.tensor([text])).logits[0].numpy() for text in texts]
    furthest = max(np.abs(one - other).max() for one, other in zip(theirs, expected, strict=True))
    assert 0 < furthest <= ExportOptions().max_parity_difference


class Reading(nn.Module):
    """An LSTM whose exporter goes by the example from the second export of a process on."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 4)
        self.layer = nn.LSTM(4, 3, batch_first=True, bidirectional=True)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.layer(self.words(input_ids))[0].amax(1)


@pytest.mark.slow
def test_a_file_for_the_examples_number_of_tokens_alone_is_refused(tmp_path: Path) -> None:
    ids = torch.tensor([[5, 6, 7, 8]])
    export_by_torch(Reading().eval(), {"input_ids": ids}, tmp_path / "first.onnx")
    with pytest.raises(LibraryError, match="for the number of rows and tokens of its example alone"):
        export_by_torch(Reading().eval(), {"input_ids": ids}, tmp_path / MODEL_FILE)
