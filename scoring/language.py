"""Texts, token by token.

Legend: N rows, M examples, B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from scoring.scores import language_scores
from scoring.task import Task

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray


class LanguageModelling(Task):
    name = "causal-language-model"
    metric = "bits_per_byte"
    greater_is_better = False
    labelled = False
    writes = True
    answer_columns = ("nll", "tokens")
    exported_column = "predicted_tokens"
    unit = " bits per byte"
    legend = "bits per byte, nats/token that INT8 adds"
    export_figure = "loss_increase"
    rows = "stories"
    difference_unit = "bits per byte"

    def answers(self, logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> pd.DataFrame:
        """`nll`, nats summed over the targets of a row, `tokens`, how many these are, and `bytes` of the text."""
        from scoring.token_losses import token_losses

        return token_losses(logits, batch["labels"]).assign(bytes=batch["bytes"].cpu().numpy())

    def by_example(
        self, rows: pd.DataFrame, texts: Sequence[str], example_of: NDArray[np.int64]
    ) -> pd.DataFrame:
        """The windows of a text together; the text itself is not kept."""
        return rows.assign(row=example_of).groupby("row", as_index=False).sum()

    def score(self, answers: pd.DataFrame) -> dict[str, float]:
        """An earlier version of Encore counted no bytes; then there are no bits per byte."""
        nll, tokens = float(answers["nll"].sum()), int(answers["tokens"].sum())
        return language_scores(nll, tokens, int(answers["bytes"].sum()) if "bytes" in answers else None)

    def agree(self, one: pd.DataFrame, other: pd.DataFrame, *, nats: float) -> NDArray[np.bool_]:
        """By the loss per token."""
        apart = np.abs(one["nll"].to_numpy() - other["nll"].to_numpy())
        return apart <= nats * one["tokens"].to_numpy()

    def exported_score(self, answers: pd.DataFrame, variant: str) -> tuple[str, float]:
        tokens = answers["predicted_tokens"]
        return "loss", float((answers[f"{variant}_loss"] * tokens).sum() / tokens.sum())

    def shown(self, value: float) -> str:
        return f"{value:.4f}"

    def apart(self, difference: float) -> str:
        return f"{difference:z.4f}"

    def brief(self, value: float) -> str:
        return f"{value:.3f}{self.unit}"

    def told(self, metrics: Mapping[str, float], split: str) -> tuple[str, str]:
        nats = metrics.get(f"{split}/loss")
        remark = "" if nats is None else f"({nats:.4f} nats/token)"
        return f"{self.shown(metrics[f'{split}/{self.metric}'])} bits per byte", remark

    def export_shown(self, value: float) -> str:
        return f"{value:+.4f}"
