"""The seeds of the winner's recipe: what a new seed alone does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparison.recipes import recipe_of, seed_of
from comparison.report.values import NONE
from pages.figures import BLUE, VERMILION, Figure, drawn
from pages.sections import Section
from pages.tables import Column, Row, Table, table
from pages.texts import SHORT
from runs.trials import selection_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from comparison.report.subject import Subject
    from tracking.entities import RunRecord


def seeds_section(subject: Subject) -> Section | None:
    """Of all runs in the store that differ from the winner by their seed alone; nothing where there is none."""
    winner = subject.winner
    if winner is None:
        return None
    recipe = recipe_of(winner, subject.store.runs(experiment=winner.experiment), [winner.run_id])
    key = f"test/{subject.task.metric}"
    runs = [run for run in recipe.runs if key in run.metrics]
    if len(runs) < 2:
        return None
    metric = subject.task.metric.replace("_", " ")
    picture = drawn(
        lambda axes: _draw(axes, subject, runs),
        name="seeds-strip",
        label=f"{metric} on the official split of {len(runs)} seeds; the numbers stand in the table below.",
        inches=(4.2, 2.4),
    )
    caption = (
        f"{metric.capitalize()} on the official split of each run in the store that has the winner's recipe; the star "
        "is the winner itself. Whether another recipe is better is a question to several seeds of both."
    )
    figure = Figure(
        "seeds", "The winner's recipe with other seeds", caption, (picture,), _table(subject, runs)
    )
    return Section("seed", "What a new seed does", figures=(figure,))


def _draw(axes: Axes, subject: Subject, runs: list[RunRecord]) -> None:
    for run in runs:
        score, is_winner = run.metrics[f"test/{subject.task.metric}"], subject.is_winner(run)
        marker, colour, size = ("*", VERMILION, 12) if is_winner else ("o", BLUE, 6)
        axes.plot(str(seed_of(run)), score, marker=marker, color=colour, markersize=size)
    axes.set_xlabel("seed")
    axes.margins(x=0.15, y=0.2)


def _table(subject: Subject, runs: list[RunRecord]) -> Table:
    task = subject.task
    rows = []
    for run in runs:
        held_out = selection_score(run, task)
        cells = (
            str(seed_of(run)),
            run.run_id[:SHORT],
            NONE if held_out is None else task.shown(held_out),
            task.shown(run.metrics[f"test/{task.metric}"]),
        )
        rows.append(Row(cells, "winner" if subject.is_winner(run) else ""))
    columns = [
        Column("seed"),
        Column("run"),
        Column("held out", "number"),
        Column("official split", "number"),
    ]
    return table("seed-scores", "Each seed", columns, rows)
