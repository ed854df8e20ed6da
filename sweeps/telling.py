"""What a finished sweep says of itself in the store: its name, its description, and the place of each of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.naming import sweep_name
from export.variants import DEPLOYED
from runs.layout import PLACE, SWEEP_PAGE
from tracking.entities import KILLED_BECAUSE_TAG
from tracking.notes import plain
from tracking.views import set_number

if TYPE_CHECKING:
    from scoring.task import Task
    from sweeps.config import SearchConfig
    from tracking.entities import RunRecord
    from tracking.run_log import RunLog
    from tracking.store import Store

NAME_TAG = "mlflow.runName"
ROWS = 30  # of the table: MLflow keeps 8,000 characters of a description


def give_places(store: Store, ordered: Iterable[RunRecord]) -> None:
    """1 for the run that the sweep selected, and so on; a table sorted by it has that one in its first row.

    Only places that have changed are written.
    """
    for place, run in enumerate(ordered, start=1):
        if run.metrics.get(PLACE) != place:
            set_number(store, run.run_id, PLACE, place)


def tell_sweep(
    store: Store,
    parent: RunLog,
    sweep: SearchConfig,
    given: Mapping[str, str],
    task: Task,
    ordered: Sequence[RunRecord],
) -> None:
    """Name the sweep's own run after what it found, have its description open with winner and table, give places.

    ordered: its runs, the winner first; none finished: there is no winner.
    """
    give_places(store, ordered)
    key = f"best/{task.primary_metric}"
    if not ordered or ordered[0].status != "FINISHED" or key not in ordered[0].metrics:
        parent.tell(f"**No run finished**, of {len(ordered)}.")
        return
    best = ordered[0]
    parent.set_tags({NAME_TAG: sweep_name(sweep.name, sweep.seed, given, task.brief(best.metrics[key]))})
    score, remark = task.told(best.metrics, "test")
    held_out = f"held-out {task.shown(best.metrics[key])}{task.unit}"
    pruned = sum(run.tags.get(KILLED_BECAUSE_TAG) == "pruned" for run in ordered)
    winner = f"**{plain(best.name)}** won of {len(ordered)} runs ({pruned} pruned): **{score}** {remark} · {held_out}"
    report = f"[Plots]({artifact_link(parent, SWEEP_PAGE)})"
    parent.tell(
        "\n\n".join([winner, f"`encore reproduce {best.run_id[:8]}` · {report}", _table(task, ordered)])
    )


def artifact_link(log: RunLog, path: str) -> str:
    """Of a file of a run, in MLflow's own pages."""
    return (
        f"#/experiments/{log.experiment_id}/runs/{log.run_id}/artifacts/{path}?workflowType=machine_learning"
    )


def _table(task: Task, ordered: Sequence[RunRecord]) -> str:
    """In Markdown, the best first."""
    heads = ["", "run", "name", "held-out", "official", DEPLOYED.label, "how it ended"]
    lines = [_line(place, task, run) for place, run in enumerate(ordered[:ROWS], start=1)]
    return markdown_table(heads, lines, more=len(ordered) - ROWS)


def markdown_table(heads: Sequence[str], lines: Sequence[Sequence[str]], *, more: int) -> str:
    """more: how many lines there are beside these; none or fewer: nothing is said."""
    rows = [heads, ["---"] * len(heads), *lines]
    told = [f"{more} more are not shown."] if more > 0 else []
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", *told])


def _line(place: int, task: Task, run: RunRecord) -> list[str]:
    held_out, official = f"best/{task.primary_metric}", f"test/{task.metric}"
    exported = f"export/{DEPLOYED.name}/{task.export_figure}"
    ended = run.tags.get(KILLED_BECAUSE_TAG) or run.status.lower()
    return [
        str(place),
        run.run_id[:8],
        plain(run.name),
        *(task.shown(run.metrics[key]) if key in run.metrics else "" for key in (held_out, official)),
        task.export_shown(run.metrics[exported]) if exported in run.metrics else "",
        plain(ended),
    ]
