"""Every figure of an export has a name in plain words."""

from __future__ import annotations

from export.figure_names import in_words
from export.latency_grid import SHAPES
from tests.export.conftest import Exported


def figures(made: Exported, variant: str) -> dict[str, float]:
    prefix = f"export/{variant}/"
    return {
        key.removeprefix(prefix): value
        for key, value in made.report.metrics.items()
        if key.startswith(prefix)
    }


def test_every_figure_of_both_tasks_is_told_once(
    exported_classifier: Exported, exported_language_model: Exported
) -> None:
    timed = {
        f"latency_{shape.key}_{figure}": 2.5 for shape in SHAPES for figure in ("p50_ms", "examples_per_s")
    }
    for made in (exported_classifier, exported_language_model):
        for variant in ("fp32", "int8"):
            found = figures(made, variant) | timed | {"peak_memory_mib": 90.0}
            told = in_words(found, "FP32")
            assert len(told) == len(found)
            assert not [one.name for one in told if "_" in one.name or "{" in one.name]
            assert len({one.name for one in told}) == len(told)


def test_quality_comes_first_with_units_and_calls_from_the_shortest_on() -> None:
    given = {
        "latency_b32_p95_ms": 40.04, "latency_b1_t128_p50_ms": 3.0, "size_mib": 12.5, "accuracy": 0.875,
        "latency_b8_t16_examples_per_s": 1234.0, "latency_b1_p50_ms": 1.0, "of_another_version": 0.5,
        "answers_lost": 3.0,
    }  # fmt: skip
    assert [(told.name, told.value) for told in in_words(given, "FP32")] == [
        ("right answers on the official split", "87.50 %"),
        ("answers that FP32 has right and this form wrong", "3"),
        ("size of the file", "12.5 MiB"),
        ("time of a call of 1 text of the median length, median", "1 ms"),
        ("time of a call of 32 texts of the median length, 95th percentile", "40 ms"),
        ("texts a second, 8 texts of 16 tokens a call", "1,234"),
        ("time of a call of 1 text of 128 tokens, median", "3 ms"),
        ("of_another_version", "0.5"),
    ]
