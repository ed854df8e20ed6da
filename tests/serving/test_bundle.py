"""A bundle is what its run left, and each thing that may be wrong with one is named before a port opens."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from huggingface_hub import ModelCard

from errors import UserError
from export.bundle_file import BUNDLE_FILE, FILES
from export.golden import Golden
from host.files import file_digest
from runs.bundling import bundle_of
from runs.files import RunFiles
from tests.processes import encore


def test_made_twice_it_is_the_same_bytes(exported_run: RunFiles, int8_bundle: Path, tmp_path: Path) -> None:
    bundle_of(exported_run, "int8", tmp_path / "again")
    names = sorted(path.name for path in (tmp_path / "again").iterdir())
    assert names == sorted([BUNDLE_FILE, *FILES])
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (int8_bundle / name).read_bytes()


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


def altered(file: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """A change of a JSON file by somebody who makes its digest anew."""

    def change_it(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        change(content)
        (folder / file).write_text(json.dumps(content))
        digest_anew(folder, file)

    return change_it


def digest_anew(folder: Path, file: str) -> None:
    if file == BUNDLE_FILE:
        return
    about = json.loads((folder / BUNDLE_FILE).read_text())
    about["files"][file] = file_digest(folder / file)
    (folder / BUNDLE_FILE).write_text(json.dumps(about))


def _flip_byte(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _flip_byte_and_digest(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "classifier.bias")
    bias.raw_data = bytes([bias.raw_data[0] ^ 1]) + bias.raw_data[1:]
    onnx.save(model, folder / "model.onnx")
    digest_anew(folder, "model.onnx")


def _swap_labels(folder: Path) -> None:
    def swap_names(config: dict[str, Any]) -> None:
        config["id2label"] = {"0": "positive", "1": "negative"}

    altered("config.json", swap_names)(folder)
    altered(BUNDLE_FILE, lambda about: about["labels"].reverse())(folder)


def _external(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=10)
    (folder / "w.bin").rename(folder.parent / "w.bin")
    digest_anew(folder, "model.onnx")


def _link(folder: Path) -> None:
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def _under(key: str, value: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        def set_it(content: dict[str, Any]) -> None:
            content["under"][key] = value

        altered("golden.json", set_it)(folder)
        altered(BUNDLE_FILE, set_it)(folder)

    return change


def _word_gone(tokenizer: dict[str, Any]) -> None:
    merges = tokenizer["model"]["merges"]
    del merges[len(merges) // 4 :]


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "model byte": (_flip_byte, "model.onnx is not the file"),
    "model byte, digest made anew": (_flip_byte_and_digest, "the model answers .* otherwise"),
    "tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{}") and None,
        "tokenizer.json is not the file",
    ),
    "tokenizer, digest made anew": (
        altered("tokenizer.json", _word_gone),
        "the tokenizer reads .* otherwise",
    ),
    "labels": (altered(BUNDLE_FILE, lambda about: about["labels"].reverse()), "the labels are not those of"),
    "labels in both places": (_swap_labels, "the labels are swapped"),
    "golden file": (
        lambda folder: (folder / "golden.json").write_text("{}") and None,
        "golden.json is not the file",
    ),
    "instruction set": (_under("instruction_set", "avx2"), "instruction set was avx2"),
    "runtime version": (_under("onnxruntime", "1.2.3"), r"onnxruntime was 1\.2\.3"),
    "external data": (_external, "weights in another file"),
    "link": (_link, "model.onnx is a link"),
    "a file more": (lambda folder: (folder / "more.py").write_text("") and None, "more.py .* none of"),
    "a file less": (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_tampered_with_is_named_before_the_port_opens(
    int8_bundle: Path, tmp_path: Path, what: str, free_port: int
) -> None:
    tamper, named = TAMPERINGS[what]
    folder = tmp_path / "bundle"
    shutil.copytree(int8_bundle, folder)
    tamper(folder)
    found = encore("serve", folder, "--proof", "strict", "--port", free_port)
    assert (found.returncode, found.stdout) == (2, "")
    [line] = found.stderr.splitlines()
    with pytest.raises(UserError, match=named):
        raise UserError(line, where="stderr", cure="")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0
