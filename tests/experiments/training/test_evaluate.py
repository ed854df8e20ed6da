"""With what a finished model is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from experiments.training.train import train
from export import pipeline as exporting
from lightning_modules.gpt2 import Gpt2LanguageModel
from tests.tiny import language
from tracking.store import Store


@pytest.mark.slow
def test_scores_and_exports_have_full_products_whatever_the_training_has(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, set[str]] = {"training": set(), "scoring": set(), "export": set()}
    step, logits, export = Gpt2LanguageModel.loss, Gpt2LanguageModel.loss_and_logits, exporting.torch_logits

    def noted(where: str, function: Callable[..., object]) -> Callable[..., object]:
        def noting(*arguments: object) -> object:
            used[where].add(torch.get_float32_matmul_precision())
            return function(*arguments)

        return noting

    monkeypatch.setattr(Gpt2LanguageModel, "loss", noted("training", step))
    monkeypatch.setattr(Gpt2LanguageModel, "loss_and_logits", noted("scoring", logits))
    monkeypatch.setattr(exporting, "torch_logits", lambda model: noted("export", export(model)))
    config = language("train.matmul_precision=medium", "samples=none", "export.when=finished",
                      "export.latency_seconds=0")  # fmt: skip
    try:
        train(config, Store.open(root))
    finally:
        torch.set_float32_matmul_precision("highest")
    assert used == {"training": {"medium"}, "scoring": {"highest"}, "export": {"highest"}}
