"""What the statistics claim, measured where the truth is known."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import PAGE, table, write_section
from benchmarks.statistics import findings, intervals, models, recipes
from benchmarks.statistics.rows import Row

SIMULATED = 10_000
_INTRODUCTION = (
    "Every truth is known: counts are drawn from the multinomial or enumerated with scipy.stats, answers are drawn row "
    f"by row. {SIMULATED:,} simulated where no other number is named."
)


def measured(data: Path, share: float = 1.0) -> list[Row]:
    """All figures; share: of the simulations that the page asks for, for a quick look."""
    many, texts_and_labels = round(SIMULATED * share), findings.sentences(data)
    return [
        *models.enumerated(),
        *models.simulated(many),
        models.through_tables(max(2, many // 200)),
        *models.gate(many),
        *recipes.false_claims(many // 5),
        recipes.one_seed(many // 5),
        *intervals.of_shares(many),
        intervals.of_losses(many),
        intervals.of_stories(many, 300),
        intervals.of_stories(many, 1000),
        intervals.gate_of_loss(many // 2),
        *findings.winners(many // 10, 1000, flipped=0.03),
        *findings.winners(many // 10, 1000, flipped=None),
        *findings.winners(many // 10, 200, flipped=None),
        *findings.of_slices(*texts_and_labels, models=max(4, many // 5)),
        findings.calibrated_error(),
    ]


def measure(data: Path) -> None:
    """Writes the section."""
    from tracking.provenance import collect

    commit, rows = collect(PAGE.parent.parent).code.commit, measured(data)
    headings = ["what", "measured", "wanted", "holds"]
    body = f"Commit {(commit or 'none')[:8]}. {_INTRODUCTION}\n\n{table(headings, [row.cells() for row in rows])}"
    write_section("Statistics", "python -m benchmarks statistics", body)
