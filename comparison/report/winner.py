"""What won, by the held-out slice, what it scores, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from comparison.report.run_table import TYPED
from comparison.report.values import figure, setting
from export.variants import DEPLOYED
from pages.sections import Fact, Section
from runs.trials import selection_score

if TYPE_CHECKING:
    from comparison.report.subject import Subject
    from tracking.entities import RunRecord


def winner(subject: Subject) -> Section:
    """The first thing on the page."""
    run = subject.winner
    if run is None:
        said = "No run finished, so none won: what there is stands below."
        return Section("winner", "The winner", paragraphs=(said,))
    return Section(
        "winner", _title(subject), paragraphs=(_settings(subject, run),), facts=tuple(_facts(subject, run))
    )


def _title(subject: Subject) -> str:
    return "The winner" if len(subject.runs) > 1 else "The result"


def _settings(subject: Subject, run: RunRecord) -> str:
    settings = ", ".join(f"{key} {setting(run.params[key])}" for key in subject.varied if key in run.params)
    return f"{subject.name_of(run)}{f': {settings}' if settings else ''}."


def _facts(subject: Subject, run: RunRecord) -> Iterator[Fact]:
    task, metric = subject.task, subject.task.metric.replace("_", " ").capitalize()
    if f"test/{task.metric}" in run.metrics:
        yield Fact(
            f"{metric} on the official split",
            task.shown(run.metrics[f"test/{task.metric}"]),
            task.told(run.metrics, "test")[1],
            large=True,
        )
    held_out = selection_score(run, task)
    if held_out is not None:
        yield Fact(
            f"{metric} on the held-out slice", task.shown(held_out), "what it was selected by", large=True
        )
    prefix = f"export/{DEPLOYED.name}"
    if f"{prefix}/size_mib" in run.metrics:
        size, latency = run.metrics[f"{prefix}/size_mib"], run.metrics.get(f"{prefix}/latency_b1_p50_ms")
        yield Fact(
            f"Exported as {DEPLOYED.label}", f"{figure(size)} MiB", f"{figure(latency)} ms a text, median"
        )
    yield Fact(
        "Make it again", f"encore reproduce {run.run_id[:TYPED]}", "the same bits on a machine like that one"
    )
