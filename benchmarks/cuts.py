"""What it costs to cut long texts: runs that differ in that alone, held against the one that reads most of a text.

Legend: N rows of the official split, D draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import commit, table, write_section
from comparison.answers import Answers, answers_of
from errors import UserError
from runs.environment import settings_of
from runs.files import RunFiles, run_named
from runs.layout import EXPERIMENT_TAG, RANKED_KINDS, kind_of
from runs.record_files import MALFORMED
from scoring.intervals import wilson_interval
from scoring.paired import mcnemar_mid_p, paired_interval
from tracking.entities import RunRecord
from tracking.store import Store

_DRAWS = 2000
_CUTS = ("data.max_tokens", "data.cut")
# What may differ besides: how many rows of a batch fit, and where things lie.
_BESIDES = {
    "data.path",
    "data.evaluation_tokens",
    "data.loader_workers",
    "train.device",
    "train.threads",
    "description",
}


@dataclass(frozen=True)
class Read:
    """A run, and which official texts it answered right."""

    run: RunFiles
    answers: Answers

    @property
    def settings(self) -> dict[str, str]:
        return {key: str(value) for key, value in settings_of(self.run.record.params).items()}

    @property
    def kept(self) -> tuple[int, str]:
        most, cut = (self.settings[key] for key in _CUTS)
        return int(most), cut

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """(N,)"""
        classes = self.answers.classes
        if classes is None:
            raise UserError("labels no texts", where=self.run.where, cure=MALFORMED)
        return classes.predictions_N == classes.labels_N


def measure(root: Path, run_id: str) -> None:
    """Writes the section. run_id: of the run that reads most."""
    store = Store.read(root)
    whole = _read(run_named(store, run_id))
    others = sorted(
        (_read(RunFiles(store, record)) for record in _alike(store, whole)), key=lambda one: one.kept
    )
    lengths_N = _lengths(whole)
    told = (
        f"Commit {commit()}. Against run {whole.run.record.run_id[:8]}: {whole.kept[0]} tokens, {whole.kept[1]}. "
        f"Differences are paired by rows (Bonett & Price 2012, McNemar's mid-p); what comes back of the loss of `head` "
        f"with its 95 % interval from {_DRAWS:,} draws of the rows.\n\n"
    )
    rows = [_row(one, whole, _head_of(one, others), lengths_N) for one in [*others, whole]]
    heads = ["run", "tokens", "cut", "accuracy", "unseen", "difference", "p", "texts that fit", "longer texts",
             "of the loss, back", "minutes"]  # fmt: skip
    write_section(
        "Cut texts", f"python -m benchmarks cuts {run_id[:8]} --root FOLDER", told + table(heads, rows)
    )


def _read(run: RunFiles) -> Read:
    return Read(run, answers_of(run))


def _alike(store: Store, whole: Read) -> Iterator[RunRecord]:
    """Finished runs of the experiment that differ from `whole` in what they read of a text alone."""
    tag = whole.run.record.tags[EXPERIMENT_TAG]
    for record in store.runs(tags={EXPERIMENT_TAG: tag}):
        if record.status != "FINISHED" or kind_of(record) not in RANKED_KINDS:
            continue
        settings = {key: str(value) for key, value in settings_of(record.params).items()}
        other = {key for key in settings | whole.settings if settings.get(key) != whole.settings.get(key)}
        if other & set(_CUTS) and other <= {*_CUTS, *_BESIDES}:
            yield record


def _head_of(one: Read, others: list[Read]) -> Read | None:
    """The run that reads as many tokens, the first ones."""
    return next((other for other in others if other.kept == (one.kept[0], "head") and other is not one), None)


def _lengths(whole: Read) -> NDArray[np.int64]:
    """(N,) tokens of each text, by the tokenizer of the run."""
    from datamodules.tokenizers import encode, load_tokenizer

    tokenizer = load_tokenizer(str(whole.run.path("model")), local_files_only=True)
    found = encode(tokenizer, whole.answers.texts(), verbose=False)["input_ids"]
    return np.array([len(ids) for ids in found], dtype=np.int64)  # type: ignore[arg-type]


def _row(one: Read, whole: Read, head: Read | None, lengths_N: NDArray[np.int64]) -> list[str]:
    metrics, (most, cut) = one.run.record.metrics, one.kept
    low, high = wilson_interval(int(one.right.sum()), len(one.right))
    fits_N = lengths_N <= most
    unseen = metrics.get("test/accuracy_unseen")
    return [
        one.run.record.run_id[:8],
        str(most),
        cut,
        f"{_percent(one.right.mean())} ({_percent(low)} to {_percent(high)})",
        "" if unseen is None else _percent(unseen),
        *_against(one, whole),
        _percent(one.right[fits_N].mean()) if fits_N.any() else "",
        _percent(one.right[~fits_N].mean()) if (~fits_N).any() else "",
        "" if head is None or one is whole else _back(one.right, head.right, whole.right),
        f"{metrics.get('time/training_s', 0) / 60:.0f}",
    ]


def _against(one: Read, whole: Read) -> list[str]:
    if one is whole:
        return ["", ""]
    lost, won = (int(found.sum()) for found in (whole.right & ~one.right, one.right & ~whole.right))
    low, high = paired_interval(lost, won, len(one.right))
    difference = (won - lost) / len(one.right)
    return [
        f"{100 * difference:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})",
        f"{mcnemar_mid_p(lost, won):.2g}",
    ]


def _back(one_N: NDArray[np.bool_], head_N: NDArray[np.bool_], whole_N: NDArray[np.bool_]) -> str:
    """Of what `head` loses against `whole`, the share that `one` brings back, with its bootstrap interval."""
    gained_N = one_N.astype(np.int64) - head_N
    lost_N = whole_N.astype(np.int64) - head_N
    if lost_N.sum() <= 0:
        return "nothing was lost"
    draw = np.random.Generator(np.random.PCG64(0))
    rows_DN = (draw.integers(len(one_N), size=len(one_N)) for _ in range(_DRAWS))
    sums = np.array([(gained_N[rows].sum(), lost_N[rows].sum()) for rows in rows_DN])
    low, high = np.percentile(sums[:, 0] / np.maximum(sums[:, 1], 1), [2.5, 97.5])
    return f"{gained_N.sum() / lost_N.sum():.0%} ({low:.0%} to {high:.0%})"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
