"""Real models with random weights, two layers of 64 units, saved the way a run saves its best ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)

from export.options import ExportConfig
from export.pipeline import ExportOptions, ExportReport, ScoringSet, export_model
from lightning_modules.families import DISTILBERT, GPT2, Family

VOCABULARY = 300
UNUSED_TOKEN = VOCABULARY - 1
QUICK = ExportOptions(ExportConfig(latency_seconds=0), latency_batches=(1, 4), latency_repeats=5)


@dataclass(frozen=True)
class Exported:
    """One export and everything that it was made from."""

    model_dir: Path
    out_dir: Path
    model: PreTrainedModel
    scoring: ScoringSet
    report: ExportReport


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before the fixtures: exports that are compared are made alike, whatever a training in this process has left."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def texts() -> list[list[int]]:
    """120 sequences of 2 to 20 tokens; the last token of the vocabulary never occurs."""
    draw = np.random.default_rng(7)
    return [draw.integers(1, UNUSED_TOKEN, draw.integers(2, 21)).tolist() for _ in range(120)]


@pytest.fixture(scope="session")
def classifier(texts: list[list[int]]) -> DistilBertForSequenceClassification:
    """With weights large enough that the text matters, and about half of `texts` in each class."""
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=VOCABULARY,
        dim=64,
        n_layers=2,
        n_heads=2,
        hidden_dim=256,
        max_position_embeddings=32,
        initializer_range=0.2,
    )
    model = DistilBertForSequenceClassification(config).eval()
    margins = [float(row[1] - row[0]) for row in one_by_one(model, texts)]
    with torch.no_grad():
        model.classifier.bias[0] += float(np.median(margins))
    return model


@pytest.fixture(scope="session")
def language_model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=64,
        n_layer=2,
        n_head=2,
        n_positions=32,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config).eval()


@pytest.fixture(scope="session")
def classification_set(classifier: DistilBertForSequenceClassification, texts: list[list[int]]) -> ScoringSet:
    """Labels that PyTorch gets right in nine cases of ten."""
    labels = np.array([int(row.argmax()) for row in one_by_one(classifier, texts)], dtype=np.int64)
    labels[::10] = 1 - labels[::10]
    return ScoringSet(texts, labels, pad_token_id=0, calibration_ids=texts[:40])


@pytest.fixture
def saved(
    classifier: DistilBertForSequenceClassification, tmp_path: Path
) -> Callable[[Callable[[DistilBertForSequenceClassification], None]], Path]:
    """Saves a copy of the classifier that the given function has damaged."""

    def save(damage: Callable[[DistilBertForSequenceClassification], None]) -> Path:
        copy = DistilBertForSequenceClassification(classifier.config)
        copy.load_state_dict(classifier.state_dict())
        with torch.no_grad():
            damage(copy)
        copy.save_pretrained(tmp_path / "model")
        return tmp_path / "model"

    return save


@pytest.fixture(scope="session")
def exported_classifier(
    classifier: DistilBertForSequenceClassification,
    classification_set: ScoringSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Exported:
    folder = tmp_path_factory.mktemp("classifier")
    _tokenizer(folder).save_pretrained(folder / "model")
    return _export(classifier, folder, DISTILBERT, classification_set)


@pytest.fixture(scope="session")
def exported_language_model(
    language_model: GPT2LMHeadModel, texts: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    folder = tmp_path_factory.mktemp("language")
    scoring = ScoringSet(texts[:40], None, pad_token_id=0)
    return _export(language_model, folder, GPT2, scoring)


@pytest.fixture(scope="session", name="one_by_one")
def _one_by_one_for_tests() -> Callable[[PreTrainedModel, list[list[int]]], list[torch.Tensor]]:
    return one_by_one


@pytest.fixture(scope="session")
def quick() -> ExportOptions:
    return QUICK


def one_by_one(model: PreTrainedModel, texts: list[list[int]]) -> list[torch.Tensor]:
    """PyTorch's logits of each text asked alone: the reference that nothing in export/ computes."""
    with torch.inference_mode():
        return [model(input_ids=torch.tensor([ids])).logits[0] for ids in texts]


def _export(model: PreTrainedModel, folder: Path, family: Family, scoring: ScoringSet) -> Exported:
    model.save_pretrained(folder / "model")
    report = export_model(folder / "model", folder / "out", family=family, scoring=scoring, options=QUICK)
    return Exported(folder / "model", folder / "out", model, scoring, report)


def _tokenizer(folder: Path) -> BertTokenizerFast:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [f"w{number}" for number in range(VOCABULARY - len(special))]
    (folder / "vocab.txt").write_text("\n".join([*special, *words]), encoding="utf-8")
    return BertTokenizerFast(str(folder / "vocab.txt"))
