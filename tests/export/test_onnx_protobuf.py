"""What is read of an ONNX file without loading it is what onnx itself reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from errors import UserError
from export.onnx_protobuf import external_tensor, inputs_of, opset_of


def written(file: Path, *opsets: tuple[str, int]) -> Path:
    weight = numpy_helper.from_array(np.ones(300, np.float32), "weight")
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, [300])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["weight"], ["out"])], "g", [], [output], [weight]
    )
    sets = [helper.make_opsetid(domain, version) for domain, version in opsets]
    onnx.save(helper.make_model(graph, opset_imports=sets), file)
    return file


@pytest.mark.parametrize(
    "opsets", [[("", 17)], [("com.microsoft", 1), ("", 300)], [("com.microsoft", 1), ("ai.onnx", 21)]]
)
def test_the_version_of_its_operators(tmp_path: Path, opsets: list[tuple[str, int]]) -> None:
    assert opset_of(written(tmp_path / "model.onnx", *opsets)) == opsets[-1][1]


def test_the_names_of_what_it_takes(tmp_path: Path) -> None:
    file = written(tmp_path / "model.onnx", ("", 17))
    assert inputs_of(file) == []
    model = onnx.load(file)
    names = ["input_ids", "second", "dritte"]
    model.graph.input.extend(helper.make_tensor_value_info(name, TensorProto.INT64, ["b"]) for name in names)
    onnx.save(model, file)
    assert inputs_of(file) == names


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07", b"\x42\x03\x0a\x01x", b"\x42\x00"])
def test_what_names_none_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(UserError, match="is no ONNX file"):
        opset_of(file)


def test_weights_in_another_file_are_found(tmp_path: Path) -> None:
    file = written(tmp_path / "model.onnx", ("", 17))
    assert external_tensor(file) is None
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="w.bin", size_threshold=10)
    assert external_tensor(file) == "weight"
