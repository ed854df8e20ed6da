"""A study of attention over a corpus: which texts are read, what few of them can say, and what does not fit a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analysis.attention.faithfulness import Faithfulness
from analysis.attention.gradients import Attribution
from datamodules.cut import Cut, TextLimit, told_cut
from errors import UserError
from experiments.studies.attention_corpus import check_labels, drawn_rows
from experiments.studies.attention_faithfulness import Text, faithfulness_table, gradients_summary
from experiments.studies.attention_importance import METHODS, RANDOM
from experiments.studies.attention_judged import Loss
from experiments.studies.attention_model import AttentionModel
from experiments.studies.attention_page import text_page
from experiments.studies.attention_text import text_findings
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


@pytest.mark.parametrize(
    ("cut", "part", "kept"),
    [
        ("head", "of its beginning", [0, 1, 2, 3]),
        ("tail", "of its end", [5, 6, 7, 8]),
        ("head_tail", "of its beginning and its end", [0, 6, 7, 8]),
    ],
)
def test_which_end_of_a_text_is_read_is_said(folder: Path, cut: Cut, part: str, kept: list[int]) -> None:
    words = ["the", "film", "is", "not", "very", "good", "a", "fine", "dull"]
    text = " ".join(words)
    limited = replace(model_of_folder(folder, max_tokens=32), limit=TextLimit(6, cut))
    tail = AttentionModel(limited, max_tokens=32)
    read = tail.read(text)
    assert read.word_texts[1:-1] == [words[at] for at in kept]
    content, weights, norms = text_findings(tail, read)
    told = f"5 tokens of the text are cut: 6 {part} are read, special ones included."
    assert told_cut(read.left_out, len(read.ids), tail.cut) == told
    assert told in text_page(content, weights, norms)
    spans = [(token["start"], token["end"]) for token in content["tokens"] if not token["special"]]
    assert [content["text"][start:end] for start, end in spans] == [words[at] for at in kept]


NAMES = ("negative", "positive")


@pytest.mark.parametrize("names", [["NEG", "POS"], ["LABEL_0", "LABEL_1"], ["dull", "fine"]])
def test_labels_in_the_corpus_order_or_of_names_unknown_to_it_are_taken(
    folder: Path, names: list[str]
) -> None:
    named = changed(folder, id2label=dict(enumerate(names)))
    check_labels(model(named), CorpusTexts(["a", "b"], [0, 1], "here", "", NAMES))


@pytest.mark.parametrize("names", [["Positive", "Negative"], ["POS", "NEG"], ["positive", "positive"]])
def test_labels_in_another_order_are_one_line(folder: Path, names: list[str]) -> None:
    named = changed(folder, id2label=dict(enumerate(names)))
    with pytest.raises(UserError, match="has the labels 'negative', 'positive', and the model"):
        check_labels(model(named), CorpusTexts(["a", "b"], [0, 1], "here", "", NAMES))


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_labels_is_one_line(tmp_path: Path, count: int) -> None:
    of_other = model(encoder(tmp_path / "other", labels=count))
    with pytest.raises(UserError, match="has the labels 'negative', 'positive', and the model"):
        check_labels(of_other, CorpusTexts(["a", "b"], [0, 0], "here", "", NAMES))


def test_near_means_one_thing_of_a_text_and_of_all() -> None:
    nothing: Any = None
    found = [
        Attribution(np.ones(2), reached, difference, 32, 0.1)
        for reached, difference in ((1.0, 1.015), (1.0, 1.03), (0.0, 0.0), (1.5e-12, 1e-12))
    ]
    assert [one.is_near for one in found] == [True, False, True, False]
    summary = gradients_summary([Text({}, one, nothing) for one in found])
    assert summary["within_2_percent"] == 0.5
