"""Less attention over several texts, against networks changed by hand; and what differences are judged to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import DistilBertConfig, DistilBertForSequenceClassification, GPT2Config, GPT2LMHeadModel

from datamodules.cut import TextLimit
from experiments.studies.attention_ablation import (
    FULL,
    WINDOW_SETTINGS,
    Batch,
    Setting,
    head_settings,
    scored,
)
from experiments.studies.attention_judged import Accuracy, Loss, judged_rows, whole_row
from experiments.studies.attention_model import AttentionModel
from experiments.studies.models import StudiedModel
from host.progress import silent
from lightning_modules.families import DISTILBERT, GPT2, Family
from lightning_modules.transformers_model import TransformersModel
from scoring.paired import mcnemar_mid_p
from tests.strange_folders import WORDS, encoder, storyteller

ROWS = [[2, 5, 6, 7, 8, 3], [2, 9, 3], [2, 10, 11, 12, 5, 6, 7, 3]]


def loud(network: Any) -> Any:
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return network.eval()


def studied(network: Any, family: Family, folder: Path, outputs: int) -> AttentionModel:
    model = StudiedModel("here", family, folder, TransformersModel(network, outputs), "", TextLimit(32))
    return AttentionModel(model, max_tokens=32)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> AttentionModel:
    sizes = {"vocab_size": len(WORDS), "dim": 8, "n_layers": 3, "n_heads": 2, "hidden_dim": 12}
    folder = encoder(tmp_path_factory.mktemp("ablation") / "encoder", labels=2)
    network = loud(DistilBertForSequenceClassification(DistilBertConfig(**sizes, max_position_embeddings=32)))
    return studied(network, DISTILBERT, folder, 2)


def first_logit(logits_BL: torch.Tensor, batch: Batch) -> Any:
    return logits_BL[:, 0].double().numpy()


def test_each_head_off_is_the_network_without_what_it_carries_on(classifier: AttentionModel) -> None:
    heads = head_settings(classifier)
    found = scored(classifier, ROWS, [FULL, *heads, *WINDOW_SETTINGS], first_logit, on_progress=silent)
    assert len(heads) == 6
    assert found[FULL] == pytest.approx(classifier.logits(ROWS)[:, 0], abs=1e-5)
    for setting in heads:
        assert setting.layer is not None
        assert setting.head is not None
        out = classifier.studied.model.network.distilbert.transformer.layer[setting.layer].attention.out_lin
        before, begin = out.weight.clone(), 4 * setting.head
        with torch.no_grad():
            out.weight[:, begin : begin + 4] = 0
            changed = classifier.logits(ROWS)[:, 0]
            out.weight.copy_(before)
        assert found[setting] == pytest.approx(changed, abs=1e-5)
        assert found[setting] != pytest.approx(found[FULL], abs=1e-4)
    assert np.array_equal(found[Setting(8)], found[FULL])
    assert np.array_equal(found[Setting(16, first=True)], found[FULL])
    assert found[Setting(2)][1] == found[FULL][1]  # three tokens are all within two of each other
    assert found[Setting(2)][2] != pytest.approx(found[FULL][2], abs=1e-4)


def test_a_language_models_loss_is_of_its_own_tokens(tmp_path: Path) -> None:
    sizes = {"vocab_size": 280, "n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 32}
    model = studied(loud(GPT2LMHeadModel(GPT2Config(**sizes))), GPT2, storyteller(tmp_path / "teller"), 280)
    measure = Loss([len(row) - 1 for row in ROWS], seed=0)
    found = scored(model, ROWS, [FULL, Setting(2)], measure.of, on_progress=silent)
    for at, row in enumerate(ROWS):
        with torch.no_grad():
            logits_TV = model.studied.model.logits(torch.tensor([row]))[0]
        nats = F.cross_entropy(logits_TV[:-1], torch.tensor(row[1:]), reduction="sum")
        assert found[FULL][at] == pytest.approx(float(nats), rel=1e-5)
    whole = whole_row(measure, found)
    assert whole["score"] == pytest.approx(found[FULL].sum() / 14)
    [limited] = judged_rows(measure, found, [Setting(2)])
    assert limited["difference"] == pytest.approx((found[Setting(2)].sum() - found[FULL].sum()) / 14)
    assert (limited["window"], limited["head"]) == (2, None)


def test_accuracies_are_compared_on_the_same_texts() -> None:
    whole = np.array([1.0] * 30 + [0.0] * 10)
    other = np.array([1.0] * 18 + [0.0] * 12 + [1.0] * 2 + [0.0] * 8)  # 12 lost, 2 won
    measure = Accuracy([0] * 40)
    settings = [Setting(2), Setting(4)]
    rows = judged_rows(measure, {FULL: whole, settings[0]: other, settings[1]: whole}, settings)
    assert (rows[0]["score"], rows[0]["difference"]) == pytest.approx((0.5, -0.25))
    assert rows[0]["p_value"] == pytest.approx(2 * mcnemar_mid_p(12, 2))  # of two questions
    assert (rows[1]["difference"], rows[1]["p_value"]) == (0, 1)
    assert rows[0]["difference_low"] < -0.25 < rows[0]["difference_high"] < 0
