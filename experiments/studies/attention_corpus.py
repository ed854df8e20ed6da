"""The attention of a model over a corpus: its heads, how faithful methods are, and how it does with less attention.

Legend: N texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.labels import numbers_of
from errors import UserError
from experiments.studies.attention_ablation import FULL, WINDOW_SETTINGS, head_settings, scored
from experiments.studies.attention_faithfulness import (
    faithful_texts,
    faithfulness_table,
    gradients_summary,
    mean_figures,
)
from experiments.studies.attention_judged import Accuracy, Loss, judged_rows, whole_row
from experiments.studies.attention_text import rounded
from host.text import shown_list

if TYPE_CHECKING:
    from experiments.studies.attention_model import AttentionModel, Read
    from experiments.studies.corpora import CorpusTexts
    from host.progress import OnProgress


def drawn_rows(corpus: CorpusTexts, count: int, *, seed: int) -> list[int]:
    """So many rows of the corpus at most, in the order in which `seed` draws them: the first of these are a draw, too,
    where a file has its labels one after the other."""
    return [int(row) for row in np.random.default_rng(seed).permutation(len(corpus.texts))[:count]]


def check_labels(model: AttentionModel, corpus: CorpusTexts) -> None:
    """UserError where a classifier's labels cannot be those of the corpus."""
    if model.writes:
        return
    if corpus.labels is None:
        raise UserError(
            "has no labels", where=corpus.origin, cure="Give a classifier's corpus, or a language model."
        )
    numbers, names = numbers_of(model.labels, corpus.label_names), corpus.label_names
    if len(numbers) != len(names) or (None not in numbers and numbers != list(range(len(names)))):
        raise UserError(
            f"has the labels {shown_list(names)}, and the model {shown_list(model.labels)}",
            where=corpus.origin,
            cure="Give a corpus of the model's labels, in their order.",
        )


def corpus_findings(
    model: AttentionModel,
    reads: Sequence[Read],
    labels: Sequence[int] | None,
    *,
    sentences: int,
    seed: int,
    on_progress: OnProgress,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Content, and figures that differ each time. sentences: the first so many texts have words removed."""
    texts = faithful_texts(model, reads[:sentences], seed=seed, on_progress=on_progress)
    ids = [read.ids for read in reads]
    measure = Accuracy(labels) if labels is not None else Loss([len(row) - 1 for row in ids], seed=seed)
    heads = head_settings(model)
    scores = scored(model, ids, [FULL, *WINDOW_SETTINGS, *heads], measure.of, on_progress=on_progress)
    content = {
        "texts": len(reads),
        "cut": sum(read.left_out > 0 for read in reads),
        "layers": model.layers,
        "heads": model.network.heads,
        "causal": model.network.causal,
        "metric": measure.metric,
        "sentences": len(texts),
        "figures": {name: values.tolist() for name, values in mean_figures(texts)},
        "faithfulness": faithfulness_table(texts, seed=seed),
        "gradients": {"baseline": model.nothing[0], **gradients_summary(texts)},
        "whole": whole_row(measure, scores),
        "windows": judged_rows(measure, scores, WINDOW_SETTINGS),
        "heads_off": judged_rows(measure, scores, heads),
    }
    seconds = [text.gradients.seconds for text in texts]
    timings = {"study/longest_gradients_s": max(seconds), "study/mean_gradients_s": float(np.mean(seconds))}
    return rounded(content), timings


def corpus_metrics(found: Mapping[str, Any]) -> dict[str, float]:
    """For the table of runs."""
    told = {
        f"study/{row['method'].replace(' ', '_')}/{measure}": row[measure]["mean"]
        for row in found["faithfulness"]
        for measure in ("comprehensiveness", "sufficiency")
    }
    return {f"study/{found['metric']}": found["whole"]["score"], "study/texts": float(found["texts"]), **told}
