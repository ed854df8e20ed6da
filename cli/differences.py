"""`encore diff`: two runs in columns, with the difference between what they came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.console import print_json
from cli.figures import figure, heading, points, typed
from cli.session import OK, named_run
from cli.tables import SHORT, fitted
from export.variants import DEPLOYED
from host.markup import literal
from host.text import shortened
from scoring.tasks import TASKS, task_of_metrics

if TYPE_CHECKING:
    from experiments.reproduction.verdict import Comparison
    from runs.differences import Cause
    from runs.files import RunFiles
    from tracking.entities import RunRecord

_KIND, _WHAT, _LEAST = 12, 32, 12  # characters of a row: its kind with the gaps, its name, a value
_SPLITS = {"val": "held-out", "test": "official"}
_RESULTS = (
    *(
        f"{prefix}/{name}"
        for prefix in ("best/val", "test")
        for task in TASKS
        for name in (task.metric, "loss")
    ),
    *(f"export/{DEPLOYED.name}/{task.export_figure}" for task in TASKS),
    *(f"export/{DEPLOYED.name}/{name}" for name in ("size_mib", "latency_b1_p50_ms")),
)


def diff_verb(one_id: str, other_id: str, root: Path, *, as_json: bool) -> int:
    out, _, one = named_run(one_id, root)
    from experiments.reproduction.diff import diff_runs
    from runs.files import run_named

    other = run_named(one.store, other_id)
    causes, comparison = diff_runs(one, other)
    if as_json:
        compared = None if comparison is None else asdict(comparison)
        print_json({"differences": [asdict(cause) for cause in causes], "compared": compared})
        return OK
    names = (one.record.run_id[:SHORT], other.record.run_id[:SHORT])
    if causes:
        out.print("What differs, what counts most first", style="italic")
        print_causes(out, causes, names)
    else:
        out.print("Settings, data, code, libraries and machine are the same.")
    _print_results(out, one, other, names)
    if comparison is None:
        out.print("[dim]One of them has no finished record: their steps and files are not compared.[/]")
    else:
        for line in _compared(comparison, causes, one.record, other.record):
            out.print(literal(line), highlight=False)
    return OK


def print_causes(console: Console, causes: Sequence[Cause], names: tuple[str, str]) -> None:
    """names: of the two columns. Values are cut to the room that there is."""
    room = max(_LEAST, (console.width - _KIND - _WHAT) // 2)
    rows = [
        {
            "kind": cause.kind,
            "what": literal(shortened(cause.name, 2 * _WHAT)),
            names[0]: literal(shortened(typed(cause.recorded or "none"), room)),
            names[1]: literal(shortened(typed(cause.actual or "none"), room)),
        }
        for cause in causes
    ]
    console.print(fitted(console, rows, spare=(), squeezed="what"))


def _print_results(console: Console, one: RunFiles, other: RunFiles, names: tuple[str, str]) -> None:
    """Steps, scores of both splits, and what the deployed variant is worth."""
    steps = [_steps(run) for run in (one, other)]
    rows = [
        {
            "result": "steps",
            names[0]: f"{steps[0]:,}",
            names[1]: f"{steps[1]:,}",
            "difference": f"{steps[1] - steps[0]:+,}" if steps[0] != steps[1] else "",
        }
    ]
    for key in dict.fromkeys(_RESULTS):
        then, now = (run.record.metrics.get(key) for run in (one, other))
        if then is not None or now is not None:
            shown = ["" if value is None else figure(key, value) for value in (then, now)]
            difference = "" if then is None or now is None else points(key, now - then)
            rows.append(
                {"result": _title(key), names[0]: shown[0], names[1]: shown[1], "difference": difference}
            )
    console.print(fitted(console, rows, spare=(), squeezed="result"))


def _steps(run: RunFiles) -> int:
    """The optimiser steps that it went."""
    return max((step for step, _ in run.store.metric_history(run.record.run_id, "train/loss")), default=0)


def _title(key: str) -> str:
    where, _, name = key.rpartition("/")
    places = {"best/val": _SPLITS["val"], "test": _SPLITS["test"], f"export/{DEPLOYED.name}": DEPLOYED.label}
    return f"{places[where]} {heading(name)}"


def _compared(found: Comparison, causes: Sequence[Cause], one: RunRecord, other: RunRecord) -> Iterator[str]:
    """What of two runs can be held against each other at all, and what that shows."""
    others = {cause.name for cause in causes if cause.kind == "data"}
    if task_of_metrics(one.metrics, "test") is not task_of_metrics(other.metrics, "test"):
        yield "They are of two tasks: their steps, files and answers are not compared."
        return
    yield _of_steps(found, other_rows="train" in others)
    alike = [name for name, same in found.digests.items() if same]
    apart = [name for name, same in found.digests.items() if not same]
    if apart:
        yield f"Files that differ: {', '.join(apart)}."
    if alike:
        yield f"Files that are the same: {', '.join(alike)}."
    for split, title in _SPLITS.items():
        answers = found.answers.get(split)
        if split in others:
            yield f"Answers to the {title} split: of other rows, so they are not compared."
        elif answers is not None:
            share = 100 * answers.equal_share
            yield f"Answers to the {title} split: {share:.2f} % of {answers.examples:,} are alike."
    more = sum(key not in _RESULTS for key in found.metrics)
    if more:
        yield f"{more} more figures differ; `--json` has them."


def _of_steps(found: Comparison, *, other_rows: bool) -> str:
    first, both = found.first_difference, f"{found.steps_compared:,} steps that both went"
    if other_rows:
        return "They were trained on other rows: their steps are not compared."
    if first is None:
        return f"Steps: {found.values_compared:,} values of the {both} are equal to the bit."
    if not found.steps_compared:
        return "They have no step in common that could be compared."
    if first.recorded is None or first.actual is None:
        return f"Steps: equal to the bit up to step {first.step:,}, which one of them alone has."
    return (
        f"Steps: of the {both}, step {first.step:,} is the first that differs ({first.metric} {first.recorded:.6g} and "
        f"{first.actual:.6g}); the losses of a step are at most {found.largest_loss_difference:.3g} nats apart."
    )
