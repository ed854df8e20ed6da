"""Conditions on runs: what they mean, what is none, and that nothing else happens."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import UserError
from runs.conditions import condition
from runs.fields import field_named, ranked
from tracking.entities import Keys, RunRecord

KEYS = Keys(
    frozenset(
        {"optim.learning_rate", "train.precision", "data.packed", "seed", "name", "both", "model.seed"}
    ),
    frozenset({"test/accuracy", "test/loss", "both", "my metric"}),
    frozenset({"encore.kind", "encore.sweep", "good"}),
)


def run(**changes: object) -> RunRecord:
    told = {
        "run_id": "0" * 32, "name": "A small one", "experiment": "reviews", "status": "FINISHED",
        "params": {"optim.learning_rate": "3e-05", "train.precision": "bf16-mixed", "data.packed": "True", "seed": "7",
                   "name": "demo"},
        "metrics": {"test/accuracy": 0.91, "my metric": 2.0, "test/loss": math.nan},
        "tags": {"encore.kind": "run", "good": "it's so"},
        "start_ms": 1_767_225_600_000, "end_ms": 1_767_225_660_000, "parent_id": None, "artifact_uri": "",
        **changes,
    }  # fmt: skip
    return RunRecord(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("test/accuracy > 0.9 and optim.learning_rate < 1e-4", True),
        ("test/accuracy>90% and optim.learning_rate<1e-4", True),
        ("test/accuracy > 91%", False),
        ("test/accuracy >= 0.91 and not (seed = 8 or seed != 7)", True),
        ("train.precision = bf16-mixed", True),
        ("train.precision == 'BF16-mixed'", True),
        ("data.packed = true", True),
        ("seed = 7.0", True),
        ('"my metric" <= 2', True),
        ("name contains small", True),
        ("name ~ 'SMALL one'", True),
        ("params.name = demo", True),
        ("params.name = small", False),
        ("good = \"it's so\"", True),
        ("tags.good", True),
        ("both", False),
        ("status = finished or status = failed", True),
        ("status = failed or status = finished and seed = 8", False),
        ("not status = failed and kind = run", True),
        ("started > 2025-12-31 and started < '2026-01-03 12:00'", True),
        ("started > 0001-01-01", True),
        ("started < 9999-12-31", True),
        ("minutes = 1", True),
        ("learning_rate < 1", True),
        ("test/loss < 1 or test/loss >= 1", False),
        ("sweep != demo", False),
        ("parent", False),
        ("encore.sweep = demo or (((seed = 7)))", True),
        ("train.precision > 3", False),
        ("name contains ''", True),
    ],
)  # fmt: skip
def test_what_conditions_mean(text: str, holds: bool) -> None:
    assert condition(text.replace("both", "metrics.both"), KEYS).holds(run()) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends where a name belongs"),
        ("test/accuracy >", "ends where a value belongs"),
        ("test/accuracy > high", "'high' is no number and no date, after test/accuracy >"),
        ("test/accuracy > 2026-01-01", "'2026-01-01' is no number, after test/accuracy >"),
        ("started > 2026", "'2026' is no date, such as 2026-11-26, after started >"),
        ("test/accuracy 0.9", "'0.9' stands where `and` or `or` belongs"),
        ("(seed = 1", "a bracket that is not closed"),
        ("seed = 1)", "')' stands where `and` or `or` belongs"),
        ("and seed = 1", "'and' stands where a name belongs"),
        ("seed = = 1", "'=' stands where a value belongs"),
        ('name = "open', "cannot be read from"),
        ("seed = 1; import os", "';' stands"),
        ("(" * 50 + "seed" + ")" * 50, "more than 40 brackets deep"),
        ("not " * 50 + "seed", "more than 40 brackets deep"),
        ("seed = " + "1" * 5000, "5,007 characters"),
        ("test/acuracy > 0.9", "Did you mean test/accuracy?"),
        ("optim.lerning_rate = 1", "Did you mean optim.learning_rate?"),
        ("qqqqqq = 1", "no run has a metric, param or tag of this name"),
        ("both = 1", "Write one of metrics.both, params.both"),
    ],
)
def test_what_is_no_condition_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        condition(text.replace("1; import", "1 ; import"), KEYS)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_time_with_a_zone_is_that_moment_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run started at midnight of 2026 in UTC."""
    for zone, day in (
        ("UTC", "2026-01-01"),
        ("Asia/Tokyo", "2026-01-01"),
        ("America/New_York", "2025-12-31"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv("TZ", zone)
            time.tzset()
            for text, holds in (
                (f"started = {day} and not started != {day}", True),
                (f"started = {day} and started != 2026-01-02", True),
                ("started = 2026-01-02", False),
                ("started = 2026-01-01T00:00:00Z", True),
                ("started > '2026-01-01 04:59+05:00'", True),
                ("started > '2026-01-01 05:01+05:00'", False),
                ("started < 2025-12-31T19:01-05:00", True),
            ):
                assert condition(text, KEYS).holds(run()) is holds
    time.tzset()


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_condition_or_one_line(text: str) -> None:
    try:
        holds = condition(text, KEYS).holds(run())
    except UserError as refused:
        assert "\n" not in str(refused)  # noqa: PT017
    else:
        assert isinstance(holds, bool)


NUMBERS = st.one_of(st.none(), st.floats(-9, 9), st.just(math.nan))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8), st.floats(-9, 9), st.booleans())
def test_and_or_not_are_those_of_logic(
    values: list[tuple[float | None, float | None]], limit: float, negated: bool
) -> None:
    for accuracy, loss in values:
        metrics = {
            key: value
            for key, value in (("test/accuracy", accuracy), ("test/loss", loss))
            if value is not None
        }
        above = accuracy is not None and accuracy > limit
        below = loss is not None and loss <= limit
        text = f"test/accuracy > {limit!r} and test/loss <= {limit!r} or not test/loss"
        expected = (above and below) or loss is None
        text = f"not ({text})" if negated else text
        assert condition(text, KEYS).holds(run(metrics=metrics)) is (expected is not negated)


@given(st.lists(NUMBERS, max_size=9), st.booleans())
def test_a_ranking_is_stable_and_what_has_no_value_comes_last(
    values: list[float | None], most_first: bool
) -> None:
    runs = [
        run(run_id=str(number), metrics={} if value is None else {"test/accuracy": value})
        for number, value in enumerate(values)
    ]
    found = ranked(runs, field_named("test/accuracy", KEYS), most_first=most_first)
    known = [
        (value, number) for number, value in enumerate(values) if value is not None and not math.isnan(value)
    ]
    known.sort(key=lambda item: -item[0] if most_first else item[0])
    absent = [number for number, value in enumerate(values) if value is None or math.isnan(value)]
    assert [int(one.run_id) for one in found] == [number for _, number in known] + absent


def test_less_is_better_of_a_loss_and_more_of_an_accuracy() -> None:
    assert not field_named("test/loss", KEYS).most_first
    assert field_named("test/accuracy", KEYS).most_first
    assert field_named("started", KEYS).most_first
    assert not field_named("optim.learning_rate", KEYS).most_first
