"""Writing the FP32 and INT8 ONNX files; imports torch, onnx, onnxruntime and optimum inside the functions."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.by_torch import export_by_torch
from export.gpt2_files import is_gpt2, write_gpt2
from export.original import MODEL_FILE, Original
from host.model_folder import CONFIG

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto
    from torch import Tensor

RECIPE = (
    "dynamic INT8 (onnxruntime): weights int8 symmetric per channel, embeddings uint8 per tensor, "
    "activations uint8 per tensor at run time; products of two activations stay float32"
)

# Operators that only pass a weight on: what comes out is still the weight.
_PASSING_ON = frozenset({"Identity", "Transpose"})


def write_fp32(original: Original, _base: Path, folder: Path) -> None:
    """Export the model to `folder`/model.onnx beside its config and tokenizer."""
    if is_gpt2(original):
        write_gpt2(original, folder, None)
        return
    inputs = original.model.example_inputs()
    with _known_export_noise_silenced():
        if inputs is None:
            _write_by_optimum(original, folder)
        else:
            _write_by_torch(original, inputs, folder)


def _write_by_torch(original: Original, inputs: Mapping[str, Tensor], folder: Path) -> None:
    shutil.copytree(original.tokenizer, folder)
    shutil.copy(original.config, folder / CONFIG)
    export_by_torch(original.model.network, inputs, folder / MODEL_FILE)


def _write_by_optimum(original: Original, folder: Path) -> None:
    """Optimum's own validation is skipped: parity is measured on the whole scoring set instead of on
    one random input.
    """
    from optimum.exporters.onnx import onnx_export_from_model

    model: Any = original.model.network
    model.config.name_or_path = str(original.tokenizer)  # where optimum looks for one
    onnx_export_from_model(
        model,
        folder,
        task=original.task,
        monolith=True,
        do_validation=False,
        device="cpu",
    )


def opset_of(file: Path) -> int:
    """The version of ONNX's own operators that a model is written in."""
    import onnx

    exported = onnx.load(file, load_external_data=False)
    return next(entry.version for entry in exported.opset_import if entry.domain in {"", "ai.onnx"})


@contextlib.contextmanager
def _known_export_noise_silenced() -> Generator[None]:
    """Hide the tracer's remarks on code paths whose result the parity measurement checks.

    And optimum's below an error: it tells which initializers it found to be one tied weight, and
    that it stores them once is tested.
    """
    import torch
    from optimum.utils import logging as optimum_logging

    before = optimum_logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", message="Exporting aten::index operator", category=UserWarning)
        for start in ("You are using the legacy TorchScript", "The feature will be removed"):
            warnings.filterwarnings("ignore", message=start, category=DeprecationWarning)
        # optimum 2.1 keeps partials as class attributes; Python 3.13 tells what they will be one day.
        warnings.filterwarnings("ignore", message="functools.partial will be", category=FutureWarning)
        optimum_logging.set_verbosity_error()
        try:
            yield
        finally:
            optimum_logging.set_verbosity(before)


def write_int8(original: Original, fp32_folder: Path, folder: Path) -> None:
    """GPT-2 from its weights, in blocks; else quantize `fp32_folder`'s model into `folder`, with the same
    config and tokenizer beside it.

    Whatever is multiplied by a weight becomes INT8, and so do the embeddings. A head that reaches its
    MatMul as the transposed embedding counts as a weight (onnxruntime's own MatMulConstBOnly would
    leave it float32, and without Transpose in the list every call would dequantize and quantize the
    whole table again: four times slower); the products of two activations inside attention stay
    float32, which halves the changed answers.
    """
    if is_gpt2(original):
        write_gpt2(original, folder, 8)
        return
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shutil.copytree(fp32_folder, folder, ignore=shutil.ignore_patterns("*.onnx"))
    left_out = _activation_products(onnx.load(fp32_folder / MODEL_FILE, load_external_data=False))
    with _preprocessing_advice_silenced():
        quantize_dynamic(
            fp32_folder / MODEL_FILE,
            folder / MODEL_FILE,
            op_types_to_quantize=["MatMul", "Gemm", "Gather", "Transpose"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=left_out,
            extra_options={"MatMulConstBOnly": False},
        )


def _activation_products(model: ModelProto) -> list[str]:
    """Names of the MatMul nodes none of whose operands is a weight."""
    makers = {output: node for node in model.graph.node for output in node.output}
    weights = _weight_names(model.graph)
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and not any(_is_weight(name, makers, weights) for name in node.input)
    ]


def _weight_names(graph: GraphProto) -> frozenset[str]:
    return frozenset(initializer.name for initializer in graph.initializer)


def _is_weight(name: str, makers: dict[str, NodeProto], weights: frozenset[str]) -> bool:
    while name not in weights:
        maker = makers.get(name)
        if maker is None or maker.op_type not in _PASSING_ON:
            return False
        name = maker.input[0]
    return True


@contextlib.contextmanager
def _preprocessing_advice_silenced() -> Generator[None]:
    """Hide one line of advice on fusing the graph first, which gained nothing when measured.

    onnxruntime gives it through the root logger, where logging it would also install a handler.
    """

    def is_other_message(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Please consider to run pre-processing")

    root, handler = logging.getLogger(), logging.NullHandler()
    root.addFilter(is_other_message)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.removeFilter(is_other_message)
