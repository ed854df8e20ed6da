"""Any module from token ids to logits as ONNX, by the exporter of torch itself, which needs onnxscript."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from errors import LibraryError
from export.session import new_session
from host.boundary import boundary

if TYPE_CHECKING:
    from torch import Tensor, nn

_FIXED = "torch's exporter wrote it for the number of rows and tokens of its example alone"
_CURE = "Write its graph node by node, as export/lstm_graph.py does."
_TOLERANCE = 1e-3  # how near its logits are is measured on texts


def export_by_torch(network: nn.Module, inputs: Mapping[str, Tensor], path: Path) -> None:
    """`network`, in evaluation mode, with the inputs by name, each (batch, tokens), and the output `logits`.

    Batch and tokens may be of any number. One file; its shapes between the nodes are left out, since the quantizer
    takes what it finds there for what it makes. LibraryError where the file answers for the example's numbers alone:
    so it is with an LSTM, every time but the first in a process.
    """
    import onnx
    import torch

    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    # Two rows: what has one in the example is taken for a 1 that is always so.
    examples = {name: example.expand(2, -1).contiguous() for name, example in inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on code paths of libraries; the result's parity is measured
        program = torch.onnx.export(
            network,
            (),
            kwargs=examples,
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes={name: {0: batch, 1: tokens} for name in inputs},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    del model.graph.value_info[:]
    onnx.save(model, path)
    _check_other_numbers(network, inputs, path)


def _check_other_numbers(network: nn.Module, inputs: Mapping[str, Tensor], path: Path) -> None:
    """Ask both three rows of more tokens."""
    import torch

    where = f"the export of {type(network).__name__}"
    more = {name: example.repeat(3, 3)[:, : 2 * example.shape[1] + 1] for name, example in inputs.items()}
    with torch.inference_mode():
        expected = network(**more)
    with boundary(_FIXED, where=where, cure=_CURE):
        [found] = new_session(path, threads=1).run(
            ["logits"], {name: ids.numpy() for name, ids in more.items()}
        )
    logits = torch.from_numpy(found)
    if logits.shape != expected.shape or not torch.allclose(
        logits, expected, atol=_TOLERANCE, rtol=_TOLERANCE
    ):
        raise LibraryError(_FIXED, where=where, cure=_CURE)
