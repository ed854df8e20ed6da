"""Scores of a finished model, and what it answered to every single example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch

from experiments.torch_setup import full_matmul_precision
from host.progress import OnProgress, silent

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData
    from lightning_modules.learner import Learner
    from scoring.task import Task


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
    task: Task,
    device: str,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Score `learner` on one split in float32, whatever precision it was trained in."""
    with full_matmul_precision():
        rows = _answers(learner, data, split, task, device, on_progress)
    predictions = task.by_example(rows, data.rows[split].texts, data.example_of(split))
    return Evaluation(task.score(predictions), predictions)


def _answers(
    learner: Learner, data: TokenizedData, split: SplitName, task: Task, device: str, on_progress: OnProgress
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
            frame = task.answers(logits, moved)
            frames.append(frame.assign(row=batch["row"].numpy()))
            done += len(frame)
            on_progress(f"scoring {split}", done, total)
    return pd.concat(frames).sort_values("row").reset_index(drop=True)
