"""Texts that come and go while others are read on: what a server decodes with.

Shape legend: V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from export.decoding_rows import DecodingModel, Logits


class Streams:
    """Up to `most` streams over one exported language model (continuous batching: Yu et al. 2022, Orca).

        streams = Streams(DecodingModel(folder, threads=2, rows_apart=False), most=8)
        story, logits_V = streams.join(prompt_ids)         # at any moment while `free` is not 0
        answers = streams.step({story: next_id, other: its_next_id})
        streams.leave(story)                               # its place is free again

    `step` reads one token of every stream in one call of the model; which token is for the caller to draw from the
    logits (float32 (V,)), each stream's own. A stream's logits are, to the bit, those that it has alone, whoever joins,
    leaves or stands beside it: unless `rows_apart` was chosen this holds for a variant that was measured as
    batch-invariant. `join` costs a call of its own, as long as its prompt; the others wait for it.

    Not to be used by two threads at once.
    """

    def __init__(self, model: DecodingModel, *, most: int) -> None:
        self._rows = model.rows(most)
        self._names: list[int] = []  # of the stream in each row
        self._joined = 0
        self.context_tokens = model.context_tokens

    @property
    def free(self) -> int:
        """How many may still join."""
        return self._rows.most - len(self._names)

    def tokens(self, stream: int) -> int:
        """How many it has read; `context_tokens` at most, after which it has to leave."""
        return int(self._rows.lengths[self._names.index(stream)])

    def join(self, ids: Sequence[int]) -> tuple[int, Logits]:
        """Read a prompt of at least one token; the new stream's name, and the logits after its last token."""
        logits_V = self._rows.append(ids)
        self._joined += 1
        self._names.append(self._joined)
        return self._joined, logits_V

    def step(self, tokens: Mapping[int, int]) -> dict[int, Logits]:
        """Read the next token of every stream, none left out; the logits after it, by stream."""
        assert tokens.keys() == set(self._names), "every stream that has joined reads a token"
        logits_RV = self._rows.step(np.array([tokens[name] for name in self._names], np.int64))
        return dict(zip(self._names, logits_RV, strict=True))

    def leave(self, stream: int) -> None:
        """Its row is taken by the last one, so one row at most is copied."""
        rows = list(range(len(self._names)))
        rows[self._names.index(stream)] = rows[-1]
        rows.pop()
        self._rows.keep(np.array(rows, np.int64))
        self._names = [self._names[row] for row in rows]
