"""A bundle is what its run left, and each thing that may be wrong with one is named before a port opens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from errors import UserError
from export.bundle_file import BUNDLE_FILE
from export.golden import Golden
from runs.bundling import bundle_of
from runs.files import RunFiles
from tests.serving.tampering import (
    OF_ANY,
    altered,
    check_made_again,
    check_named,
    flip_byte,
    flip_byte_and_digest,
    swap_labels,
    word_gone,
)


def test_made_twice_it_is_the_same_bytes(exported_run: RunFiles, int8_bundle: Path, tmp_path: Path) -> None:
    check_made_again(exported_run, int8_bundle, tmp_path / "again")


def test_its_card_is_one_of_the_hub(int8_bundle: Path) -> None:
    data: Any = ModelCard.load(int8_bundle / "README.md").data
    figures = json.loads((int8_bundle / BUNDLE_FILE).read_text())["figures"]
    [result] = [found for found in data.eval_results if found.metric_type == "accuracy"]
    assert (result.task_type, result.metric_value) == ("text-classification", figures["accuracy"])


def test_a_run_whose_file_was_altered_gives_none(exported_run: RunFiles, tmp_path: Path) -> None:
    path = exported_run.path("export/int8/golden.json")
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    try:
        with pytest.raises(UserError, match=r"golden\.json is not what was recorded"):
            bundle_of(exported_run, "int8", tmp_path / "bundle")
    finally:
        path.write_bytes(before)
    assert not (tmp_path / "bundle").exists()


def test_a_folder_with_something_else_is_left_alone(exported_run: RunFiles, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not a bundle"):
        bundle_of(exported_run, "int8", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_golden_answers_are_of_texts_of_all_lengths(int8_bundle: Path) -> None:
    golden = Golden.model_validate_json((int8_bundle / "golden.json").read_bytes())
    lengths = [len(answer.ids) for answer in golden.answers]
    assert len(golden.answers) == 16
    assert max(lengths) > 2 * min(lengths)


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "model byte": (flip_byte, "model.onnx is not the file"),
    "model byte, digest made anew": (flip_byte_and_digest, "the model answers .* otherwise"),
    "tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{}") and None,
        "tokenizer.json is not the file",
    ),
    "tokenizer, digest made anew": (
        altered("tokenizer.json", word_gone),
        "the tokenizer reads .* otherwise",
    ),
    "labels": (altered(BUNDLE_FILE, lambda about: about["labels"].reverse()), "the labels are not those of"),
    "labels in both places": (swap_labels, "the labels are swapped"),
    "golden file": (
        lambda folder: (folder / "golden.json").write_text("{}") and None,
        "golden.json is not the file",
    ),
    **OF_ANY,
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_tampered_with_is_named_before_it_is_served(
    int8_bundle: Path, tmp_path: Path, what: str
) -> None:
    check_named(int8_bundle, tmp_path / "bundle", *TAMPERINGS[what])
