"""An exported language model read token by token, with what it computed before kept in its cache.

Shape legend: B rows asked for, T tokens of a prompt with its padding, V vocabulary; of one call to
onnxruntime: G rows, N new tokens, P positions of its past, H heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from errors import UserError
from export.onnx_files import MODEL_FILE
from export.session import PAST, PRESENT, empty_past, open_session, past_widths, positions, run_session
from host.model_folder import CONFIG, ModelFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Logits = NDArray[np.float32]


@dataclass(frozen=True)
class _Past:
    """What one call has read so far. Never changed in place, so two rows may share one."""

    mask_GP: Ids
    cache: Mapping[str, NDArray[np.float32]]  # (G, H, P, D) by the name of the input

    def rows(self, rows: Ids) -> _Past:
        """These rows, without the columns that are padding in all of them."""
        mask_GP = self.mask_GP[rows]
        first = int(mask_GP.any(axis=0).argmax())
        cache = {name: past_GHPD[rows, :, first:] for name, past_GHPD in self.cache.items()}
        return _Past(mask_GP[:, first:], cache)


class OnnxDecoder:
    """The exported language model in `folder`, on the CPU with `threads` intra-op threads.

    It satisfies this protocol, which `generation.sampling` defines:

        class Reader(Protocol):
            context_tokens: int                 # positions that the model has
            def read(self, ids_BT, mask_BT) -> logits_BV
                # begin anew with prompts padded on the LEFT; mask 1 on tokens, 0 on padding;
                # int64 numpy in, float32 numpy (B, V) out: logits after the last token of each row
            def next(self, ids_B) -> logits_BV  # one more token for every row
            def keep(self, rows) -> None        # from here on only these rows (int64 positions), in this order

    With `rows_apart` every row is read in a call of its own, without its padding. INT8 must be read so:
    dynamic quantization scales activations over the whole call (onnxruntime#10111), and a row would
    depend on its batch-mates. Apart, its logits are the same to the bit whatever stands beside it.
    For the same reason INT8 logits of a text read token by token are not those of the text read at
    once: other tokens share a scale. Together, as FP32 is read, rows agree with themselves alone to
    rounding.

    Arrays go in and come out as numpy: with four layers of 256, 8 rows and 100 tokens of past, IOBinding
    and OrtValues took 1 to 10 % longer per step; rows read apart side by side on two cores gained nothing.

    Raises UserError if onnxruntime cannot read the model, or it was exported without a key/value cache, or
    the config beside it does not say how many positions there are.
    """

    def __init__(self, folder: Path, *, threads: int, rows_apart: bool) -> None:
        self._path = path = folder / MODEL_FILE
        self._session = open_session(path, threads=threads)
        self._widths = past_widths(self._session)
        if not self._widths:
            raise UserError(
                "it was exported without a key/value cache, by an earlier version, and cannot decode",
                where=str(path),
                cure="Export the run again: `encore export ID`.",
            )
        self._outputs = ["logits", *(PRESENT + name.removeprefix(PAST) for name in self._widths)]
        self._rows_apart = rows_apart
        self._pasts: list[_Past] = []  # one for each call
        self.context_tokens = _context_tokens(folder)

    def read(self, ids_BT: Ids, mask_BT: Ids) -> Logits:
        """Begin anew with B prompts; returns the logits (B, V) after the last token of each.

        `ids_BT` int64, padded on the left; `mask_BT` int64, 1 on tokens and 0 on padding; a row has at
        least one token and at most `context_tokens`. Rows read together cost B x T x V floats of memory
        for a moment, since the model answers at every token.
        """
        assert ids_BT.shape == mask_BT.shape
        assert mask_BT[:, -1].all(), "a row has no token, or its padding is not on the left"
        assert (np.diff(mask_BT, axis=1) >= 0).all(), "padding is on the left"
        if self._rows_apart:
            tokens = [ids_T[mask_T == 1][None] for ids_T, mask_T in zip(ids_BT, mask_BT, strict=True)]
            calls = [(ids_GN, np.ones_like(ids_GN)) for ids_GN in tokens]
        else:
            calls = [(ids_BT, mask_BT)]
        self._pasts = [self._nothing_read(len(ids_GN)) for ids_GN, _ in calls]
        return self._read_on(calls)

    def next(self, ids_B: Ids) -> Logits:
        """Read one more token, int64 (B,), in every row; returns the logits (B, V) after it."""
        assert len(ids_B) == sum(len(past.mask_GP) for past in self._pasts) > 0
        ids_B1 = ids_B[:, None]
        calls = [ids_B1[row : row + 1] for row in range(len(ids_B))] if self._rows_apart else [ids_B1]
        return self._read_on([(ids_GN, np.ones_like(ids_GN)) for ids_GN in calls])

    def keep(self, rows: Ids) -> None:
        """Go on with these rows only, int64 positions among the present ones, in this order.

        A row that is named twice goes on as two.
        """
        if self._rows_apart:
            self._pasts = [self._pasts[row] for row in rows]
        else:
            self._pasts = [past.rows(rows) for past in self._pasts]

    def _nothing_read(self, rows: int) -> _Past:
        return _Past(np.zeros((rows, 0), np.int64), empty_past(self._widths, rows))

    def _read_on(self, calls: list[tuple[Ids, Ids]]) -> Logits:
        answers = [self._call(past, *new) for past, new in zip(self._pasts, calls, strict=True)]
        self._pasts = [past for past, _ in answers]
        return np.concatenate([logits_GV for _, logits_GV in answers])

    def _call(self, past: _Past, ids_GN: Ids, mask_GN: Ids) -> tuple[_Past, Logits]:
        mask_GP = np.concatenate([past.mask_GP, mask_GN], axis=1)
        assert mask_GP.sum(axis=1).max() <= self.context_tokens, "longer than the model's positions"
        feeds = {
            "input_ids": ids_GN,
            "attention_mask": mask_GP,
            "position_ids": positions(mask_GP)[:, -ids_GN.shape[1] :],
            **past.cache,
        }
        logits_GNV, *present = run_session(self._session, self._path, self._outputs, feeds)
        return _Past(mask_GP, dict(zip(past.cache, present, strict=True))), logits_GNV[:, -1]


def _context_tokens(folder: Path) -> int:
    exported = ModelFolder(folder, where=str(folder), cure="Export the run again: `encore export ID`.")
    config = exported.table(CONFIG)
    found = config.get("n_positions", config.get("max_position_embeddings"))
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise exported.refused(f"{CONFIG} does not say how many positions the model has ({found!r:.40})")
    return found
