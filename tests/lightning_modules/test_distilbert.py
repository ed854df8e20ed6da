from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lightning_modules.distilbert import (
    DistilBertClassifier,
    Dropouts,
    Size,
    first_token_logits,
    new_distilbert,
)
from lightning_modules.gpt2 import Gpt2LanguageModel, new_gpt2
from lightning_modules.learner import NonFiniteLossError
from lightning_modules.optimisation import Optimisation
from lightning_modules.settings import OptimConfig

SETTINGS = Optimisation(OptimConfig(learning_rate=1e-3, warmup_ratio=0.1), 10)


def model(dropout: float = 0.0, layers: int = 3):
    torch.manual_seed(0)
    return new_distilbert(
        vocab_size=50, pad_token_id=0, max_tokens=20, size=Size(layers, 4, 32, 64),
        labels=("negative", "positive"), dropouts=Dropouts(dropout, dropout, dropout),
    )  # fmt: skip


def batch(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    ids = torch.randint(1, 50, mask.shape, generator=generator) * mask
    return ids, mask.long()


@hypothesis_settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 3), st.integers(0, 5))
def test_the_short_cut_gives_the_logits_of_the_whole_model(
    lengths: list[int], layers: int, seed: int
) -> None:
    network = model(layers=layers).eval()
    ids, mask = batch(lengths, seed)
    with torch.no_grad():
        whole = network(input_ids=ids, attention_mask=mask).logits
        short = first_token_logits(network, ids, mask)
    torch.testing.assert_close(short, whole, atol=2e-6, rtol=1e-5)


def test_the_short_cut_gives_the_gradients_of_the_whole_model() -> None:
    ids, mask = batch([3, 9, 7])
    gradients = []
    for forward in (
        lambda n: n(input_ids=ids, attention_mask=mask).logits,
        lambda n: first_token_logits(n, ids, mask),
    ):
        network = model().train()
        forward(network).square().sum().backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, atol=2e-6, rtol=1e-4, msg=name)


def test_dropout_acts_in_training_and_not_in_evaluation() -> None:
    network = model(dropout=0.5)
    ids, mask = batch([5, 5])
    network.train()
    assert not torch.equal(first_token_logits(network, ids, mask), first_token_logits(network, ids, mask))
    network.eval()
    assert torch.equal(first_token_logits(network, ids, mask), first_token_logits(network, ids, mask))


def test_freezing_stops_at_the_stated_layer() -> None:
    learner = DistilBertClassifier(model(), optimisation=SETTINGS, label_smoothing=0.0, frozen_layers=2)
    trained = {learner.depth_of(name) for name, p in learner.named_parameters() if p.requires_grad}
    frozen = {learner.depth_of(name) for name, p in learner.named_parameters() if not p.requires_grad}
    assert frozen == {0, 1}
    assert trained == {2, 3, 4}


def test_smoothing_counts_in_training_only() -> None:
    learner = DistilBertClassifier(model(), optimisation=SETTINGS, label_smoothing=0.2, frozen_layers=0)
    plain = DistilBertClassifier(model(), optimisation=SETTINGS, label_smoothing=0.0, frozen_layers=0)
    ids, mask = batch([5, 5])
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1])}
    assert learner.train().loss_and_logits(inputs)[0] != plain.train().loss_and_logits(inputs)[0]
    assert learner.eval().loss_and_logits(inputs)[0] == plain.eval().loss_and_logits(inputs)[0]


def test_a_loss_that_is_not_finite_stops_training_and_names_the_step() -> None:
    learner = DistilBertClassifier(model(), optimisation=SETTINGS, label_smoothing=0.0, frozen_layers=0)
    with torch.no_grad():
        learner.model.classifier.weight.fill_(float("nan"))
    ids, mask = batch([4])
    with pytest.raises(NonFiniteLossError, match="step 0"):
        learner.training_step({"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([1])}, 0)


def test_a_language_model_ignores_padding_by_position_and_ties_its_head() -> None:
    torch.manual_seed(0)
    network = new_gpt2(
        vocab_size=40, end_token_id=0, context_tokens=16, layers=2, heads=2, dim=16, dropout=0.0
    )
    learner = Gpt2LanguageModel(network, optimisation=SETTINGS, frozen_layers=0).eval()
    ids = torch.randint(0, 40, (1, 9))
    whole = {"input_ids": ids[:, :-1], "labels": ids[:, 1:]}
    padded = {
        "input_ids": torch.cat([ids[:, :-1], torch.zeros(1, 4, dtype=torch.long)], 1),
        "labels": torch.cat([ids[:, 1:], torch.full((1, 4), -100)], 1),
    }
    torch.testing.assert_close(learner.loss_and_logits(padded)[0], learner.loss_and_logits(whole)[0])
    assert network.lm_head.weight is network.transformer.wte.weight
    assert network.config.pad_token_id == network.config.eos_token_id == 0
