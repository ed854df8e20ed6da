"""A model that is no class of transformers: trained, kept, read again, exported and quantized like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from export.options import ExportConfig, ExportOptions, ScoringSet
from export.pipeline import export_model
from lightning_modules.families import Family
from lightning_modules.gradient_learner import GradientLearner
from lightning_modules.learner import Batch
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import OptimConfig
from lightning_modules.text_model import TextModel
from scoring.tasks import CLASSIFICATION

VOCABULARY = 300


class Bag(nn.Module):
    """The mean of the words' vectors, and a layer over it."""

    vocabulary, positions, outputs = VOCABULARY, None, 2

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, width)
        self.head = nn.Linear(width, 2)

    @property
    def network(self) -> nn.Module:
        return self

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask_BT1 = attention_mask[..., None].to(torch.float32)
        return self.head((self.words(input_ids) * mask_BT1).sum(1) / mask_BT1.sum(1))

    def logits(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return self(ids_BT, torch.ones_like(ids_BT))

    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"width": self.head.in_features}))
        save_file(self.state_dict(), folder / "model.safetensors")

    def example_inputs(self) -> Mapping[str, torch.Tensor]:
        ids = torch.tensor([[5, 6, 7]])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def read_bag(folder: Path) -> TextModel:
    bag = Bag(json.loads((folder / "config.json").read_text())["width"])
    bag.load_state_dict(load_file(folder / "model.safetensors"))
    return bag.eval()


class BagLearner(GradientLearner[Bag]):
    def __init__(self) -> None:
        super().__init__(Bag())
        self.optimisation = Optimisation(OptimConfig(learning_rate=0.1, warmup_ratio=0), 200)

    @property
    def text_model(self) -> TextModel:
        return self.model

    def loss_and_logits(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.model(batch["input_ids"], batch["attention_mask"])
        return F.cross_entropy(logits, batch["labels"]), logits

    def depth_of(self, name: str) -> int:
        return 0 if "words" in name else 1


@pytest.fixture
def trained() -> BagLearner:
    """Taught to tell texts that begin with a small id from those that do not."""
    torch.manual_seed(0)
    learner = BagLearner()
    optimiser = learner.configure_optimizers()["optimizer"]
    for _ in range(200):
        ids = torch.randint(VOCABULARY, (64, 1))
        loss = learner.loss(
            {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": (ids[:, 0] < 150).long()}
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return learner.eval()


def test_it_is_kept_read_again_and_exported(trained: BagLearner, tmp_path: Path) -> None:
    trained.text_model.save(tmp_path / "model")
    draw = np.random.Generator(np.random.PCG64(1))
    texts = [draw.integers(VOCABULARY, size=draw.integers(1, 9)).tolist() for _ in range(60)]
    labels = np.array([int(np.mean(text) < 150) for text in texts])
    report = export_model(
        tmp_path / "model",
        tmp_path / "out",
        family=Family("bag", CLASSIFICATION, read_bag),
        scoring=ScoringSet(texts, labels, pad_token_id=0, calibration_ids=texts),
        options=ExportOptions(ExportConfig(latency_seconds=0), latency_batches=(1, 2), latency_repeats=5),
    )
    accuracies = [report.metrics[f"export/{variant}/accuracy"] for variant in ("torch", "fp32", "int8")]
    assert accuracies[0] == accuracies[1] > 0.8
    assert abs(accuracies[2] - accuracies[0]) <= 0.05
    assert report.metrics["export/fp32/max_logit_difference"] < 1e-5
    written = onnx.load(tmp_path / "out" / "int8" / "model.onnx")
    # Its words; its one product gives the logits, and stays float32.
    assert [e.dims[0] for e in written.graph.initializer if e.data_type == onnx.TensorProto.INT8] == [
        VOCABULARY
    ]
    assert json.loads((tmp_path / "out" / "fp32" / "config.json").read_text()) == {"width": 16}
