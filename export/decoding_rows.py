"""Texts of different lengths that one exported language model reads on together, token by token.

Shape legend: R rows, N new tokens, H heads, P positions of the model, K width of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import UserError
from export.gpt2_graph import LAST_ONLY
from export.original import MODEL_FILE
from export.session import PAST, PRESENT, open_session, past_widths
from host.boundary import boundary
from host.model_folder import CONFIG, ModelFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession, IOBinding

    Ids = NDArray[np.int64]
    Logits = NDArray[np.float32]

_AGAIN = "Export the run again: `encore export ID`."


class DecodingModel:
    """The exported language model in `folder`, on the CPU with `threads` intra-op threads.

    rows_apart: read each row in a call of its own. It is for a variant whose rows were measured to depend on each
    other here; all others read one token of every row in one call, in which a row's logits are to the bit those that
    it has alone: weights are scaled by block of a row, attention knows each row's own length.

    Raises UserError if onnxruntime cannot read the model, if it was exported by an earlier version, whose cache cannot
    be written in place, or if the config beside it does not say how many positions there are.
    """

    def __init__(self, folder: Path, *, threads: int, rows_apart: bool) -> None:
        self.path = folder / MODEL_FILE
        self.rows_apart = rows_apart
        self.session = open_session(self.path, threads=threads)
        self.widths = past_widths(self.session)
        if not _in_place(self.session):
            without = "without a key/value cache that is written in place"
            raise UserError(
                f"it was exported {without}, by an earlier version, and cannot decode",
                where=str(self.path),
                cure=_AGAIN,
            )
        self.context_tokens = _context_tokens(folder)
        self.vocabulary = int(self.session.get_outputs()[0].shape[-1])

    def rows(self, most: int) -> DecodingRows:
        """Room for so many rows, of which none has read anything."""
        return DecodingRows(self, most)


class DecodingRows:
    """Up to `most` rows with their keys and values, row 0 first; they grow to the model's positions.

    The cache lies in one place and is written there by the model: room that no row has reached costs address space,
    not memory. Not to be used by two threads at once.
    """

    def __init__(self, model: DecodingModel, most: int) -> None:
        self._model = model
        self.most = most
        self.lengths = np.zeros(0, np.int64)
        self._caches = {
            name: np.empty((most, heads, model.context_tokens, width), np.float32)
            for name, (heads, width) in model.widths.items()
        }

    def __len__(self) -> int:
        return len(self.lengths)

    def append(self, ids: Sequence[int]) -> Logits:
        """Read a new row; the logits (V,) after its last token.

        Alone, so that what it is does not depend on its company. There must be room for one, and at least one token.
        Where the model cannot be run there is no new row, and the others are what they were.
        """
        row = len(self.lengths)
        assert row < self.most, "there is no room"
        assert len(ids) > 0
        logits_V = self._call(row, np.array([ids], np.int64), np.zeros(1, np.int64))[0]
        self.lengths = np.append(self.lengths, len(ids))
        return logits_V

    def step(self, ids_R: Ids) -> Logits:
        """Read one more token in every row, int64 (R,); the logits (R, V) after it."""
        assert len(ids_R) == len(self.lengths) > 0
        ids_R1 = np.ascontiguousarray(ids_R[:, None])
        parts = (
            [slice(row, row + 1) for row in range(len(ids_R))] if self._model.rows_apart else [slice(None)]
        )
        read = [self._call(part.start or 0, ids_R1[part], self.lengths[part]) for part in parts]
        self.lengths = self.lengths + 1
        return read[0] if len(read) == 1 else np.concatenate(read)

    def keep(self, rows: Ids) -> None:
        """Go on with these rows only, in this order; one that is named twice goes on as two.

        What is moved is copied: as many positions as the row has.
        """
        assert len(rows) <= self.most
        lengths = self.lengths[rows]
        moves = [(place, int(row)) for place, row in enumerate(rows) if place != row]
        in_turn = not any(
            row in {before for before, _ in moves[:turn]} for turn, (_, row) in enumerate(moves)
        )
        for cache in self._caches.values():
            source = cache if in_turn else cache[: len(self), :, : self.lengths.max()].copy()
            for place, row in moves:
                cache[place, :, : lengths[place]] = source[row, :, : lengths[place]]
        self.lengths = lengths

    def _call(self, begin: int, ids_RN: Ids, lengths_R: Ids) -> Logits:
        """Read new tokens in the rows from `begin` on, which have read so many; the logits (R, V) after the last."""
        rows, new = ids_RN.shape
        totals_R = lengths_R + new
        assert totals_R.max() <= self._model.context_tokens, "longer than the model's positions"
        logits_R1V = np.empty((rows, 1, self._model.vocabulary), np.float32)
        feeds = {
            "input_ids": ids_RN,
            "attention_mask": (np.arange(totals_R.max()) < totals_R[:, None]).astype(np.int64),
            "position_ids": totals_R[:, None] - new + np.arange(new),
            LAST_ONLY: np.ones(1, np.int64),
        }
        with boundary("onnxruntime cannot run it", where=str(self._model.path), cure=_AGAIN):
            binding = self._model.session.io_binding()
            for name, array in feeds.items():
                _bind(binding.bind_input, name, array)
            _bind(binding.bind_output, "logits", logits_R1V)
            self._bind_caches(binding, begin, rows)
            self._model.session.run_with_iobinding(binding)
        return logits_R1V[:, 0]

    def _bind_caches(self, binding: IOBinding, begin: int, rows: int) -> None:
        for name, cache in self._caches.items():
            part = cache[begin : begin + rows]
            _bind(binding.bind_input, name, part)
            _bind(binding.bind_output, PRESENT + name.removeprefix(PAST), part)


def decodes(folder: Path) -> bool:
    """Whether the model in `folder` is one that a `DecodingModel` can be made of. UserError for none at all."""
    return _in_place(open_session(folder / MODEL_FILE, threads=1))


def _in_place(session: InferenceSession) -> bool:
    return LAST_ONLY in {entry.name for entry in session.get_overridable_initializers()}


def _bind(bind: Any, name: str, array: NDArray[Any]) -> None:
    """To the memory of the array, which must outlive the call."""
    assert array.flags.c_contiguous
    bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)


def _context_tokens(folder: Path) -> int:
    exported = ModelFolder(folder, where=str(folder), cure=_AGAIN)
    config = exported.table(CONFIG)
    found = config.get("n_positions", config.get("max_position_embeddings"))
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise exported.refused(f"{CONFIG} does not say how many positions the model has ({found!r:.40})")
    return found
