"""A transfer set has each text once, none that the data have, and stands behind the train rows in the batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.classification import DemoReviewsData
from datamodules.rows import SplitRows
from datamodules.settings import TransferSetConfig
from datamodules.transfer_set import transfer_rows
from errors import UserError
from scoring.task import UNLABELLED
from tests.datamodules.modules import made

TRAIN, HELD = SplitRows(["A fine film.", "Dull"], [1, 0]), SplitRows(["scored  once"], [1])


def texts_of(file: Path, **settings: Any) -> list[str]:
    asked = TransferSetConfig(path=str(file), **settings)
    return list(transfer_rows(asked, (TRAIN, HELD), 0).texts)


def written(folder: Path, *texts: str) -> Path:
    file = folder / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


def test_each_text_is_there_once_and_none_that_is_learned_from_held_out_or_scored(tmp_path: Path) -> None:
    file = written(tmp_path, "New.", "a  fine film.", "Scored once", "new.", "dull", "Another")
    assert texts_of(file) == ["New.", "Another"]


def test_sentences_are_rows_by_themselves_where_that_is_asked_for(tmp_path: Path) -> None:
    file = written(tmp_path, "One. Two.", "Scored once. Two.")
    assert texts_of(file) == ["One. Two.", "Scored once. Two."]
    assert texts_of(file, sentences=True) == ["One.", "Two.", "Scored once."]


def test_no_sentence_of_a_text_that_is_learned_from_held_out_or_scored_is_one(tmp_path: Path) -> None:
    file = written(tmp_path, "New here. It  was so. Cast aside.", "A fine film. Cut. It was so! An end.")
    asked = TransferSetConfig(path=str(file), sentences=True)
    splits = [
        SplitRows(["It was SO. Cut."], [1]),
        SplitRows(["A plot. Cast aside.", "An end. A fine film."], [0, 1]),
    ]
    assert list(transfer_rows(asked, splits, 0).texts) == ["New here.", "It was so!"]


def test_so_many_are_drawn_in_their_order(tmp_path: Path) -> None:
    file = written(tmp_path, *(f"text {number}" for number in range(200)))
    found = texts_of(file, examples=50)
    numbers = [int(text.split()[1]) for text in found]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 50
    assert numbers != list(range(50))


@pytest.mark.parametrize(
    ("texts", "settings", "said"),
    [
        (["dull"], {}, "no text is left that the data have not"),
        (
            ["One.", "Two."],
            {"examples": 3},
            "train.transfer_set.examples: 3 rows are asked for, 2 are left that the data have not",
        ),
        (["One."], {"column": "review"}, "no key 'review'"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    tmp_path: Path, texts: list[str], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        texts_of(written(tmp_path, *texts), **settings)
    assert said in str(caught.value)


def test_batches_of_training_hold_both_and_scoring_none_of_it(tmp_path: Path) -> None:
    file = written(tmp_path, "An unknown one.", "One more of those.", "Zebras")
    asked = TransferSetConfig(path=str(file))
    few = {"train_examples": 20, "selection_examples": 10, "group_by_length": False, "max_tokens": 128}
    data = made(DemoReviewsData, None, tmp_path, transfer_set=asked, **few)
    alone = made(DemoReviewsData, None, tmp_path, **few)
    data.setup()
    alone.setup()
    seen: dict[int, list[int]] = {}
    for batch in data.train_dataloader():
        for row, label, ids, mask in zip(*(batch[key] for key in _KEYS), strict=True):
            seen[int(row)] = [int(label), *ids[mask.bool()].tolist()]
    labels = data.rows["train"].labels
    assert labels is not None
    assert sorted(seen) == list(range(23))
    assert [seen[row][0] for row in range(23)] == [*labels, UNLABELLED, UNLABELLED, UNLABELLED]
    texts = [*data.rows["train"].texts, *data.rows["transfer"].texts]
    for row, text in enumerate(texts):
        assert data.tokenizer.decode(seen[row][1:], skip_special_tokens=True).strip() == text.lower()
    for split in ("train", "val", "test"):
        assert data.fingerprints()[split] == alone.fingerprints()[split]
    assert data.fingerprints().keys() - alone.fingerprints().keys() == {"transfer"}
    assert np.array_equal(next(iter(data.val_dataloader()))["row"], next(iter(alone.val_dataloader()))["row"])


_KEYS = ("row", "labels", "input_ids", "attention_mask")
