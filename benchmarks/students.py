"""A student against its teacher: accuracy, time of a text in pairs, and all that were tried, on held-out rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results import commit, table, write_section
from runs.files import RunFiles, run_named
from runs.layout import RANKED_KINDS, TEACHER_TAG, kind_of, predictions_file
from tracking.entities import RunRecord
from tracking.store import Store

_TOKENS, _ROUNDS, _CALLS = 16, 9, 60


def measure(root: Path, student_id: str) -> None:
    """Writes the section."""
    store = Store.read(root)
    student = run_named(store, student_id)
    teacher = run_named(store, student.record.tags[TEACHER_TAG])
    told = (
        f"Commit {commit()}. Student {student.record.run_id[:8]}, teacher {teacher.record.run_id[:8]}. Times: "
        f'1 x {_TOKENS} tokens, 1 thread, PyTorch in float32 at "highest", medians of {_CALLS} calls a side in turn, '
        f"{_ROUNDS} rounds; the ratio is the median of the rounds' ratios.\n\n"
    )
    figures = table(
        ["what", "figure", "wanted"], [*_speeds(teacher, student), *_accuracies(teacher, student)]
    )
    tried = table(
        ["run", "seed", "layers", "loss", "temperature", "dropout", "learning rate", "epochs", "held-out accuracy",
         "held-out loss", "KL from the teacher", "official", "official, INT8", "minutes"],
        [_row(RunFiles(store, run), teacher) for run in _taught_by(store, teacher)],
    )  # fmt: skip
    selected = "All students of this teacher in the store. Settings were chosen by the held-out rows alone."
    command = "python -m benchmarks students ID --root FOLDER"
    write_section("Students", command, f"{told}{figures}\n\n{selected}\n\n{tried}")


def _taught_by(store: Store, teacher: RunFiles) -> list[RunRecord]:
    found = store.runs(tags={TEACHER_TAG: teacher.record.run_id})
    own = (run for run in found if run.status == "FINISHED" and kind_of(run) in RANKED_KINDS)
    return sorted(own, key=lambda run: run.start_ms)


def _speeds(teacher: RunFiles, student: RunFiles) -> list[list[str]]:
    import torch

    from export.session import OnnxModel
    from lightning_modules.families import DISTILBERT

    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    parent, small = (DISTILBERT.read(run.path("model")) for run in (teacher, student))
    quick = OnnxModel(student.path("export/int8"), threads=1)
    ids = np.random.default_rng(0).integers(1000, parent.vocabulary, (1, _TOKENS)).astype(np.int64)
    tensor = torch.from_numpy(ids)
    calls: list[Callable[[], object]] = [
        lambda: parent.logits(tensor), lambda: small.logits(tensor), lambda: quick.logits(ids)
    ]  # fmt: skip
    with torch.inference_mode():
        times = np.array([[_median_ms(call) for call in calls] for _ in range(_ROUNDS + 1)][1:])
    ours, theirs, exported = np.median(times, axis=0)
    ratios = times[:, 0] / times[:, 2]
    return [
        ["teacher, PyTorch", f"{ours:.2f} ms", ""],
        ["student, PyTorch", f"{theirs:.2f} ms", ""],
        ["student, INT8", f"{exported:.3f} ms", ""],
        [
            "student INT8 over teacher PyTorch",
            f"{np.median(ratios):.1f} × ({ratios.min():.1f} to {ratios.max():.1f})",
            "at least 10 ×",
        ],
    ]


def _median_ms(call: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times))


def _accuracies(teacher: RunFiles, student: RunFiles) -> Iterator[list[str]]:
    theirs, ours = (_answers(run, "test") for run in (teacher, student))
    right = theirs.prediction == theirs.label
    yield ["teacher, official split", f"{100 * right.mean():.2f} %", ""]
    int8 = pd.read_parquet(student.path("export/predictions.parquet")).sort_values("index")
    for name, prediction in (("student", ours.prediction), ("student INT8", int8["int8_prediction"])):
        own = prediction.to_numpy() == theirs.label.to_numpy()
        lost = 100 * (right.to_numpy().mean() - own.mean())
        yield [
            f"{name}, official split",
            f"{100 * own.mean():.2f} %, {lost:.2f} points below",
            "at most 1.5 points",
        ]


def _answers(run: RunFiles, split: str) -> pd.DataFrame:
    return pd.read_parquet(run.path(predictions_file(split)))


def _row(run: RunFiles, teacher: RunFiles) -> list[str]:
    params, metrics = run.record.params, run.record.metrics
    layers = params["model.pretrained_layers"].strip("[]")
    int8 = metrics.get("export/int8/accuracy")
    kl = params["train.distillation.loss"] == "kl"
    return [
        run.record.run_id[:8],
        params["seed"],
        layers,
        params["train.distillation.loss"],
        params["train.distillation.temperature"] if kl else "",
        params["model.dropout"],
        params["optim.learning_rate"],
        params["train.max_epochs"],
        f"{100 * metrics['best/val/accuracy']:.1f} %",
        f"{metrics['best/val/loss']:.3f}",
        f"{_divergence(_answers(teacher, 'val'), _answers(run, 'val')):.3f}",
        f"{100 * metrics['test/accuracy']:.2f} %",
        "" if int8 is None else f"{100 * int8:.2f} %",
        f"{metrics['time/training_s'] / 60:.0f}",
    ]


def _divergence(teacher: pd.DataFrame, student: pd.DataFrame) -> float:
    """KL(teacher, student) of the answers to the same rows, nats a row."""
    from scipy.special import log_softmax

    columns = ["logit_0", "logit_1"]
    p, q = (log_softmax(frame[columns].to_numpy(), axis=1) for frame in (teacher, student))
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())
