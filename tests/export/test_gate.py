"""What the gate says of a quality that was lost, against the tables of answers that an export keeps."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from export.options import ExportConfig, ExportOptions
from export.report import ExportReport, Gate, GateVerdict, gate_verdict, limit_p_values
from export.tasks import EXPORT_TASKS
from export.variants import DEPLOYED

CLASSIFIER, LANGUAGE_MODEL = (
    EXPORT_TASKS[name] for name in ("sequence-classification", "causal-language-model")
)


def answers(rows: int, lost: int, won: int) -> pd.DataFrame:
    """Of a binary classifier: INT8 has `lost` right answers less than FP32, and `won` others."""
    fp32 = np.zeros(rows, int)
    fp32[lost : lost + won] = 1
    int8 = np.zeros(rows, int)
    int8[:lost] = 1
    labels = np.zeros(rows, int)
    return pd.DataFrame({"label": labels, "fp32_prediction": fp32, "int8_prediction": int8})


def verdict(rows: int, lost: int, won: int) -> GateVerdict:
    p_values = limit_p_values(answers(rows, lost, won), [DEPLOYED], task=CLASSIFIER, options=ExportOptions())
    [(name, p)] = p_values.items()
    assert name == "export/int8/limit_p_value"
    return gate_verdict(None, p)


def test_eight_changed_answers_of_872_prove_nothing_of_half_a_point() -> None:
    assert verdict(872, 4, 4) is GateVerdict.HELD
    assert verdict(872, 0, 0) is GateVerdict.PROVED
    assert verdict(25_000, 60, 58) is GateVerdict.PROVED


def test_a_missed_limit_is_failed_whatever_else_is_known() -> None:
    assert gate_verdict("too far", 0.0) is GateVerdict.FAILED


def test_the_verdict_on_an_export_is_the_worst_of_its_variants() -> None:
    proved, held, failed = (
        Gate(verdict, "too far" if verdict is GateVerdict.FAILED else None) for verdict in GateVerdict
    )
    for of, expected in (
        ({"fp32": proved, "int8": proved}, proved),
        ({"fp32": proved, "int8": held, "int4": proved}, held),
        ({"fp32": proved, "int8": failed, "int4": held}, failed),
    ):
        report = ExportReport({}, {}, pd.DataFrame(), {}, of)
        assert report.verdict is expected.verdict
        assert report.failures == tuple(filter(None, [expected.failure]))
        assert json.loads(report.to_json())["verdicts"] == {name: one.verdict for name, one in of.items()}


def losses(texts: int, increase: float, seed: int = 0) -> pd.DataFrame:
    """Of a language model whose INT8 loss lies `increase` nats/token above FP32's, give or take a tenth a text."""
    generator = np.random.default_rng(seed)
    fp32 = generator.gamma(9, 0.2, texts)
    int8 = fp32 + generator.normal(increase, 0.1, texts)
    tokens = generator.integers(20, 400, texts)
    return pd.DataFrame({"predicted_tokens": tokens, "fp32_loss": fp32, "int8_loss": int8})


@pytest.mark.parametrize(
    ("texts", "increase", "expected"),
    [(400, 0.02, GateVerdict.PROVED), (400, 0.047, GateVerdict.HELD), (19, -1.0, GateVerdict.HELD)],
)
def test_a_language_model_is_held_to_its_loss(texts: int, increase: float, expected: GateVerdict) -> None:
    options = ExportOptions(ExportConfig(max_loss_increase=0.05))
    p_values = limit_p_values(losses(texts, increase), [DEPLOYED], task=LANGUAGE_MODEL, options=options)
    assert gate_verdict(None, p_values["export/int8/limit_p_value"]) is expected


def test_a_loss_at_the_limit_is_seldom_proved_to_be_below() -> None:
    proved = sum(
        limit_p_values(losses(60, 0.05, seed), [DEPLOYED], task=LANGUAGE_MODEL, options=ExportOptions())[
            "export/int8/limit_p_value"
        ]
        < 0.05
        for seed in range(200)
    )
    assert proved <= 20  # ten are expected
