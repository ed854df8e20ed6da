"""What somebody may do to a bundle, with and without making its digests anew, and that it is named."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from export.bundle_file import BUNDLE_FILE, FILES
from host.files import file_digest
from runs.bundling import bundle_of
from runs.files import RunFiles
from tests.processes import inside


def check_named(bundle: Path, folder: Path, tamper: Callable[[Path], None], named: str) -> None:
    """A copy of the bundle that was tampered with is not served, and one line says why."""
    shutil.copytree(bundle, folder)
    tamper(folder)
    assert re.search(named, refused(folder, "--proof", "strict"))


def refused(named: object, *options: object) -> str:
    """The one line that `encore serve` ends with in this process, before a server of it listens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.serving.serve", _served)
        found = inside("serve", named, "--port", "0", *options)
    assert (found.returncode, found.stdout) == (2, ""), found.stderr
    [line] = found.stderr.splitlines()
    return line


def _served(*_: object, **__: object) -> None:
    raise AssertionError("it is served")


def check_made_again(run: RunFiles, bundle: Path, folder: Path) -> None:
    """The run's INT8 bundle is written into `folder` with the same bytes."""
    bundle_of(run, "int8", folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted([BUNDLE_FILE, *FILES])
    for name in names:
        assert (folder / name).read_bytes() == (bundle / name).read_bytes()


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


def flip_byte(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def flip_byte_and_digest(folder: Path, name: str = "classifier.bias", byte: int = 0) -> None:
    """One bit of a tensor's first number, whose lowest byte is 0."""
    model = onnx.load(folder / "model.onnx")
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    content = bytearray(tensor.raw_data)
    content[byte] ^= 1
    tensor.raw_data = bytes(content)
    onnx.save(model, folder / "model.onnx")
    digest_anew(folder, "model.onnx")


def swap_labels(folder: Path) -> None:
    def swap_names(config: dict[str, Any]) -> None:
        config["id2label"] = {"0": "positive", "1": "negative"}

    altered("config.json", swap_names)(folder)
    altered(BUNDLE_FILE, lambda about: about["labels"].reverse())(folder)


def external(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=10)
    (folder / "w.bin").rename(folder.parent / "w.bin")
    digest_anew(folder, "model.onnx")


def link(folder: Path) -> None:
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def under(key: str, value: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        def set_it(content: dict[str, Any]) -> None:
            content["under"][key] = value

        altered("golden.json", set_it)(folder)
        altered(BUNDLE_FILE, set_it)(folder)

    return change


def word_gone(tokenizer: dict[str, Any]) -> None:
    merges = tokenizer["model"]["merges"]
    del merges[len(merges) // 4 :]


OF_ANY: dict[str, tuple[Callable[[Path], None], str]] = {
    "instruction set": (under("instruction_set", "avx2"), "instruction set was avx2"),
    "runtime version": (under("onnxruntime", "1.2.3"), r"onnxruntime was 1\.2\.3"),
    "external data": (external, "weights in another file"),
    "link": (link, "model.onnx is a link"),
    "a file more": (lambda folder: (folder / "more.py").write_text("") and None, "more.py .* none of"),
    "a file less": (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
}
"""What is done to any bundle, and how it is named."""
