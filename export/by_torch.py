"""Any module from token ids to logits as ONNX, by the exporter of torch itself, which needs onnxscript."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def export_by_torch(network: nn.Module, inputs: Mapping[str, Tensor], path: Path) -> None:
    """`network`, in evaluation mode, with the inputs by name, each (batch, tokens), and the output `logits`.

    Batch and tokens may be of any number. One file; its shapes between the nodes are left out, since the quantizer
    takes what it finds there for what it makes.
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
