"""Rows of the hub, whose part the library's own function plays: no hub can be reached in a test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from datamodules.sources import Splits, from_hub
from errors import UserError
from tests.datamodules.folders import REVIEWS, labels, texts

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def reviews(*names: str) -> Dataset:
    features = Features(
        {"sentence": Value("string"), "label": ClassLabel(names=list(names)), "idx": Value("int32")}
    )
    rows = {"sentence": ["a dull film", "a fine film"], "label": [0, 1], "idx": [0, 1]}
    return Dataset.from_dict(rows, features=features)


def read(cache: Path, told: list[str]) -> Splits:
    return from_hub(
        "lab/reviews",
        commit=COMMIT,
        splits=("train", "validation"),
        wanted=REVIEWS,
        cache_dir=cache,
        on_remade=told.append,
    )


def test_a_folder_of_the_same_name_is_not_taken_for_the_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "lab" / "reviews"
    planted.mkdir(parents=True)
    for split in ("train", "validation"):
        (planted / f"{split}.csv").write_text("sentence,label\na planted film,1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"would read the folder of the same name .* data\.path={planted}"):
        read(tmp_path / "cache", [])
    assert not list(tmp_path.glob("cache/rows/*/*"))


def test_rows_are_kept_checked_and_labels_go_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(_: str, **options: Any) -> Dataset:
        asked.append(options["split"])
        return reviews("pos", "neg")

    monkeypatch.setattr("datasets.load_dataset", load)
    told: list[str] = []
    splits = read(tmp_path, told)
    assert (texts(splits), labels(splits)) == (["a dull film", "a fine film"], [1, 0])
    assert splits.origin == f"hub:lab/reviews@{COMMIT}"
    assert splits.reads[0].label_counts == {"negative": 1, "positive": 1}
    read(tmp_path, told)
    assert (asked, told) == (["train", "validation"], [])
    (kept,) = tmp_path.glob("rows/*/validation.arrow")
    kept.write_bytes(kept.read_bytes().replace(b"dull", b"good"))
    assert read(tmp_path, told).official[:]["sentence"][0] == "a dull film"
    assert (len(asked), len(told)) == (4, 1)


def test_what_the_library_cached_is_not_left_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: str, **options: Any) -> Dataset:
        Path(options["cache_dir"]).mkdir(parents=True, exist_ok=True)
        return reviews("neg", "pos")

    monkeypatch.setattr("datasets.load_dataset", load)
    read(tmp_path, [])
    assert list((tmp_path / "datasets").iterdir()) == []
    shutil.rmtree(tmp_path / "rows")
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: reviews("good", "bad"))
    with pytest.raises(UserError, match="metadata calls the labels 'good', 'bad'"):
        read(tmp_path, [])


@pytest.mark.parametrize(
    "error", [Exception(), RuntimeError("two\nlines"), KeyError("x"), RecursionError("deep")]
)
def test_whatever_the_library_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load(*_: object, **__: object) -> Dataset:
        raise error

    monkeypatch.setattr("datasets.load_dataset", load)
    with pytest.raises(UserError) as caught:
        read(tmp_path, [])
    assert "the data set lab/reviews" in str(caught.value)
    assert list((tmp_path / "rows").glob("*/*")) == []
