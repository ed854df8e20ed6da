"""GPT-2 in torch as a reader with a key/value cache.

One token of a small model is little work, most of which the library spends around it: masks, cache objects, copies of
all that was read. So its modules are called here in their order, over a cache with room to grow; a test holds the
logits to those of the library.

Legend: B stories, T tokens of a call, S tokens read so far, V vocabulary, D width, H heads, K width of a head.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

    from generation.sampling import Ids, Logits

_ROOM = 64  # tokens that a new cache has room for beyond the prompts


class TorchReader:
    """`model` in evaluation mode; see `decoding.Reader`."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        assert not model.training
        self.model = model
        self.context_tokens = int(model.config.n_positions)
        self._keys: list[torch.Tensor] = []  # of each block, (B, H, room, K)
        self._values: list[torch.Tensor] = []
        self._read_BS = torch.zeros((0, 0), dtype=torch.bool)  # where tokens are, and no padding

    @torch.inference_mode()
    def read(self, ids_BT: Ids, mask_BT: Ids) -> Logits:
        ids, mask = (torch.from_numpy(array).to(self.model.device) for array in (ids_BT, mask_BT))
        self._keys, self._values = [], []
        self._read_BS = mask.bool()
        positions_BT = (mask.cumsum(1) - 1).clamp(min=0)
        past_TT = torch.ones_like(self._read_BS[0]).expand(len(mask[0]), -1).tril()
        own_TT = torch.eye(len(mask[0]), dtype=torch.bool, device=mask.device)  # padding too sees something
        seen_B1TT = (past_TT & self._read_BS[:, None, :] | own_TT)[:, None]
        return self._logits(ids, positions_BT, seen_B1TT)

    @torch.inference_mode()
    def next(self, ids_B: Ids) -> Logits:
        ids = torch.from_numpy(ids_B).to(self.model.device)
        positions_B = self._read_BS.sum(1)
        self._read_BS = F.pad(self._read_BS, (0, 1), value=True)
        return self._logits(ids[:, None], positions_B[:, None], self._read_BS[:, None, None, :])

    @torch.inference_mode()
    def keep(self, rows: Ids) -> None:
        kept = torch.from_numpy(rows).to(self.model.device)
        self._read_BS = self._read_BS[kept]
        self._keys = [keys[kept] for keys in self._keys]
        self._values = [values[kept] for values in self._values]

    def _logits(self, ids_BT: torch.Tensor, positions_BT: torch.Tensor, seen: torch.Tensor) -> Logits:
        transformer = self.model.transformer
        hidden_BTD = transformer.wte(ids_BT) + transformer.wpe(positions_BT)
        for number, block in enumerate(transformer.h):
            hidden_BTD = self._block(block, number, hidden_BTD, seen)
        last_BD = transformer.ln_f(hidden_BTD[:, -1])
        return self.model.lm_head(last_BD).float().cpu().numpy()

    def _block(self, block: Any, number: int, hidden_BTD: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        attention = block.attn
        query, key, value = attention.c_attn(block.ln_1(hidden_BTD)).split(hidden_BTD.shape[-1], dim=2)
        query, key, value = (
            x.unflatten(2, (attention.num_heads, -1)).transpose(1, 2) for x in (query, key, value)
        )
        keys = self._remembered(self._keys, number, key)
        values = self._remembered(self._values, number, value)
        mixed_BHTK = F.scaled_dot_product_attention(query, keys, values, attn_mask=seen)
        hidden_BTD = hidden_BTD + attention.c_proj(mixed_BHTK.transpose(1, 2).flatten(2))
        return hidden_BTD + block.mlp(block.ln_2(hidden_BTD))

    def _remembered(self, cache: list[torch.Tensor], number: int, new_BHTK: torch.Tensor) -> torch.Tensor:
        """(B, H, S, K): what block `number` had and has now got."""
        end = self._read_BS.shape[1]
        begin = end - new_BHTK.shape[2]
        if number == len(cache):
            cache.append(new_BHTK.new_zeros((*new_BHTK.shape[:2], end + _ROOM, new_BHTK.shape[3])))
        if cache[number].shape[2] < end:
            cache[number] = F.pad(cache[number], (0, 0, 0, end))
        cache[number][:, :, begin:end] = new_BHTK
        return cache[number][:, :, :end]


@contextmanager
def reading(model: GPT2LMHeadModel) -> Generator[TorchReader]:
    """A reader of a model that is being trained, which it goes on with afterwards as before."""
    training = model.training
    model.eval()
    try:
        yield TorchReader(model)
    finally:
        model.train(training)
