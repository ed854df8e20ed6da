"""An exported language model as the `Reader` of `generation.sampling`.

Shape legend: B rows, T tokens of a prompt with its padding, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.decoding_rows import DecodingModel

if TYPE_CHECKING:
    from export.decoding_rows import Ids, Logits


class OnnxDecoder:
    """The exported language model in `folder`; see `DecodingModel` for the options and what is refused.

    It satisfies this protocol, which `generation.sampling` defines:

        class Reader(Protocol):
            context_tokens: int                 # positions that the model has
            def read(self, ids_BT, mask_BT) -> logits_BV
                # begin anew with prompts padded on the LEFT; mask 1 on tokens, 0 on padding;
                # int64 numpy in, float32 numpy (B, V) out: logits after the last token of each row
            def next(self, ids_B) -> logits_BV  # one more token for every row
            def keep(self, rows) -> None        # from here on only these rows (int64 positions), in this order

    Prompts are read one by one and without their padding. The logits of a row are the same to the bit whatever stands
    beside it; those of a text read token by token are those of the text read at once to rounding, which INT8 and
    INT4 enlarge.
    """

    def __init__(self, folder: Path, *, threads: int, rows_apart: bool) -> None:
        self._model = DecodingModel(folder, threads=threads, rows_apart=rows_apart)
        self._rows = self._model.rows(0)
        self.context_tokens = self._model.context_tokens

    def read(self, ids_BT: Ids, mask_BT: Ids) -> Logits:
        """Begin anew with B prompts; returns the logits (B, V) after the last token of each.

        `ids_BT` int64, padded on the left; `mask_BT` int64, 1 on tokens and 0 on padding; a row has at
        least one token and at most `context_tokens`.
        """
        assert ids_BT.shape == mask_BT.shape
        assert mask_BT[:, -1].all(), "a row has no token, or its padding is not on the left"
        assert (np.diff(mask_BT, axis=1) >= 0).all(), "padding is on the left"
        self._rows = self._model.rows(len(ids_BT))
        prompts = [ids_T[mask_T == 1].tolist() for ids_T, mask_T in zip(ids_BT, mask_BT, strict=True)]
        return np.stack([self._rows.append(ids) for ids in prompts])

    def next(self, ids_B: Ids) -> Logits:
        """Read one more token, int64 (B,), in every row; returns the logits (B, V) after it."""
        return self._rows.step(ids_B)

    def keep(self, rows: Ids) -> None:
        """Go on with these rows only, int64 positions among the present ones, in this order.

        A row that is named twice goes on as two, within the number of prompts.
        """
        self._rows.keep(rows)
