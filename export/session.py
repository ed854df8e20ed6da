"""One exported variant, loaded and ready to answer; imports onnxruntime inside the functions.

Shape legend: B batch, L tokens, C classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from export.onnx_files import MODEL_FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

_PROVIDER = "CPUExecutionProvider"


class OnnxModel:
    """An exported folder on the CPU with a stated number of intra-op threads.

    Raises UserError if the folder holds no model or onnxruntime cannot read it.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        import onnxruntime
        from onnxruntime.capi import (
            onnxruntime_pybind11_state as status,  # pyright: ignore[reportAttributeAccessIssue]
        )

        self.path = folder / MODEL_FILE
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(self.path, options, providers=[_PROVIDER])
        except (
            status.NoSuchFile,
            status.InvalidProtobuf,
            status.InvalidGraph,
            status.InvalidArgument,
            status.Fail,
        ) as error:
            raise UserError(
                f"onnxruntime cannot load it ({str(error).splitlines()[0]})",
                where=str(self.path),
                cure="Export the run again.",
            ) from error
        self._input_names = frozenset(entry.name for entry in self._session.get_inputs())

    def logits(self, ids_BL: NDArray[np.int64], mask_BL: NDArray[np.int64] | None = None) -> Logits:
        """(B, C) for a classifier, (B, L, V) for a language model.

        `mask_BL` is 1 on tokens and 0 on padding; None means no padding. Mind that a dynamically
        quantized model scales its activations over the whole batch, padding included
        (onnxruntime#10111): its answer to one text depends on the company it is asked in.
        """
        import numpy as np

        mask = np.ones_like(ids_BL) if mask_BL is None else mask_BL
        feeds = {
            "input_ids": ids_BL,
            "attention_mask": mask,
            "position_ids": np.maximum(mask.cumsum(axis=1) - 1, 0),
        }
        wanted = {name: array for name, array in feeds.items() if name in self._input_names}
        return np.asarray(self._session.run(["logits"], wanted)[0])

    def predict(self, input_ids: Sequence[Sequence[int]], *, batch_size: int = 1) -> list[Logits]:
        """The logits of each text, (C,) or (L, V), in the order given; texts are never padded.

        Only texts of equal length share a batch, at most `batch_size` of them.
        """
        answers: dict[int, Logits] = {}
        for indices, ids_BL in equal_length_batches(input_ids, batch_size=batch_size):
            answers.update(zip(indices, self.logits(ids_BL), strict=True))
        return [answers[index] for index in range(len(input_ids))]


def equal_length_batches(
    input_ids: Sequence[Sequence[int]], *, batch_size: int
) -> Iterator[tuple[list[int], NDArray[np.int64]]]:
    """Batches without padding: positions in `input_ids` with their ids (B, L), shortest texts first."""
    import numpy as np

    order = sorted(range(len(input_ids)), key=lambda index: len(input_ids[index]))
    start = 0
    while start < len(order):
        length = len(input_ids[order[start]])
        batch = [index for index in order[start : start + batch_size] if len(input_ids[index]) == length]
        yield batch, np.asarray([input_ids[index] for index in batch], dtype=np.int64)
        start += len(batch)
