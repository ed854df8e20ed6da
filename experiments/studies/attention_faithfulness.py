"""How faithful each method is over texts, and what was seen of them on the way.

Legend: N texts, M methods, R layers, H heads, W words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.attention.faithfulness import Faithfulness, faithfulness, important
from analysis.attention.heads import HeadFigures, head_figures
from experiments.studies.attention_importance import (
    METHODS,
    RANDOM,
    Answer,
    answer_of,
    importance,
    probabilities,
    without,
)
from experiments.studies.attention_judged import p_value
from host.cpu import usable_cores
from scoring.bootstrap import resampled_together
from scoring.holm import holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.attention.gradients import Attribution
    from experiments.studies.attention_model import AttentionModel, Read
    from host.progress import OnProgress

_LEAST = 1e-9  # of a difference, below which there is none


@dataclass(frozen=True)
class Text:
    """of: by method."""

    of: Mapping[str, Faithfulness]
    gradients: Attribution
    figures: HeadFigures


def faithful_texts(
    model: AttentionModel, reads: Sequence[Read], *, seed: int, on_progress: OnProgress
) -> list[Text]:
    """Each text alone, on one thread, several at once. seed: of the method `RANDOM`."""
    found: list[Text] = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for one in pool.map(lambda at: _text(model, reads[at], (seed, at)), range(len(reads))):
            found.append(one)
            on_progress("removing words", len(found), len(reads))
    return found


def _text(model: AttentionModel, read: Read, seed: tuple[int, int]) -> Text:
    attended = model.attended(read.ids)
    answer = answer_of(attended)
    counted = importance(model, read, attended, answer)
    drawn_W = np.random.default_rng(seed).random(read.words[-1] + 1)
    return Text(
        _measured(model, read, answer, {**counted.words_W, RANDOM: drawn_W}),
        counted.gradients,
        head_figures(attended.weights_RHTT),
    )


def _measured(
    model: AttentionModel, read: Read, answer: Answer, words_W: Mapping[str, NDArray[np.floating]]
) -> dict[str, Faithfulness]:
    """Every selection of words is asked once, whichever methods make it."""
    own = read.own_words
    chosen = {name: important(values_W, own) for name, values_W in words_W.items()}
    gone = {words for selections in chosen.values() for words in selections}
    gone |= {_others(own, words) for words in gone}
    asked = sorted(gone)
    rows = model.logits([without(read, words) for words in asked])
    left = dict(zip(asked, probabilities(rows)[:, answer.number].tolist(), strict=True))
    return {
        name: faithfulness(
            answer.probability,
            [left[words] for words in selections],
            [left[_others(own, words)] for words in selections],
        )
        for name, selections in chosen.items()
    }


def _others(own: Sequence[int], words: Sequence[int]) -> tuple[int, ...]:
    return tuple(word for word in own if word not in words)


def faithfulness_table(texts: Sequence[Text], *, seed: int) -> list[dict[str, Any]]:
    """A row for each method, with 95 % intervals by drawing the texts again, and p-values against `RANDOM` (Holm)."""
    columns: dict[str, list[Any]] = {}
    for measure in ("comprehensiveness", "sufficiency"):
        values_NM = np.array([[getattr(text.of[name], measure) for name in METHODS] for text in texts])
        beyond_NM = values_NM - values_NM[:, [METHODS.index(RANDOM)]]
        columns[measure] = resampled_together(values_NM, seed=seed)
        p_values = [p_value(one) for one in resampled_together(beyond_NM, seed=seed)]
        columns[f"{measure}_p"] = holm(p_values[: METHODS.index(RANDOM)])
    return [_row(name, at, columns) for at, name in enumerate(METHODS)]


def _row(name: str, at: int, columns: Mapping[str, list[Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"method": name}
    for measure in ("comprehensiveness", "sufficiency"):
        found = columns[measure][at]
        low, high = found.interval()
        against = None if name == RANDOM else columns[f"{measure}_p"][at]
        row[measure] = {"mean": found.estimate, "low": low, "high": high, "p_against_random": against}
    return row


def gradients_summary(texts: Sequence[Text]) -> dict[str, Any]:
    """How near the sums of integrated gradients come to f(x) - f(baseline)."""
    apart = np.array(
        [
            abs(one.gradients.reached - one.gradients.difference) / max(abs(one.gradients.difference), _LEAST)
            for one in texts
        ]
    )
    steps = [one.gradients.steps for one in texts]
    return {
        "within_2_percent": float(np.mean([one.gradients.is_near for one in texts])),
        "median_apart": float(np.median(apart)),
        "most_steps": max(steps),
        "mean_steps": float(np.mean(steps)),
    }


def mean_figures(texts: Sequence[Text]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """By name, each figure of the heads (R, H), the mean over texts."""
    for name in HeadFigures.__dataclass_fields__:
        yield name, np.mean([getattr(text.figures, name) for text in texts], axis=0)
