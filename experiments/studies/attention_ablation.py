"""A model scored again with less attention: limited to windows, or without one of its heads.

Legend: N texts, B batch, T tokens, D width, H heads, L outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from host.cpu import usable_cores

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from experiments.studies.attention_model import AttentionModel
    from host.progress import OnProgress

    Ids = Sequence[int]
    Score = Callable[[torch.Tensor, "Batch"], NDArray[np.float64]]

WINDOWS = (2, 4, 8, 16)
_BATCH_TOKENS = 1024


@dataclass(frozen=True)
class Batch:
    """rows: numbers of its texts. ids_BT: padded with zeros."""

    rows: list[int]
    lengths: list[int]
    ids_BT: torch.Tensor


@dataclass(frozen=True)
class Setting:
    """window: none: any distance. first: the first token sees all, and all see it. layer, head: that is off."""

    window: int | None = None
    first: bool = False
    layer: int | None = None
    head: int | None = None


FULL = Setting()
WINDOW_SETTINGS = tuple(Setting(window, first) for first in (False, True) for window in WINDOWS)


def head_settings(model: AttentionModel) -> list[Setting]:
    """One for each head."""
    return [
        Setting(layer=layer, head=head)
        for layer in range(model.layers)
        for head in range(model.network.heads)
    ]


def scored(
    model: AttentionModel,
    ids: Sequence[Ids],
    settings: Sequence[Setting],
    score: Score,
    *,
    on_progress: OnProgress,
) -> dict[Setting, NDArray[np.float64]]:
    """What `score` says of each text (N,) under each setting. score: of a batch's logits, (B,)."""
    batches = list(_batches(ids))
    found = {setting: np.empty(len(ids)) for setting in settings}
    with ThreadPoolExecutor(usable_cores()) as pool:
        work = pool.map(lambda batch: list(_of_batch(model, batch, settings, score)), batches)
        for done, (batch, results) in enumerate(zip(batches, work, strict=True), 1):
            for setting, values_B in results:
                found[setting][batch.rows] = values_B
            on_progress("scoring with less attention", done, len(batches))
    return found


def _batches(ids: Sequence[Ids]) -> Iterator[Batch]:
    """Texts of like length together; which ones depends on nothing else."""
    from lightning_modules.attention import padded

    order = sorted(range(len(ids)), key=lambda row: (len(ids[row]), row))
    rows: list[int] = []
    for row in order:
        if rows and (len(rows) + 1) * len(ids[row]) > _BATCH_TOKENS:
            yield Batch(rows, [len(ids[one]) for one in rows], padded([ids[one] for one in rows]))
            rows = []
        rows.append(row)
    yield Batch(rows, [len(ids[one]) for one in rows], padded([ids[one] for one in rows]))


def _of_batch(
    model: AttentionModel, batch: Batch, settings: Sequence[Setting], score: Score
) -> Iterator[tuple[Setting, NDArray[np.float64]]]:
    """A head that is off changes nothing below its layer, so what comes before is computed once."""
    import torch

    with torch.inference_mode():
        begun_BTD = model.network.begun(model.network.words(batch.ids_BT))
        before = list(_hidden(model, batch, begun_BTD))
        for setting in settings:
            layer = setting.layer or 0
            logits = _logits(model, batch, before[layer], setting)
            yield setting, score(logits, batch)


def _hidden(model: AttentionModel, batch: Batch, hidden_BTD: torch.Tensor) -> Iterator[torch.Tensor]:
    """What comes into each layer of the whole model."""
    from lightning_modules.attention import step, visible

    seen_BTT = visible(batch.lengths, causal=model.network.causal)
    for layer in model.network.layers:
        yield hidden_BTD
        hidden_BTD = step(layer, hidden_BTD, seen_BTT)[0]


def _logits(model: AttentionModel, batch: Batch, hidden_BTD: torch.Tensor, setting: Setting) -> torch.Tensor:
    import torch

    from lightning_modules.attention import step, visible

    network = model.network
    seen_BTT = visible(batch.lengths, causal=network.causal, window=setting.window, first=setting.first)
    kept_H = None
    if setting.head is not None:
        kept_H = torch.ones(network.heads)
        kept_H[setting.head] = 0.0
    first = setting.layer or 0
    for number, layer in enumerate(network.layers[first:], first):
        off = kept_H if number == setting.layer else None
        hidden_BTD = step(layer, hidden_BTD, seen_BTT, off)[0]
    return network.outputs(hidden_BTD)
