"""Numbers as they are typed, and as they are shown."""

from __future__ import annotations

import pytest

from cli.figures import setting as in_a_terminal
from comparison.report.values import as_count, listed
from comparison.report.values import setting as in_a_report
from schema.numbers import three_digits


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.0025638", "0.00256"),
        ("20231", "20231"),
        ("-1234567", "-1234567"),
        ("1e4", "1e+04"),
        ("0.50", "0.5"),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_000", None),
        ("", None),
    ],
)
def test_a_fraction_has_three_digits_and_a_whole_number_all(text: str, shown: str | None) -> None:
    assert three_digits(text) == shown
    assert in_a_terminal(text) == in_a_report(text) == (text if shown is None else shown)


def test_two_seeds_of_five_digits_are_told_apart() -> None:
    assert listed(["20231", "20232"]) == "20231, 20232"
    assert listed([str(seed) for seed in range(20231, 20241)]) == "20231 to 20240"


def test_a_count_of_more_digits_than_python_reads_is_a_text() -> None:
    assert as_count("67349") == "67,349"
    assert as_count("9" * 5000) == "9" * 5000
