"""The FP32 file of a model answers as the model does, however few tokens it reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedModel

from export.materials import Materials
from export.onnx_files import write_fp32
from export.original import Original
from export.session import OnnxModel
from lightning_modules.families import DISTILBERT
from tests.export.answers import predicted


@pytest.mark.parametrize("positions", [4, 8])
def test_fewer_positions_than_the_example_of_optimum_has_tokens(
    positions: int,
    tmp_path: Path,
    one_by_one: Callable[[PreTrainedModel, list[list[int]]], list[torch.Tensor]],
) -> None:
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=positions
    )
    model = DistilBertForSequenceClassification(config).eval()
    source = tmp_path / "model"
    model.save_pretrained(source)
    write_fp32(
        Original(DISTILBERT.read(source), "text-classification", False, source / "config.json", source),
        Materials(tmp_path, [], ()),
        tmp_path / "fp32",
    )
    texts = [list(range(5, 5 + tokens)) for tokens in range(1, positions + 1)]
    found = predicted(OnnxModel(tmp_path / "fp32", threads=1), texts)
    for ours, theirs in zip(found, one_by_one(model, texts), strict=True):
        assert torch.allclose(torch.from_numpy(ours), theirs, atol=1e-5)
