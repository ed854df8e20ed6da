"""Whether rows that are decoded together get the bits that each gets alone: measured, for it is a matter of kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.decoding_rows import DecodingModel, decodes

if TYPE_CHECKING:
    from export.decoding_rows import Logits

ROWS = 8
_STEPS = 4


def decodes_alike(model: DecodingModel, texts: Sequence[Sequence[int]]) -> bool:
    """Whether each of the first eight texts has, to the bit, the same logits alone and with the others: together all,
    then one fewer at every step, so that every number of rows comes up.

    A text is cut so that its beginning is a prompt and four tokens are left to be read one by one; those of fewer
    than two tokens are left out. True for fewer than two texts.
    """
    taken = [list(ids[: model.context_tokens]) for ids in texts if len(ids) > 1][:ROWS]
    prompts = [ids[: -min(_STEPS, len(ids) - 1)] for ids in taken]
    steps = [ids[len(prompt) :] for ids, prompt in zip(taken, prompts, strict=True)]
    alone = [_read(model, [prompt], [step])[0] for prompt, step in zip(prompts, steps, strict=True)]
    for first in range(len(prompts) - 1):
        together = _read(model, prompts[first:], steps[first:])
        for ours, its in zip(together, alone[first:], strict=True):
            if not all(np.array_equal(one, other) for one, other in zip(ours, its, strict=True)):
                return False
    return True


def _read(
    model: DecodingModel, prompts: Sequence[Sequence[int]], steps: Sequence[Sequence[int]]
) -> list[list[Logits]]:
    """Of each text the logits after its prompt and after each step; the rows whose steps are at an end leave."""
    rows = model.rows(len(prompts))
    heard = [[rows.append(prompt)] for prompt in prompts]
    going = list(range(len(prompts)))
    while True:
        kept = [place for place, text in enumerate(going) if len(heard[text]) <= len(steps[text])]
        if not kept:
            return heard
        rows.keep(np.array(kept))
        going = [going[place] for place in kept]
        logits_RV = rows.step(np.array([steps[text][len(heard[text]) - 1] for text in going]))
        for text, logits_V in zip(going, logits_RV, strict=True):
            heard[text].append(logits_V)


def measured(
    folders: Mapping[str, Path], texts: Sequence[Sequence[int]], *, threads: int
) -> dict[str, float]:
    """The metric `export/<variant>/batch_invariant`, 1 or 0, of each variant that decodes."""
    found: dict[str, float] = {}
    for name, folder in folders.items():
        if decodes(folder):
            model = DecodingModel(folder, threads=threads, rows_apart=False)
            found[f"export/{name}/batch_invariant"] = float(decodes_alike(model, texts))
    return found
