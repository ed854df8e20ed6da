"""Scores against hand-computed values and the formulas that define them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UserError
from scoring.intervals import wilson_interval
from scoring.scores import classification_scores, language_scores
from scoring.tasks import CLASSIFICATION, LANGUAGE_MODELLING

METRICS = Path(__file__).parents[2] / "scoring" / "metrics"


def labels(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_scores_of_a_table_computed_by_hand() -> None:
    # 3 true positives, 1 false positive, 2 false negatives, 4 true negatives.
    predictions = labels(1, 1, 1, 1, 0, 0, 0, 0, 0, 0)
    references = labels(1, 1, 1, 0, 1, 1, 0, 0, 0, 0)
    scores = classification_scores(predictions, references)
    assert scores["accuracy"] == pytest.approx(0.7)
    assert scores["f1"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 2))
    phi = (3 * 4 - 1 * 2) / math.sqrt((3 + 1) * (3 + 2) * (4 + 1) * (4 + 2))
    assert scores["matthews_correlation"] == pytest.approx(phi)
    # Wilson's interval for 7 of 10, worked out from the quadratic that defines it.
    for bound in (scores["accuracy_low"], scores["accuracy_high"]):
        assert (bound - 0.7) ** 2 == pytest.approx(1.959964**2 * bound * (1 - bound) / 10, rel=1e-5)
    assert scores["accuracy_low"] == pytest.approx(0.3968, abs=5e-5)
    assert scores["accuracy_high"] == pytest.approx(0.8922, abs=5e-5)


@st.composite
def paired_labels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    top = draw(st.integers(0, 4))
    size = draw(st.integers(1, 40))
    column = st.lists(st.integers(0, top), min_size=size, max_size=size)
    return labels(*draw(column)), labels(*draw(column))


def f1_of(label: int, predictions: np.ndarray, references: np.ndarray) -> float:
    predicted, actual = predictions == label, references == label
    total = int(predicted.sum() + actual.sum())
    return 2 * int((predicted & actual).sum()) / total if total else 0.0


def correlation_of(predictions: np.ndarray, references: np.ndarray) -> float:
    """Gorodkin's R_K (Computational Biology and Chemistry 28, 2004, 367-374), for two classes Matthews' phi."""
    classes = np.union1d(predictions, references)
    predicted = np.array([np.sum(predictions == label) for label in classes], dtype=np.float64)
    actual = np.array([np.sum(references == label) for label in classes], dtype=np.float64)
    count, hits = len(references), float(np.sum(predictions == references))
    spread = (count**2 - predicted @ predicted) * (count**2 - actual @ actual)
    return float((hits * count - predicted @ actual) / np.sqrt(spread)) if spread > 0 else 0.0


@settings(deadline=None, max_examples=60)
@given(paired_labels())
def test_scores_agree_with_their_formulas(pair: tuple[np.ndarray, np.ndarray]) -> None:
    predictions, references = pair
    scores = classification_scores(predictions, references)
    present = np.union1d(predictions, references)
    classes = [1] if present.max() <= 1 else present.tolist()
    assert scores["accuracy"] == float(np.mean(predictions == references))
    assert scores["f1"] == float(np.mean([f1_of(label, predictions, references) for label in classes]))
    assert scores["matthews_correlation"] == correlation_of(predictions, references)
    assert 0 <= scores["accuracy_low"] <= scores["accuracy"] <= scores["accuracy_high"] <= 1
    assert all(math.isfinite(value) for value in scores.values())


@given(st.integers(1, 5000), st.data())
def test_wilson_bounds_solve_their_equation(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    for bound in wilson_interval(hits, total, confidence=math.erf(math.sqrt(2))):  # two standard errors
        assert (bound - hits / total) ** 2 == pytest.approx(4 * bound * (1 - bound) / total, abs=1e-9)


def test_one_class_only_is_scored_without_a_correlation() -> None:
    scores = classification_scores(labels(1, 1, 0), labels(1, 1, 1))
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["matthews_correlation"] == 0
    assert classification_scores(labels(0, 0), labels(0, 0))["f1"] == 0


@pytest.mark.parametrize(
    ("predictions", "references"), [(labels(), labels()), (labels(1), labels(1, 0)), (labels(1), labels())]
)
def test_nothing_to_score_is_said_in_one_line(predictions: np.ndarray, references: np.ndarray) -> None:
    with pytest.raises(UserError, match="classification scoring") as raised:
        classification_scores(predictions, references)
    assert "\n" not in str(raised.value)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1e6), st.integers(1, 10**7))
def test_perplexity_is_the_exponential_of_nats_per_token(nll_sum: float, tokens: int) -> None:
    scores = language_scores(nll_sum, tokens)
    assert scores["loss"] == pytest.approx(nll_sum / tokens, rel=1e-12)
    expected = math.exp(nll_sum / tokens) if nll_sum / tokens < 709 else math.inf
    # Relative 1e-9: single precision anywhere on the way would show.
    assert scores["perplexity"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("nll_sum", "tokens"), [(1.0, 0), (math.nan, 3), (math.inf, 3), (-1.0, 3)])
def test_no_perplexity_without_tokens_or_with_a_broken_loss(nll_sum: float, tokens: int) -> None:
    with pytest.raises(UserError, match="language-model scoring"):
        language_scores(nll_sum, tokens)


LOAD_AND_SCORE = """
import sys
from pathlib import Path
import evaluate
from scoring.scores import classification_scores
import numpy as np
for script in sorted(Path(sys.argv[1]).glob("[a-z]*.py")):
    metric = evaluate.load(str(script), keep_in_memory=True)
    table = {"predictions": [1, 0, 1], "references": [1, 0, 0]}
    columns = {"nll": [2.0, 4.0], "tokens": [1, 2]} if script.stem == "perplexity" else table
    print(script.stem, metric.compute(**columns))
ours = np.array([1, 0, 1]), np.array([1, 0, 0])
print("scores", classification_scores(*ours))
"""


@pytest.mark.slow
def test_every_script_loads_by_path_offline_from_several_processes_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")}
    command = [sys.executable, "-c", LOAD_AND_SCORE, str(METRICS)]
    started = [
        subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=METRICS.parents[1],
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in started:
        out, err = process.communicate()
        assert process.returncode == 0, err
        lines = dict(line.split(" ", 1) for line in out.splitlines())
        assert set(lines) == {"accuracy", "f1", "matthews_correlation", "perplexity", "scores"}
        assert lines["accuracy"] == "{'accuracy': 0.6666666666666666}"
        assert lines["perplexity"].startswith("{'loss': 2.0, 'perplexity': 7.389")


@pytest.mark.slow
def test_scoring_leaves_nothing_in_the_users_cache(tmp_path: Path) -> None:
    """Also the proof that a home that cannot be written does not matter: HF_HOME is a file here."""
    blocked = tmp_path / "home"
    blocked.write_text("not a folder")
    script = (
        "import numpy as np; from scoring.scores import *; right = np.array([1, 0]);"
        "print(classification_scores(right, right)['f1'], language_scores(4.0, 2)['loss'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HF_HOME": str(blocked), "HF_HUB_OFFLINE": "1"},
        cwd=METRICS.parents[1], text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1.0", "2.0"]


def test_a_run_of_an_earlier_version_is_told_without_what_it_did_not_keep() -> None:
    assert CLASSIFICATION.told({"test/accuracy": 0.5}, "test") == ("accuracy 50.00 %", "")
    score, remark = LANGUAGE_MODELLING.told({"test/bits_per_byte": 1.5}, "test")
    assert (score.endswith("bits per byte"), remark) == (True, "")
