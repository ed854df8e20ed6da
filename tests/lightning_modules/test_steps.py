"""Whole optimiser steps under Lightning, held to a loop that is written out with torch's own parts."""

from __future__ import annotations

import copy

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.plugins import MixedPrecision
from torch import nn
from torch.utils.data import DataLoader

import lightning_modules.distilbert
from lightning_modules.distilbert import (
    DistilBertClassifier,
    Dropouts,
    Size,
    first_token_logits,
    new_distilbert,
)
from lightning_modules.kernels.embedding import RowwiseEmbedding
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import OptimConfig

SETTINGS = Optimisation(
    OptimConfig(learning_rate=1e-3, schedule="constant", warmup_ratio=0, gradient_clip_norm=0.05), 10
)
STEPS = 4
Batch = dict[str, torch.Tensor]


def network(attention_dropout: float = 0.0):
    torch.manual_seed(0)
    made = new_distilbert(
        vocab_size=50, pad_token_id=0, max_tokens=20, size=Size(3, 4, 32, 64),
        labels=("negative", "positive"), dropouts=Dropouts(0.0, attention_dropout, 0.0),
    )  # fmt: skip
    return made.train()


def batches() -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    made: list[Batch] = []
    for _ in range(STEPS):
        lengths = torch.randint(2, 12, (6, 1), generator=generator)
        mask = torch.arange(12)[None] < lengths
        ids = torch.randint(1, 50, mask.shape, generator=generator) * mask
        labels = torch.randint(0, 2, (6,), generator=generator)
        made.append({"input_ids": ids, "attention_mask": mask.long(), "labels": labels})
    return made


def learner(model: nn.Module) -> DistilBertClassifier:
    return DistilBertClassifier(
        copy.deepcopy(model),  # type: ignore[arg-type]
        optimisation=SETTINGS,
        label_smoothing=0.0,
        frozen_layers=0,
    )


def by_hand(model: nn.Module) -> tuple[nn.Module, list[float]]:
    """The library's forward, torch's clipping, AdamW with decay on matrices, gradients dropped; and the norms."""
    model = copy.deepcopy(model)
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.01},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3)
    norms: list[float] = []
    for batch in batches():
        optimiser.zero_grad()
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        F.cross_entropy(logits, batch["labels"]).backward()
        norms.append(
            float(torch.nn.utils.clip_grad_norm_(parameters, SETTINGS.config.gradient_clip_norm or 1.0))
        )
        optimiser.step()
    return model, norms


class Norms(pl.Callback):
    def __init__(self) -> None:
        self.found: list[float] = []

    def on_train_batch_end(self, _: pl.Trainer, pl_module: pl.LightningModule, *__: object) -> None:
        assert isinstance(pl_module, DistilBertClassifier)
        self.found.append(float(pl_module.last_gradient_norm))


def fit(module: DistilBertClassifier, *plugins: MixedPrecision) -> list[float]:
    norms = Norms()
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=STEPS, logger=False, enable_checkpointing=False, callbacks=[norms],
        enable_progress_bar=False, enable_model_summary=False, plugins=list(plugins),
    )  # fmt: skip
    trainer.fit(module, DataLoader(batches(), batch_size=None))  # type: ignore[arg-type]
    return norms.found


@pytest.mark.parametrize("looked_up_by_torch", [False, True])
def test_steps_under_lightning_are_those_written_out(
    looked_up_by_torch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where torch looks up the words, as on a GPU: there its gradient must be dropped at every step."""
    if looked_up_by_torch:
        monkeypatch.setattr(RowwiseEmbedding, "forward", nn.Embedding.forward)
    module = learner(network())
    expected, norms = by_hand(network())
    assert max(norms) > 0.05  # something is clipped
    assert fit(module) == pytest.approx(norms, rel=1e-4)
    for (name, ours), theirs in zip(module.model.named_parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-3, msg=name)


def test_scaled_gradients_are_unscaled_before_they_are_clipped() -> None:
    """FP16 multiplies the loss by 65,536 first; the norm that is clipped and logged is the true one."""
    module = learner(network())
    _, norms = by_hand(network())
    scaled = MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))  # type: ignore[arg-type]
    assert fit(module, scaled) == pytest.approx(norms, rel=0.05)


def test_attention_with_dropout_is_the_librarys_where_nothing_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def keep(x: torch.Tensor, p: float, *, training: bool) -> torch.Tensor:
        assert p == 0.5
        assert training
        return x

    monkeypatch.setattr(lightning_modules.distilbert, "dropout", keep)
    batch = batches()[0]
    assert (batch["attention_mask"] == 0).any()
    ours, theirs = network(attention_dropout=0.5), network()
    theirs_logits = theirs(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    ours_logits = first_token_logits(ours, batch["input_ids"], batch["attention_mask"])
    torch.testing.assert_close(ours_logits, theirs_logits, atol=2e-6, rtol=1e-5)
    theirs_logits.square().sum().backward()
    ours_logits.square().sum().backward()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=2e-6, rtol=1e-4, msg=name)


def test_attention_drops_its_weights_in_training() -> None:
    model, batch = network(attention_dropout=0.5), batches()[0]
    answers = [first_token_logits(model, batch["input_ids"], batch["attention_mask"]) for _ in range(2)]
    assert not torch.equal(*answers)
