"""Attention written out, against the library's, by a real encoder over real sentences."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import DistilBertForSequenceClassification

from datamodules.cut import TextLimit
from experiments.studies.attention_model import AttentionModel
from experiments.studies.models import StudiedModel
from lightning_modules.attention import padded, run, visible
from lightning_modules.families import DISTILBERT
from lightning_modules.transformers_model import TransformersModel

pytestmark = [pytest.mark.slow, pytest.mark.acceptance]
_NAMES = {"id2label": {0: "negative", 1: "positive"}}


def test_weights_and_logits_are_the_librarys(real_data: Path) -> None:
    torch.manual_seed(0)
    folder = real_data / "models" / "minilm-distilbert"
    network = DistilBertForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager", **_NAMES
    )
    network.eval()
    sentences = pd.read_parquet(real_data / "data" / "sst2" / "validation.parquet")["sentence"][:48]
    studied = StudiedModel("here", DISTILBERT, folder, TransformersModel(network, 2), "", TextLimit(128))
    model = AttentionModel(studied, max_tokens=128)
    rows = [list(model.read(text.strip()).ids) for text in sentences]
    lengths, mask = [len(row) for row in rows], padded([[1] * len(row) for row in rows])
    with torch.no_grad():
        begun = model.network.begun(model.network.words(padded(rows)))
        logits, seen = run(model.network, begun, visible(lengths, causal=False))
        theirs = network(input_ids=padded(rows), attention_mask=mask, output_attentions=True)
    assert torch.allclose(logits, theirs.logits, atol=1e-5, rtol=0)
    for did, weights in zip(seen, theirs.attentions, strict=True):
        for row, length in enumerate(lengths):
            own = did.weights_BHTT[row, :, :length]
            assert torch.allclose(own, weights[row, :, :length], atol=1e-6, rtol=0)
            assert torch.allclose(own.sum(-1), torch.ones(12, length), atol=1e-5, rtol=0)
            assert not own[..., length:].any()
