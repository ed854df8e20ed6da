"""Texts into classes.

Legend: N rows, B batch, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from scoring.scores import classification_scores
from scoring.task import Task
from scoring.unseen import UNSEEN_ROWS, unseen_metric

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray


class Classification(Task):
    name = "sequence-classification"
    metric = "accuracy"
    greater_is_better = True
    labelled = True
    writes = False
    answer_columns = ("label", "prediction", "loss")
    exported_column = "label"
    unit = ""
    legend = "accuracy"
    export_figure = "accuracy"
    rows = "rows"
    difference_unit = "points"

    def answers(self, logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> pd.DataFrame:
        import pandas as pd
        import torch.nn.functional as F

        logits_BL, labels_B = logits.float(), batch["labels"]
        values = logits_BL.cpu().numpy()
        columns = {f"logit_{label}": values[:, label] for label in range(values.shape[1])}
        loss = F.cross_entropy(logits_BL, labels_B, reduction="none").cpu().numpy()
        return pd.DataFrame(
            {"label": labels_B.cpu().numpy(), "prediction": values.argmax(axis=1), "loss": loss, **columns}
        )

    def by_example(
        self, rows: pd.DataFrame, texts: Sequence[str], example_of: NDArray[np.int64]
    ) -> pd.DataFrame:
        """Each row is an example; its text stands beside it."""
        logits = [column for column in rows if str(column).startswith("logit_")]
        return rows.assign(text=list(texts))[["row", "text", "label", "prediction", *logits, "loss"]]

    def score(self, answers: pd.DataFrame) -> dict[str, float]:
        scores = classification_scores(
            answers["prediction"].to_numpy(dtype=np.int64), answers["label"].to_numpy(dtype=np.int64)
        )
        return scores | {"loss": float(answers["loss"].mean())}

    def agree(self, one: pd.DataFrame, other: pd.DataFrame, *, nats: float) -> NDArray[np.bool_]:
        """By the predicted label alone."""
        return one["prediction"].to_numpy() == other["prediction"].to_numpy()

    def exported_score(self, answers: pd.DataFrame, variant: str) -> tuple[str, float]:
        right = answers[f"{variant}_prediction"] == answers["label"]
        return "accuracy", float(right.mean())

    def shown(self, value: float) -> str:
        return f"{100 * value:.2f} %"

    def apart(self, difference: float) -> str:
        return f"{100 * difference:z.2f}"

    def brief(self, value: float) -> str:
        return f"{100 * value:.1f} %"

    def told(self, metrics: Mapping[str, float], split: str) -> tuple[str, str]:
        low, high = metrics.get(f"{split}/accuracy_low"), metrics.get(f"{split}/accuracy_high")
        score = f"accuracy {self.shown(metrics[f'{split}/accuracy'])}"
        if low is None or high is None:
            return score, ""
        unseen = metrics.get(f"{split}/{unseen_metric(self)}")
        rows = metrics.get(f"{split}/{UNSEEN_ROWS}", 0)
        more = (
            ""
            if unseen is None
            else f"; {self.shown(unseen)} of the {rows:,.0f} rows whose text is not among its own"
        )
        return score, f"(95 % interval {100 * low:.1f} to {100 * high:.1f}{more})"

    def export_shown(self, value: float) -> str:
        return self.shown(value)
