"""A bundle is what its run left, and each thing that may be wrong with one is named before a port opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from cli.bundles import bundle_verb
from errors import UserError
from export.bundle_file import BUNDLE_FILE
from export.golden import Golden
from runs.bundling import bundle_of
from runs.files import RunFiles
from serving.bundle import read_bundle
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
    _, _, read = (int8_bundle / "README.md").read_text().split("---\n", 2)
    assert f"| right answers on the official split | {100 * figures['accuracy']:.2f} % |" in read
    assert not [name for name in figures if "_" in name and name in read]
    assert (
        "`model.onnx` takes them as `input_ids` and `attention_mask` (int64, one text a row) and gives"
        in read
    )


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
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("mine.txt", "link"):
        with pytest.raises(UserError, match="is no folder"):
            bundle_of(exported_run, "int8", tmp_path / name)


def test_what_lies_beside_a_bundle_is_not_replaced_with_it(
    exported_run: RunFiles, int8_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(int8_bundle, folder)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"mine.txt is none of a bundle's files, and would be gone"):
        bundle_of(exported_run, "fp32", folder)
    assert (folder / "mine.txt").read_text() == "mine"


def test_the_command_says_which_bundle_it_replaced(
    exported_run: RunFiles, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id, root, folder = exported_run.record.run_id, exported_run.store.root, tmp_path / "bundle"

    def told(variant: str) -> str:
        assert bundle_verb(run_id, folder, variant, root, as_json=False) == 0
        return capfd.readouterr().err

    assert "takes the place" not in told("fp32")
    assert f"It takes the place of the bundle of fp32 of run {run_id[:8]} that stood there" in told("int8")
    (folder / BUNDLE_FILE).write_text("{")
    assert "It takes the place of a bundle that cannot be read that stood there" in told("int8")


def test_the_cure_of_a_damaged_bundle_is_the_command_that_writes_it(
    int8_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a bundle"
    shutil.copytree(int8_bundle, folder)
    (folder / "config.json").unlink()
    run_id = json.loads((folder / BUNDLE_FILE).read_text())["run_id"]

    def cure() -> str:
        with pytest.raises(UserError, match="is missing") as error:
            read_bundle(folder)
        return error.value.cure

    command = f"encore export {run_id[:8]} --bundle '{folder}'"
    assert cure() == f"Write the bundle again: `{command}`."
    altered(BUNDLE_FILE, lambda about: about.update(variant="int4"))(folder)
    assert cure() == f"Write the bundle again: `{command} --variant int4`."
    for content in ('{"run_id": "$(rm -r x)", "variant": "int8"}', '{"run_id": 3}', "[]", "{", "[" * 10_000):
        (folder / BUNDLE_FILE).write_text(content)
        assert cure() == (
            f"Write the bundle again: `encore export ID --bundle '{folder}'`, with the ID of its run."
        )


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


def test_golden_answers_to_first_tokens_are_the_bytes_that_they_were_before_other_cuts(
    int8_bundle: Path,
) -> None:
    assert "cut" not in json.loads((int8_bundle / "golden.json").read_text())
    assert json.loads((int8_bundle / "bundle.json").read_text())["cut"] == "head"
