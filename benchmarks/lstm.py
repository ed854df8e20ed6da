"""An LSTM against the DistilBERT that taught it: time by the number of tokens, right answers by the length of a text.

Legend: B batch, T tokens, N rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.results import commit, table, write_section
from pages.figures import BLUE, MARKERS, VERMILION, logarithmic_x, logarithmic_y
from pages.pictures import light, picture
from runs.files import RunFiles, run_named
from runs.layout import EXPORT_FOLDER, MODEL_FOLDER, TEACHER_TAG, predictions_file
from scoring.intervals import wilson_interval
from tracking.store import Store

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lightning_modules.learner import Learner

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "lstm-by-length.svg"
_TOKENS = (16, 32, 64, 128, 256, 512)
_ROWS, _ROUNDS, _CALLS = 8, 5, 9
_NAMES = ("LSTM", "DistilBERT")
_Times = dict[str, list[float]]


def measure(root: Path, run_id: str) -> None:
    """Writes the section and the figure; run_id: of an LSTM with a teacher, both exported."""
    store = Store.read(root)
    student = run_named(store, run_id)
    both = (student, run_named(store, student.record.tags[TEACHER_TAG]))
    steps, answers = _steps(both), _answers(both)
    PICTURE.write_bytes(_drawn(steps, answers))
    told = (
        f"Commit {commit()}. LSTM {student.record.run_id[:8]}, DistilBERT {both[1].record.run_id[:8]}. 1 thread, "
        f'float32 at "highest". A step is of {_ROWS} rows, with the optimiser\'s; an answer is of one row, by '
        f"the INT8 export. Medians of {_ROUNDS} rounds in turn, ms."
    )
    by_tokens = table(
        ["tokens", *(f"{name}, {what}" for what in ("step", "answer") for name in _NAMES)],
        [
            [tokens, *(_ms(times[name][at]) for times in (steps, answers) for name in _NAMES)]
            for at, tokens in enumerate(_TOKENS)
        ],
    )
    by_length = table(["words of a text", "rows", *_NAMES], list(_by_length(both)))
    command = "python -m benchmarks lstm ID --root FOLDER"
    write_section("An LSTM by length", command, f"{told}\n\n{by_tokens}\n\n{by_length}")


def _steps(both: Sequence[RunFiles]) -> _Times:
    """Milliseconds of a step of training at each number of tokens."""
    import torch

    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    steps: dict[str, Callable[[int], None]] = dict(zip(_NAMES, map(_step_of, both), strict=True))
    return _in_turn(lambda name, tokens: partial(steps[name], tokens), calls=1)


def _step_of(run: RunFiles) -> Callable[[int], None]:
    """A step on random ids, of so many tokens."""
    import torch

    from lightning_modules.optimisation import clip_gradients

    learner = _learner(run)
    optimiser = learner.configure_optimizers()["optimizer"]
    draw = np.random.Generator(np.random.PCG64(0))

    def step(tokens: int) -> None:
        ids = torch.from_numpy(draw.integers(2, learner.text_model.vocabulary, (_ROWS, tokens)))
        labels = torch.from_numpy(draw.integers(0, learner.text_model.outputs, _ROWS))
        learner.loss({"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}).backward()
        clip_gradients(learner.parameters(), 1.0)
        optimiser.step()
        learner.optimizer_zero_grad(0, 0, optimiser)

    return step


def _learner(run: RunFiles) -> Learner[Any]:
    from lightning_modules.distilbert import DistilBertClassifier
    from lightning_modules.families import FAMILIES, LSTM
    from lightning_modules.lstm import LstmClassifier
    from lightning_modules.optimisation import Optimisation
    from lightning_modules.settings import OptimConfig

    kind = str(run.record.params["model.kind"])
    network: Any = FAMILIES[kind].read(run.path(MODEL_FOLDER)).network
    make = LstmClassifier if kind == LSTM.kind else DistilBertClassifier
    optimisation = Optimisation(OptimConfig(learning_rate=1e-5), 1000)
    return make(network, optimisation=optimisation, label_smoothing=0.0, frozen_layers=0).train()


def _answers(both: Sequence[RunFiles]) -> _Times:
    """Milliseconds of an answer of the INT8 export at each number of tokens."""
    from export.session import OnnxModel

    models = [OnnxModel(run.path(f"{EXPORT_FOLDER}/int8"), threads=1) for run in both]
    asked: dict[str, OnnxModel] = dict(zip(_NAMES, models, strict=True))
    draw = np.random.Generator(np.random.PCG64(0))
    texts = {tokens: draw.integers(1000, 10_000, (1, tokens)) for tokens in _TOKENS}
    return _in_turn(lambda name, tokens: partial(asked[name].logits, texts[tokens]), calls=_CALLS)


def _in_turn(call_of: Callable[[str, int], Callable[[], object]], *, calls: int) -> _Times:
    """By name the median of the rounds at each number of tokens; each round asks both."""
    found: _Times = {name: [] for name in _NAMES}
    for tokens in _TOKENS:
        both = {name: call_of(name, tokens) for name in _NAMES}
        rounds = [{name: _median_ms(call, calls) for name, call in both.items()} for _ in range(_ROUNDS + 1)]
        for name in _NAMES:
            found[name].append(float(np.median([each[name] for each in rounds[1:]])))
    return found


def _median_ms(call: Callable[[], object], calls: int) -> float:
    times: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times))


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _by_length(both: Sequence[RunFiles]) -> Iterator[list[object]]:
    """Right answers to the official rows, in fifths by the words of a text."""
    frames = [pd.read_parquet(run.path(predictions_file("test"))) for run in both]
    words_N = np.array([len(str(text).split()) for text in frames[0]["text"]])
    right = [(frame["prediction"] == frame["label"]).to_numpy() for frame in frames]
    part_N = np.searchsorted(np.quantile(words_N, [0.2, 0.4, 0.6, 0.8]), words_N, side="left")
    for part in range(5):
        of_part = part_N == part
        rows = int(of_part.sum())
        shares = [_share(int(each[of_part].sum()), rows) for each in right]
        yield [f"{words_N[of_part].min()} to {words_N[of_part].max()}", rows, *shares]


def _share(hits: int, rows: int) -> str:
    low, high = wilson_interval(hits, rows)
    return f"{100 * hits / rows:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _drawn(steps: _Times, answers: _Times) -> bytes:
    from matplotlib.lines import Line2D

    styles = dict(zip(_NAMES, zip((light(BLUE), light(VERMILION)), MARKERS, strict=False), strict=True))

    def draw(times: _Times, what: str, axes: Axes) -> None:
        for name, (colour, marker) in styles.items():
            axes.plot(_TOKENS, times[name], color=colour, marker=marker, markersize=4)
        logarithmic_x(axes)
        logarithmic_y(axes)
        axes.set(xlabel="tokens of a text", ylabel="ms", title=what)

    def legend() -> list[Line2D]:
        return [
            Line2D([], [], color=colour, marker=marker, label=name)
            for name, (colour, marker) in styles.items()
        ]

    panels = [
        partial(draw, steps, f"a step of training, {_ROWS} rows"),
        partial(draw, answers, "an answer, INT8, one row"),
    ]
    return picture(panels, "svg", legend=legend)
