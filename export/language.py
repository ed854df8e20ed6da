"""Next-token loss of a language model's variants and how far their logits lie apart.

Shape legend: N examples, B batch, L tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from export.options import ROUNDING, ExportOptions, ScoringSet
from export.scoring import LoadedVariant, Scores, side_by_side
from export.variants import BY_NAME, ORIGINAL, Variant
from host.progress import OnProgress
from scoring.bootstrap import resampled

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

_LARGEST_LOSS = 700.0  # exp overflows a float just above
_FEWEST_TEXTS = 20  # fewer, drawn again, do not show how texts differ


@dataclass
class _Tally:
    """Running totals of one variant over the batches seen so far."""

    losses: NDArray[np.float64]  # (N,), summed over the predicted tokens of each example, nats
    max_difference: float = 0.0
    changed: int = 0


def score_language_model(
    variants: Sequence[LoadedVariant],
    scoring: ScoringSet,
    *,
    outputs: int,
    workers: int,
    on_progress: OnProgress,
) -> Scores:
    """Mean next-token loss over all predicted tokens (nats/token), each example a context of its own.

    An example of L tokens has L - 1 predicted ones. Parity is measured against the original
    on the logits of all L positions; an answer is the likeliest next token. outputs: of the vocabulary.
    """
    import pandas as pd

    tallies = {variant.name: _Tally(np.zeros(len(scoring.input_ids))) for variant in variants}
    batches = side_by_side(
        variants, scoring.input_ids, logits_per_token=outputs, workers=workers, on_progress=on_progress
    )
    for indices, ids_BL, by_name in batches:
        for name, logits_BLV in by_name.items():
            _add(tallies[name], indices, ids_BL, logits_BLV, by_name[ORIGINAL.name])
    lengths_N = np.array([len(ids) for ids in scoring.input_ids])
    predicted_N = lengths_N - 1
    columns = {"index": np.arange(len(lengths_N)), "predicted_tokens": predicted_N}
    columns |= {f"{name}_loss": tally.losses / predicted_N for name, tally in tallies.items()}
    rows = [loaded.variant for loaded in variants]
    metrics = _metrics(rows, tallies, positions=int(lengths_N.sum()), predicted=int(predicted_N.sum()))
    return Scores(metrics, pd.DataFrame(columns))


def _add(
    tally: _Tally, indices: list[int], ids_BL: NDArray[np.int64], logits_BLV: Logits, reference_BLV: Logits
) -> None:
    tally.losses[indices] = next_token_losses(ids_BL, logits_BLV).sum(axis=1)
    tally.max_difference = max(tally.max_difference, float(np.abs(logits_BLV - reference_BLV).max()))
    tally.changed += int((logits_BLV.argmax(axis=2) != reference_BLV.argmax(axis=2)).sum())


def next_token_losses(ids_BL: NDArray[np.int64], logits_BLV: Logits) -> NDArray[np.float64]:
    """Cross-entropy of token t+1 under the logits at t, in nats: (B, L - 1)."""
    shifted_BLV = logits_BLV[:, :-1] - logits_BLV[:, :-1].max(axis=2, keepdims=True)
    log_sums_BL = np.log(np.exp(shifted_BLV).sum(axis=2, dtype=np.float64))
    chosen_BL = np.take_along_axis(shifted_BLV, ids_BL[:, 1:, None], axis=2)[..., 0]
    return log_sums_BL - chosen_BL.astype(np.float64)


def _metrics(
    variants: Sequence[Variant], tallies: Mapping[str, _Tally], *, positions: int, predicted: int
) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, tally in tallies.items():
        loss = float(tally.losses.sum() / predicted)
        metrics[f"export/{name}/loss"] = loss
        metrics[f"export/{name}/perplexity"] = math.exp(min(loss, _LARGEST_LOSS))
    for name, base in ((v.name, v.base) for v in variants if v.base is not None):
        tally = tallies[name]
        metrics |= {
            f"export/{name}/loss_increase": metrics[f"export/{name}/loss"] - metrics[f"export/{base}/loss"],
            f"export/{name}/max_logit_difference": tally.max_difference,
            f"export/{name}/equal_predictions": 1 - tally.changed / positions,
            f"export/{name}/changed_answers": tally.changed,
        }
    return metrics


def loss_limit_p(variant: Variant, predictions: pd.DataFrame, options: ExportOptions) -> float:
    """One-sided p-value against a loss per token that rises by the limit or more, by a paired bootstrap over texts.

    1.0 for fewer than 20 texts.
    """
    if len(predictions) < _FEWEST_TEXTS:
        return 1.0
    tokens_N = predictions["predicted_tokens"].to_numpy()
    apart_N = predictions[f"{variant.name}_loss"].to_numpy() - predictions[f"{variant.base}_loss"].to_numpy()
    return resampled(apart_N * tokens_N, tokens_N).below(options.asked.max_loss_increase)


def loss_failure(variant: Variant, metrics: Mapping[str, float], options: ExportOptions) -> str | None:
    """The sentence for a variant whose loss lies too far above its base's; none where it does not."""
    assert variant.base is not None
    ours, base = f"export/{variant.name}", BY_NAME[variant.base]
    increase = metrics[f"{ours}/loss_increase"]
    if increase <= options.asked.max_loss_increase + ROUNDING:
        return None
    return (
        f"{variant.label} loss is {metrics[f'{ours}/loss']:.4f} nats/token, {increase:.4f} above"
        f" {base.label}'s {metrics[f'export/{base.name}/loss']:.4f} (limit {options.asked.max_loss_increase:.4f})."
    )
