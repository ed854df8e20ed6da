"""GPT-2 in torch as a reader with a key/value cache.

Legend: B stories, T tokens read so far, V vocabulary, H heads, K width of a head.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import DynamicCache, GPT2LMHeadModel

    from lightning_modules.decoding import Ids, Logits


class TorchReader:
    """`model` in evaluation mode; see `decoding.Reader`."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self.model = model
        self.context_tokens = int(model.config.n_positions)
        self._cache: DynamicCache | None = None
        self._mask_BT = torch.zeros((0, 0))
        self._positions_B = torch.zeros(0)

    def read(self, ids_BT: Ids, mask_BT: Ids) -> Logits:
        from transformers import DynamicCache

        self._cache = DynamicCache()
        device = self.model.device
        self._mask_BT = torch.from_numpy(mask_BT).to(device)
        positions_BT = (self._mask_BT.cumsum(1) - 1).clamp(min=0)
        self._positions_B = positions_BT[:, -1]
        return self._logits(torch.from_numpy(ids_BT).to(device), positions_BT)

    def next(self, ids_B: Ids) -> Logits:
        self._mask_BT = torch.nn.functional.pad(self._mask_BT, (0, 1), value=1)
        self._positions_B = self._positions_B + 1
        ids = torch.from_numpy(ids_B).to(self.model.device)
        return self._logits(ids[:, None], self._positions_B[:, None])

    def keep(self, rows: Ids) -> None:
        assert self._cache is not None
        kept = torch.from_numpy(rows).to(self.model.device)
        self._cache.batch_select_indices(kept)
        self._mask_BT, self._positions_B = self._mask_BT[kept], self._positions_B[kept]

    def _logits(self, ids_BT: torch.Tensor, positions_BT: torch.Tensor) -> Logits:
        assert not self.model.training
        with torch.inference_mode():
            found = self.model(
                input_ids=ids_BT,
                attention_mask=None if bool(self._mask_BT.all()) else self._mask_BT,
                position_ids=positions_BT,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            return found.logits[:, -1].float().cpu().numpy()


@contextmanager
def reading(model: GPT2LMHeadModel) -> Generator[TorchReader]:
    """A reader of a model that is being trained, which it goes on with afterwards as before."""
    training = model.training
    model.eval()
    try:
        yield TorchReader(model)
    finally:
        model.train(training)
