"""Scores of a finished model, and what it answered to every single example.

Legend: N rows, B batch, T tokens, L labels, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch
import torch.nn.functional as F

from experiments.machine import full_products
from host.terminal import OnProgress, silent
from scoring.scores import scores_of
from scoring.token_losses import token_losses

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData
    from lightning_modules.learner import Learner


@dataclass(frozen=True)
class Evaluation:
    """Scores by name (`accuracy`, `loss`, ...) and one row per example, in the split's order."""

    scores: dict[str, float]
    predictions: pd.DataFrame


def evaluate(
    learner: Learner,
    data: TokenizedData,
    split: SplitName,
    *,
    device: str,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Score `learner` on one split in float32, whatever precision it was trained in."""
    with full_products():
        rows = _answers(learner, data, split, device, on_progress)
    if data.rows[split].labels is None:
        predictions = rows.assign(row=data.example_of(split)).groupby("row", as_index=False).sum()
    else:
        predictions = _with_texts(rows, data.rows[split].texts)
    return Evaluation(scores_of(predictions), predictions)


def _answers(
    learner: Learner, data: TokenizedData, split: SplitName, device: str, on_progress: OnProgress
) -> pd.DataFrame:
    """One record per row from the model's logits, sorted by row number."""
    loader = data.val_dataloader() if split == "val" else data.test_dataloader()
    learner.to(device).eval()
    frames: list[pd.DataFrame] = []
    done, total = 0, len(data.tables[split])
    with torch.inference_mode():
        for batch in loader:
            moved = {key: value.to(device) for key, value in batch.items()}
            _, logits = learner.loss_and_logits(moved)
            frame = (
                token_losses(logits, moved["labels"]).assign(bytes=batch["bytes"].numpy())
                if logits.dim() == 3
                else _labels(logits, moved["labels"])
            )
            frames.append(frame.assign(row=batch["row"].numpy()))
            done += len(frame)
            on_progress(f"scoring {split}", done, total)
    return pd.concat(frames).sort_values("row").reset_index(drop=True)


def _labels(logits_BL: torch.Tensor, labels_B: torch.Tensor) -> pd.DataFrame:
    logits = logits_BL.float().cpu().numpy()
    columns = {f"logit_{label}": logits[:, label] for label in range(logits.shape[1])}
    loss = F.cross_entropy(logits_BL.float(), labels_B, reduction="none").cpu().numpy()
    return pd.DataFrame(
        {"label": labels_B.cpu().numpy(), "prediction": logits.argmax(axis=1), "loss": loss, **columns}
    )


def _with_texts(rows: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    order = ["row", "text", "label", "prediction", *[c for c in rows if str(c).startswith("logit_")], "loss"]
    return rows.assign(text=list(texts))[order]
