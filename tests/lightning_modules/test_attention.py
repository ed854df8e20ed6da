"""Attention written out, against transformers' own classes, on networks small enough to compare every number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
)

from analysis.attention.gradients import integrated_gradients
from lightning_modules.attention import Attending, padded, run, step, visible
from lightning_modules.attention_parts import bert_parts, distilbert_parts, gpt2_parts

_SIZE = {"vocab_size": 40, "max_position_embeddings": 24}
_BERT = {
    **_SIZE,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
}
ROWS = [[1, 7, 8, 9, 2], [1, 5, 2]]


def distilbert() -> Any:
    config = DistilBertConfig(**_SIZE, dim=12, n_layers=2, n_heads=3, hidden_dim=20)
    return DistilBertForSequenceClassification(config)


def bert() -> Any:
    return BertForSequenceClassification(BertConfig(**_BERT))


def gpt2() -> Any:
    return GPT2LMHeadModel(GPT2Config(vocab_size=40, n_positions=24, n_embd=12, n_layer=2, n_head=3))


FAMILIES: dict[str, tuple[Callable[[], Any], Callable[[Any], Attending], Callable[[Any, int], Any]]] = {
    "distilbert": (
        distilbert,
        distilbert_parts,
        lambda net, layer: net.distilbert.transformer.layer[layer].attention.out_lin.weight.T,
    ),
    "bert": (
        bert,
        bert_parts,
        lambda net, layer: net.bert.encoder.layer[layer].attention.output.dense.weight.T,
    ),
    "gpt2": (gpt2, gpt2_parts, lambda net, layer: net.transformer.h[layer].attn.c_proj.weight),
}


@pytest.fixture(params=FAMILIES)
def made(request: pytest.FixtureRequest) -> tuple[Any, Attending, Callable[[Any, int], Any]]:
    """The network, whose weights are far from even, in parts; and what carries a layer's heads on, (H * K, D)."""
    torch.manual_seed(0)
    new, parts, out = FAMILIES[request.param]
    network = new().eval()
    network.set_attn_implementation("eager")
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return network, parts(network), out


def read(parts: Attending, rows: list[list[int]], **limit: Any) -> tuple[torch.Tensor, list[Any]]:
    with torch.no_grad():
        seen = visible([len(row) for row in rows], causal=parts.causal, **limit)
        return run(parts, parts.begun(parts.words(padded(rows))), seen)


def library(network: Any, rows: list[list[int]]) -> Any:
    mask = padded([[1] * len(row) for row in rows])
    with torch.no_grad():
        return network(input_ids=padded(rows), attention_mask=mask, output_attentions=True)


def test_weights_and_logits_are_the_librarys(made: tuple[Any, Attending, Any]) -> None:
    network, parts, _ = made
    logits, seen = read(parts, ROWS)
    theirs = library(network, ROWS)
    for row, ids in enumerate(ROWS):
        there = len(ids)
        for layer, did in enumerate(seen):
            mine = did.weights_BHTT[row, :, :there]
            assert torch.allclose(mine, theirs.attentions[layer][row, :, :there], atol=1e-6, rtol=0)
            assert torch.allclose(mine.sum(-1), torch.ones(3, there), atol=1e-5, rtol=0)
            assert not mine[..., there:].any()
        own = logits[row, :there] if parts.causal else logits[row]
        other = theirs.logits[row, :there] if parts.causal else theirs.logits[row]
        assert torch.allclose(own, other, atol=1e-5, rtol=0)
    assert seen[0].weights_BHTT.std() > 0.05


def test_a_window_as_wide_as_the_text_changes_no_bit_and_a_narrow_one_hides_what_is_far(
    made: tuple[Any, Attending, Any],
) -> None:
    _, parts, _ = made
    whole, _ = read(parts, ROWS)
    assert torch.equal(read(parts, ROWS, window=4)[0], whole)
    assert torch.equal(read(parts, ROWS, window=4, first=True)[0], whole)
    limited, seen = read(parts, ROWS, window=1)
    assert not torch.allclose(limited, whole)
    assert not seen[0].weights_BHTT[0, :, 0, 2:].any()
    assert not seen[0].weights_BHTT[0, :, 4, :3].any()
    _, seen = read(parts, ROWS, window=1, first=True)
    assert seen[0].weights_BHTT[0, :, 4, 0].all()
    assert not seen[0].weights_BHTT[0, :, 4, 1:3].any()
    assert bool(seen[0].weights_BHTT[0, :, 0, 3].any()) is not parts.causal


def test_a_head_that_is_off_is_one_whose_output_weights_are_zero(made: tuple[Any, Attending, Any]) -> None:
    network, parts, out = made
    rows = ROWS[:1]
    with torch.no_grad():
        hidden, seen = parts.begun(parts.words(padded(rows))), visible([5], causal=parts.causal)
        for number, layer in enumerate(parts.layers):
            hidden, _ = step(layer, hidden, seen, torch.tensor([1.0, 0.0, 1.0]) if number == 1 else None)
        off = parts.outputs(hidden)
        before = library(network, rows).logits
        out(network, 1)[4:8] = 0.0  # the second of three heads of width 4
        by_hand = library(network, rows).logits
    assert torch.allclose(off, by_hand, atol=1e-5, rtol=0)
    assert not torch.allclose(off, before, atol=1e-3)


def test_what_carries_values_on_is_that_of_the_network(made: tuple[Any, Attending, Any]) -> None:
    network, parts, out = made
    for number, layer in enumerate(parts.layers):
        assert torch.equal(layer.out_HKD.flatten(0, 1), out(network, number).detach())


def test_integrated_gradients_are_those_of_captums_layer(made: tuple[Any, Attending, Any]) -> None:
    from captum.attr import LayerIntegratedGradients

    network, parts, _ = made
    ids, nothing = ROWS[0], [1, 0, 0, 0, 2]
    network.requires_grad_(requires_grad=False)
    found = integrated_gradients(
        parts, ids, nothing, lambda logits: logits[:, -1, 3] if parts.causal else logits[:, 1]
    )
    network.requires_grad_(requires_grad=True)

    def forward(rows: torch.Tensor) -> torch.Tensor:
        logits = network(input_ids=rows, attention_mask=torch.ones_like(rows)).logits
        return logits[:, -1, 3] if parts.causal else logits[:, 1]

    theirs = LayerIntegratedGradients(forward, parts.words).attribute(
        torch.tensor([ids]), torch.tensor([nothing]), n_steps=found.steps
    )
    assert found.values_T == pytest.approx(theirs[0].sum(-1).detach().double().numpy(), abs=1e-4)
    assert found.reached == pytest.approx(found.difference, rel=0.02)
    assert found.values_T[0] == found.values_T[-1] == 0  # special tokens stay
