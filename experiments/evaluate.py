"""Scores of a finished model, and what it answered to every single example.

Legend: N rows, B batch, T tokens, L labels, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from experiments.machine import full_products
from experiments.scoring import classification_scores, language_scores
from host.terminal import OnProgress, silent

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


def token_losses(logits_BTV: torch.Tensor, labels_BT: torch.Tensor) -> pd.DataFrame:
    """Per sequence `nll`, nats summed over its targets, and `tokens`, how many these are."""
    # The classes last: over another dimension it takes many times as long.
    flat = logits_BTV.float().flatten(0, 1)
    loss_BT = F.cross_entropy(flat, labels_BT.flatten(), reduction="none").view_as(labels_BT)
    counted_BT = labels_BT >= 0
    return pd.DataFrame(
        {
            "nll": (loss_BT * counted_BT).sum(1).double().cpu().numpy(),
            "tokens": counted_BT.sum(1).cpu().numpy(),
        }
    )


def _with_texts(rows: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    order = ["row", "text", "label", "prediction", *[c for c in rows if str(c).startswith("logit_")], "loss"]
    return rows.assign(text=list(texts))[order]


def scores_of(predictions: pd.DataFrame) -> dict[str, float]:
    """Scores of a table of predictions: of labels (N rows with prediction, label, loss) or of stories (N rows with
    nll, tokens, bytes; an earlier version of Encore counted no bytes)."""
    if "nll" in predictions:
        nll, tokens = float(predictions["nll"].sum()), int(predictions["tokens"].sum())
        return language_scores(
            nll, tokens, int(predictions["bytes"].sum()) if "bytes" in predictions else None
        )
    scores = classification_scores(
        predictions["prediction"].to_numpy(dtype=np.int64), predictions["label"].to_numpy(dtype=np.int64)
    )
    return scores | {"loss": float(predictions["loss"].mean())}
