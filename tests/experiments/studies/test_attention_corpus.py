"""A study of attention over a corpus: which texts are read, what few of them can say, and what does not fit a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analysis.attention.faithfulness import Faithfulness
from errors import UserError
from experiments.studies.attention_corpus import drawn_rows
from experiments.studies.attention_faithfulness import Text, faithfulness_table
from experiments.studies.attention_importance import METHODS, RANDOM
from experiments.studies.attention_judged import Loss
from experiments.studies.attention_model import AttentionModel
from experiments.studies.corpora import CorpusTexts
from experiments.studies.models import model_of_folder
from tests.strange_folders import WORDS, encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return encoder(tmp_path / "encoder", labels=2)


def changed(folder: Path, **config: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


def model(folder: Path) -> AttentionModel:
    return AttentionModel(model_of_folder(folder, max_tokens=32), max_tokens=32)


def test_the_first_of_the_drawn_texts_are_of_every_label_though_a_file_has_one_after_the_other() -> None:
    labels = [0] * 500 + [1] * 500
    corpus = CorpusTexts(["text"] * 1000, labels, "here", "")
    rows = drawn_rows(corpus, 100, seed=0)
    assert len(set(rows)) == 100
    assert 10 <= sum(labels[row] for row in rows[:40]) <= 30
    assert rows[:40] == drawn_rows(corpus, 40, seed=0)
    assert rows != drawn_rows(corpus, 100, seed=1)


@pytest.mark.parametrize("number", [None, -1, 7])
def test_padding_that_the_tokenizer_does_not_have_is_one_line(folder: Path, number: int | None) -> None:
    assert model(folder).nothing == ("[PAD]", 0)
    tokenizer = folder / "tokenizer.json"
    content = json.loads(tokenizer.read_text())
    del content["model"]["vocab"][WORDS[7]]
    tokenizer.write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"pad_token_id is {number}, which is no token"):
        model(changed(folder, pad_token_id=number))


def texts_of(falls: list[float]) -> list[Text]:
    """Every method beats words in random order by so much."""
    nothing: Any = None
    return [
        Text(
            {name: Faithfulness(0.0 if name == RANDOM else fall, -fall) for name in METHODS}, nothing, nothing
        )
        for fall in falls
    ]


def test_of_few_texts_no_method_is_sure_to_beat_random_order() -> None:
    draw = np.random.default_rng(0)
    for count in (2, 4, 6):
        few = texts_of([0.5 + 0.001 * at for at in range(count)])
        for row in faithfulness_table(few, seed=0)[:-1]:
            assert row["comprehensiveness"]["p_against_random"] >= 2.0 ** (1 - count)
    same = faithfulness_table(texts_of([0.5] * 3), seed=0)[0]
    assert same["comprehensiveness"]["p_against_random"] == 1.0  # 0.25, five methods asked together
    many = faithfulness_table(texts_of((0.5 + 0.1 * draw.normal(size=60)).tolist()), seed=0)[0]
    assert many["comprehensiveness"]["p_against_random"] < 1e-6


def test_of_few_stories_no_head_is_sure_to_be_missed() -> None:
    whole, less = np.array([10.0, 20.0, 30.0]), np.array([11.0, 22.0, 33.0])
    assert Loss([10, 20, 30], seed=0).judged(less, whole).p_value == 0.25
