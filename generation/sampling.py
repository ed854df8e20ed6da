"""Stories from a language model, token by token, each with a random generator of its own.

Legend: B stories, T tokens of the prompts, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from errors import RunError

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]


class Reader(Protocol):
    """A language model that remembers what it has read (a key/value cache)."""

    context_tokens: int
    """Positions that the model has."""

    def read(self, ids_BT: Ids, mask_BT: Ids) -> Logits:
        """Begin anew with prompts padded on the left (mask 0); logits (B, V) after the last token of each."""
        ...

    def next(self, ids_B: Ids) -> Logits:
        """One more token of every story; logits (B, V) after it."""
        ...

    def keep(self, rows: Ids) -> None:
        """From here on only the stories `rows`, in that order."""
        ...


@dataclass(frozen=True)
class Written:
    """Ids of a story, its prompt's first and without its end, and whether it came to one by itself."""

    ids: tuple[int, ...]
    ended: bool


def write(
    reader: Reader,
    prompts: Sequence[Sequence[int]],
    *,
    seeds: Sequence[tuple[int, int]],
    end: int,
    max_length: int,
    temperature: float,
    top_p: float,
    repetition_penalty: float,
) -> list[Written]:
    """Go on with each prompt until the end-of-text token `end`, or until it has `max_length` tokens, end included.

    What a story becomes depends on its prompt, its seed and the options; to the last bit of the logits also on
    the prompts beside it. Every story is opened by `end`, as those that the model learned from. The repetition
    penalty counts the tokens of the story alone: neither the opening nor padding makes its end less likely.
    """
    lengths = [len(prompt) for prompt in prompts]
    assert lengths, "no prompts"
    assert max(lengths) < max_length <= reader.context_tokens
    options = {"temperature": temperature, "top_p": top_p, "repetition_penalty": repetition_penalty}
    drafts = [
        Draft(prompt, seed, end=end, max_length=max_length, **options)
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    logits_BV = reader.read(*left_padded([[end, *prompt] for prompt in prompts], pad=end))
    going = drafts
    while True:
        for draft, logits_V in zip(going, logits_BV, strict=True):
            draft.take(logits_V)
        rows = [row for row, draft in enumerate(going) if draft.goes_on]
        if not rows:
            return [Written(tuple(draft.ids), draft.ended) for draft in drafts]
        if len(rows) < len(going):
            reader.keep(np.array(rows, np.int64))
        going = [going[row] for row in rows]
        logits_BV = reader.next(np.array([draft.ids[-1] for draft in going], np.int64))


class Draft:
    """A story while it is written: `ids`, its prompt's first, and whether it has `ended` by itself.

    Nothing of it depends on another story; see `write` for the options.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        seed: tuple[int, int],
        *,
        end: int,
        max_length: int,
        temperature: float,
        top_p: float,
        repetition_penalty: float,
    ) -> None:
        self.ids, self.ended = list(prompt), False
        self._end, self._max_length = end, max_length
        self._options = {"temperature": temperature, "top_p": top_p, "repetition_penalty": repetition_penalty}
        self._generator = np.random.Generator(np.random.PCG64(seed))
        self._seen_1V: NDArray[np.bool_] | None = None

    @property
    def goes_on(self) -> bool:
        return not self.ended and len(self.ids) < self._max_length

    def take(self, logits_V: Logits) -> None:
        """Draw the token after those that it has: its end, or one more."""
        if self._seen_1V is None:
            self._seen_1V = np.zeros((1, len(logits_V)), dtype=bool)
            self._seen_1V[0, self.ids] = True
        draw = np.array([self._generator.random()])
        token = int(next_tokens(logits_V[None], self._seen_1V, draw, **self._options)[0])
        if token == self._end:
            self.ended = True
            return
        self.ids.append(token)
        self._seen_1V[0, token] = True


def left_padded(prompts: Sequence[Sequence[int]], *, pad: int) -> tuple[Ids, Ids]:
    """ids_BT and mask_BT, int64, of prompts of different lengths, their last tokens in the last column."""
    longest = max(len(prompt) for prompt in prompts)
    ids_BT = np.full((len(prompts), longest), pad, dtype=np.int64)
    mask_BT = np.zeros_like(ids_BT)
    for row, prompt in enumerate(prompts):
        ids_BT[row, longest - len(prompt) :] = prompt
        mask_BT[row, longest - len(prompt) :] = 1
    return ids_BT, mask_BT


def next_tokens(
    logits_BV: Logits,
    seen_BV: NDArray[np.bool_],
    draws_B: NDArray[np.float64],
    *,
    temperature: float,
    top_p: float,
    repetition_penalty: float,
) -> Ids:
    """(B,) one token for each row, drawn by the number `draws_B` in [0, 1).

    repetition_penalty: logits of seen tokens are divided by it where positive, else multiplied (Keskar et al. 2019,
    arXiv 1909.05858). temperature divides all. top_p: of the likeliest tokens as many as together reach it
    (nucleus sampling, Holtzman et al. 2020, arXiv 1904.09751), at least one. RunError for logits that are not finite.
    """
    if not np.isfinite(logits_BV).all():
        raise RunError(
            "its logits are not finite",
            where="the model that writes",
            cure="Its weights hold NaN or infinity: train it again with a lower learning rate.",
        )
    scores_BV = logits_BV.astype(np.float64)
    if repetition_penalty != 1.0:
        penalised = np.where(scores_BV > 0, scores_BV / repetition_penalty, scores_BV * repetition_penalty)
        scores_BV = np.where(seen_BV, penalised, scores_BV)
    with np.errstate(over="ignore"):  # of a temperature near 0, which leaves the likeliest token
        weights_BV = np.exp((scores_BV - scores_BV.max(axis=1, keepdims=True)) / temperature)
    weights_BV /= weights_BV.sum(axis=1, keepdims=True)
    drawn = [_drawn(row, draw, top_p) for row, draw in zip(weights_BV, draws_B, strict=True)]
    return np.array(drawn, dtype=np.int64)


def _drawn(weights_V: NDArray[np.float64], draw: float, top_p: float) -> int:
    """Of the likeliest tokens of one row that reach `top_p` one by its share."""
    kept = np.arange(len(weights_V))
    if top_p < 1.0:
        # All that are rarer than this together stay below 1 - top_p, so none of them is needed: few are sorted.
        some = weights_V[weights_V > (1.0 - top_p) / len(weights_V)]
        likeliest = np.sort(some)[::-1]
        enough = min(int(np.searchsorted(np.cumsum(likeliest), top_p)), len(likeliest) - 1)
        kept = np.flatnonzero(weights_V >= likeliest[enough])
    together = np.cumsum(weights_V[kept])
    return int(kept[min(int(np.searchsorted(together, draw * together[-1], side="right")), len(kept) - 1)])
