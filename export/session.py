"""One exported variant, loaded and ready to answer; imports onnxruntime inside the functions.

Shape legend: B batch, L tokens, C classes, V vocabulary, H heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.original import MODEL_FILE
from host.boundary import boundary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

    Logits = NDArray[np.float32]

MASK, _POSITIONS = "attention_mask", "position_ids"
PAST, PRESENT = "past_key_values.", "present."  # what optimum's names of the cache begin with, in and out
_PROVIDER = "CPUExecutionProvider"
_ERRORS_ONLY = 3
_AGAIN = "Export the run again: `encore export ID`."


class OnnxModel:
    """An exported folder on the CPU with a stated number of intra-op threads.

    drawn: a model that stands in memory alone, instead of the folder's. Raises UserError if the folder holds no model
    or onnxruntime cannot read it.
    """

    def __init__(self, folder: Path, *, threads: int, drawn: bytes | None = None) -> None:
        self.path = folder / MODEL_FILE
        self._session = open_session(self.path, threads=threads, drawn=drawn)
        self._input_names = frozenset(entry.name for entry in self._session.get_inputs())
        self._past_widths = past_widths(self._session)

    def logits(self, ids_BL: NDArray[np.int64], mask_BL: NDArray[np.int64] | None = None) -> Logits:
        """(B, C) for a classifier, (B, L, V) for a language model.

        `mask_BL` is 1 on tokens and 0 on padding; None means no padding. Mind that a dynamically
        quantized model scales its activations over the whole batch, padding included
        (onnxruntime#10111): its answer to one text depends on the company it is asked in.
        Nothing is kept from call to call; `decoding_rows.DecodingModel` does that.
        """
        import numpy as np

        feeds = {"input_ids": ids_BL, **empty_past(self._past_widths, len(ids_BL))}
        mask = np.ones_like(ids_BL) if mask_BL is None else mask_BL
        if MASK in self._input_names:
            feeds[MASK] = mask
        if _POSITIONS in self._input_names:
            feeds[_POSITIONS] = positions(mask)
        return run_session(self._session, self.path, ["logits"], feeds)[0]


def open_session(path: Path, *, threads: int, drawn: bytes | None = None) -> InferenceSession:
    """The model at `path`, or the one drawn for it, on the CPU, with `threads` intra-op threads.

    Raises UserError if there is no such file or onnxruntime cannot read it.
    """
    with boundary("onnxruntime cannot load it", where=str(path), cure=_AGAIN):
        return new_session(path if drawn is None else drawn, threads=threads)


def new_session(model: Path | bytes, *, threads: int) -> InferenceSession:
    """Of a file, or of a model that stands in memory alone. Raises whatever onnxruntime does."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY  # it warns of an input that has a default
    return onnxruntime.InferenceSession(model, options, providers=[_PROVIDER])


def run_session(
    session: InferenceSession, path: Path, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.generic]]
) -> list[Any]:
    """What the model at `path` answers, in the order of `outputs`. UserError if onnxruntime cannot run it."""
    with boundary("onnxruntime cannot run it", where=str(path), cure=_AGAIN):
        return session.run(outputs, feeds)  # type: ignore[arg-type]


def positions(mask_BL: NDArray[np.int64]) -> NDArray[np.int64]:
    """(B, L), counted from each row's first token; 0 on the padding before it."""
    import numpy as np

    return np.maximum(mask_BL.cumsum(axis=1) - 1, 0)


def past_widths(session: InferenceSession) -> dict[str, tuple[int, int]]:
    """Heads and the width of each, by the name of the input; empty for a model without a key/value cache."""
    inputs = [entry for entry in session.get_inputs() if entry.name.startswith(PAST)]
    return {entry.name: (entry.shape[1], entry.shape[3]) for entry in inputs}


def empty_past(widths: Mapping[str, tuple[int, int]], rows: int) -> dict[str, NDArray[np.float32]]:
    """The cache (rows, H, 0, D) before the first token, by the name of the input."""
    import numpy as np

    return {name: np.zeros((rows, heads, 0, width), np.float32) for name, (heads, width) in widths.items()}


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
