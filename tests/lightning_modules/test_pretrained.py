"""Pretrained folders: which heads are taken, and which configs and weights are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DistilBertForSequenceClassification, GPT2LMHeadModel

from errors import UserError
from lightning_modules.distilbert import Dropouts, pretrained_distilbert
from lightning_modules.gpt2 import pretrained_gpt2
from tests.hostile import edited, encoder, storyteller


def classifier(folder: Path) -> DistilBertForSequenceClassification:
    return pretrained_distilbert(
        str(folder),
        revision="main",
        local_files_only=True,
        labels=("bad", "good"),
        dropouts=Dropouts(0, 0, 0),
    )


def language_model(folder: Path) -> GPT2LMHeadModel:
    return pretrained_gpt2(str(folder), revision="main", local_files_only=True, pad_token_id=0, dropout=0.0)


@pytest.mark.parametrize("labels", [1, 5])
def test_a_head_of_other_labels_is_replaced_with_a_word(
    labels: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder(tmp_path, labels=labels)
    there = load_file(tmp_path / "model.safetensors")
    found = classifier(tmp_path)
    (said,) = capfd.readouterr().err.splitlines()
    assert f"its head has {labels} label" in said
    assert said.endswith("the data 2; a new head is taken")
    kept = found.state_dict()
    assert kept["classifier.weight"].shape == (2, 16)
    assert found.config.id2label == {0: "bad", 1: "good"}
    for name in there.keys() - {"classifier.weight", "classifier.bias"}:
        assert torch.equal(kept[name], there[name])


@pytest.mark.parametrize("labels", [None, 2])
def test_a_head_of_as_many_labels_is_kept_and_an_encoder_gets_one(
    labels: int | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder(tmp_path, labels=labels)
    there = load_file(tmp_path / "model.safetensors")
    found = classifier(tmp_path).state_dict()
    assert capfd.readouterr().err == ""
    if labels is not None:
        assert torch.equal(found["classifier.weight"], there["classifier.weight"])


def test_an_untied_head_that_is_missing_is_refused_and_one_that_is_there_taken(tmp_path: Path) -> None:
    storyteller(tmp_path)
    edited(tmp_path, "config.json", tie_word_embeddings=False)
    with pytest.raises(UserError, match=r"lacks weights, lm_head\.weight among them"):
        language_model(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    head = torch.randn_like(weights["transformer.wte.weight"])
    save_file(weights | {"lm_head.weight": head}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    found = language_model(tmp_path)
    assert torch.equal(found.lm_head.weight, head)
    assert torch.equal(found.transformer.wte.weight, weights["transformer.wte.weight"])


def test_a_head_beside_tied_embeddings_is_refused_unless_it_is_them(tmp_path: Path) -> None:
    storyteller(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    same = {"lm_head.weight": weights["transformer.wte.weight"].clone()}
    save_file(weights | same, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(language_model(tmp_path).lm_head.weight, weights["transformer.wte.weight"])
    other = {"lm_head.weight": weights["transformer.wte.weight"] + 1}
    save_file(weights | other, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lm_head\.weight is another one"):
        language_model(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("reorder_and_upcast_attn", True),
        ("add_cross_attention", True),
    ],
)
def test_attention_that_is_computed_otherwise_here_is_refused(
    key: str, value: object, tmp_path: Path
) -> None:
    storyteller(tmp_path)
    edited(tmp_path, "config.json", **{key: value})
    with pytest.raises(UserError, match=f"config.json sets {key} to {value}"):
        language_model(tmp_path)
    edited(tmp_path, "config.json", **{key: not value})
    language_model(tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named_before_anything_is_trained(bad: float, tmp_path: Path) -> None:
    encoder(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = "transformer.layer.0.ffn.lin1.weight"
    weights[name][0, 0] = bad
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"hold NaN or infinity, first in distilbert.{name}"):
        classifier(tmp_path)


def test_weights_without_metadata_and_of_half_precision_are_read(tmp_path: Path) -> None:
    encoder(tmp_path)
    weights = {name: array.half() for name, array in load_file(tmp_path / "model.safetensors").items()}
    save_file(weights, tmp_path / "model.safetensors")
    found: dict[str, Any] = classifier(tmp_path).state_dict()
    for name, array in weights.items():
        assert torch.equal(found[f"distilbert.{name}"], array.float())


def test_the_attention_is_always_said(tmp_path: Path) -> None:
    encoder(tmp_path / "encoder")
    storyteller(tmp_path / "storyteller")
    assert classifier(tmp_path / "encoder").config._attn_implementation == "sdpa"
    assert language_model(tmp_path / "storyteller").config._attn_implementation == "sdpa"
