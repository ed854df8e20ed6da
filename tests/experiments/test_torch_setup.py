"""Where products may be rounded: in training alone."""

from __future__ import annotations

import pytest
import torch

from experiments.torch_setup import full_matmul_precision
from experiments.training.exporting import export_run
from experiments.training.train import train
from lightning_modules.gpt2 import Gpt2LanguageModel
from lightning_modules.learner import Learner
from runs.files import run_named
from tests.tiny import language
from tracking.store import Store


@pytest.mark.slow
def test_scores_and_exports_are_in_full_float32_whatever_the_training_had(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {"trained": set(), "scored": set()}

    def watch(kind: type[Learner], method: str, name: str) -> None:
        original = getattr(kind, method)

        def call(self: Learner, *arguments: object) -> object:
            seen[name].add(torch.get_float32_matmul_precision())
            return original(self, *arguments)

        monkeypatch.setattr(kind, method, call)

    watch(Learner, "training_step", "trained")
    watch(Gpt2LanguageModel, "loss_and_logits", "scored")
    run = train(language("train.matmul_precision=medium", "export.when=finished", "samples=none"), store)
    assert seen == {"trained": {"medium"}, "scored": {"highest"}}
    assert run.metrics["export/fp32/max_logit_difference"] < 1e-3
    torch.set_float32_matmul_precision("highest")
    assert (
        export_run(run_named(store, run.run_id)).metrics["export/fp32/loss"]
        == run.metrics["export/fp32/loss"]
    )


def test_the_setting_is_put_back() -> None:
    torch.set_float32_matmul_precision("medium")
    with full_matmul_precision():
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "medium"
    torch.set_float32_matmul_precision("highest")
