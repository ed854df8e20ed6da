"""Writing the FP32 ONNX file; imports torch, onnx and optimum inside the functions."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.by_torch import export_by_torch
from export.gpt2_files import is_gpt2, write_gpt2
from export.linear_graph import linear_graph
from export.lstm_graph import lstm_graph
from export.original import MODEL_FILE, Original
from host.model_folder import CONFIG

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import Tensor

    from export.materials import Materials


def write_fp32(original: Original, _: Materials, folder: Path) -> None:
    """Export the model to `folder`/model.onnx beside its config and tokenizer."""
    if is_gpt2(original):
        write_gpt2(original, folder, None)
        return
    drawn = _drawn(original.model.network)
    if drawn is not None:
        _files_beside(original, folder)
        (folder / MODEL_FILE).write_bytes(drawn.SerializeToString(deterministic=True))
        return
    inputs = original.model.example_inputs()
    with _known_export_noise_silenced():
        if inputs is None:
            _write_by_optimum(original, folder)
        else:
            _write_by_torch(original, inputs, folder)


def _drawn(network: object) -> ModelProto | None:
    """The graph of a network of our own that is drawn node by node; none: an exporter writes it."""
    from lightning_modules.linear_network import LinearNetwork
    from lightning_modules.lstm_network import LstmNetwork

    if isinstance(network, LstmNetwork):
        return lstm_graph(network)
    return linear_graph(network) if isinstance(network, LinearNetwork) else None


def _files_beside(original: Original, folder: Path) -> None:
    shutil.copytree(original.tokenizer, folder)
    shutil.copy(original.config, folder / CONFIG)


def _write_by_torch(original: Original, inputs: Mapping[str, Tensor], folder: Path) -> None:
    _files_beside(original, folder)
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
        sequence_length=_example_tokens(original.model.positions),
    )


def _example_tokens(positions: int | None) -> int:
    """Of the text that the graph is traced with: optimum's own number, or as many as the model has positions for."""
    from optimum.utils import DEFAULT_DUMMY_SHAPES

    usual = int(DEFAULT_DUMMY_SHAPES["sequence_length"])
    return usual if positions is None else min(usual, positions)


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
