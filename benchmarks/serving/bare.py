"""The model alone: a session on one core, without a server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median

import numpy as np

from datamodules.cut import TextLimit
from export.original import MODEL_FILE
from export.session import OnnxModel, new_session
from export.text_ids import TextIds

MODEL_CORE = 0
ROUNDS, SECONDS = 3, 4.0


def token_ids(bundle: Path, texts: list[str]) -> list[np.ndarray]:
    about = json.loads((bundle / "bundle.json").read_text())
    reader = TextIds(bundle, limit=TextLimit(about["max_tokens"], about["cut"]))
    return [np.array([reader.of(text).ids], np.int64) for text in texts]


def calls_a_second(bundle: Path, texts: list[str]) -> float:
    """Calls a second of a loop over ready ids, on the model's core."""
    os.sched_setaffinity(0, {MODEL_CORE})
    session = new_session(bundle / MODEL_FILE, threads=1)
    feeds = [{"input_ids": ids, "attention_mask": np.ones_like(ids)} for ids in token_ids(bundle, texts)]
    for feed in feeds[:50]:
        session.run(["logits"], feed)
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        session.run(["logits"], feeds[calls % len(feeds)])
        calls += 1
    return calls / (time.perf_counter() - began)


def services_s(bundle: Path, texts: list[str]) -> np.ndarray:
    """Seconds of each text's call, the mean of three rounds."""
    os.sched_setaffinity(0, {MODEL_CORE})
    model = OnnxModel(bundle, threads=1)
    rounds = []
    for _ in range(3):
        took = []
        for ids in token_ids(bundle, texts):
            began = time.perf_counter()
            model.logits(ids)
            took.append(time.perf_counter() - began)
        rounds.append(took)
    return np.mean(rounds, axis=0)


def queue_s(bundle: Path, texts: list[str], times_s: list[float]) -> list[float]:
    """A queue without any cost, run: seconds from the times when texts arrive, in turn, until their calls end.

    It waits for the next text without giving up its core.
    """
    os.sched_setaffinity(0, {MODEL_CORE})
    model, rows, found = OnnxModel(bundle, threads=1), token_ids(bundle, texts), []
    for ids in rows[:50]:
        model.logits(ids)
    began = time.perf_counter() + 0.1
    for number, at in enumerate(times_s):
        while time.perf_counter() < began + at:
            pass
        model.logits(rows[number % len(rows)])
        found.append(time.perf_counter() - began - at)
    return found


def together(bundle: Path) -> list[object]:
    """Rows a second of 16 texts of equal length in one call over those of one text in a call, in turn."""
    os.sched_setaffinity(0, {MODEL_CORE})
    model = OnnxModel(bundle, threads=1)
    draw = np.random.default_rng(0)
    one, many = (draw.integers(1000, 20_000, (rows, 16)) for rows in (1, 16))
    ratios = []
    for _ in range(2 * ROUNDS + 1):
        alone, together = (_median_s(model, ids) for ids in (one, many))
        ratios.append(16 * alone / together)
    return ["rows/s of the bare session, 16x16 over 1x16", f"{median(ratios):.2f} ×"]


def _median_s(model: OnnxModel, ids: np.ndarray) -> float:
    took = []
    for _ in range(30):
        began = time.perf_counter()
        model.logits(ids)
        took.append(time.perf_counter() - began)
    return median(took)
