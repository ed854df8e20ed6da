"""What a run came to, in the line that its description opens with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from export.variants import DEPLOYED
from host.progress import Reporter
from runs.aside import aside
from runs.layout import ORDER
from runs.views import save_views

if TYPE_CHECKING:
    from experiments.training.recipe import PreparedRun
    from runs.result import RunResult
    from scoring.task import Task
    from tracking.run_log import RunLog
    from tracking.store import Store

_WEIGHT = 1e-6  # of the loss in the order: less than one answer of a million


def tell_result(log: RunLog, result: RunResult, prepared: PreparedRun) -> None:
    """Have the description of a run that ended open with its result and the command that makes it again.

    With it goes the metric by which tables are sorted.
    """
    task, steps = prepared.parts.config.task, prepared.parts.schedule.total_steps
    log.log_metrics({ORDER: order_of(result.metrics, task)}, step=0)
    log.tell(f"{headline(result, task, steps)}\n\n`encore reproduce {log.run_id[:8]}`")


def views_saved(
    store: Store, experiment: str, reporter: Reporter, *, ends_with: Exception | None = None
) -> None:
    """Save the views of an experiment in which a run has ended; where that fails it costs the views alone.

    ends_with: see `aside`.
    """
    what = "MLflow's saved views are not up to date"
    with aside(reporter, what, root=store.root, ends_with=ends_with):
        save_views(store, experiment)


def order_of(metrics: Mapping[str, float], task: Task) -> float:
    """The held-out metric, and among equals the lower loss first, for tables that can be sorted by one column alone."""
    loss = metrics["best/val/loss"]
    worse = -_WEIGHT if task.greater_is_better else _WEIGHT
    return metrics[f"best/{task.primary_metric}"] + worse * loss / (1 + loss)


def headline(result: RunResult, task: Task, total_steps: int) -> str:
    """In Markdown: `**accuracy 92.50 %** (95 % interval 90.7 to 94.0) · held-out 93.00 % · INT8 92.50 %, 0.25 MiB`."""
    score, remark = task.told(result.metrics, "test")
    held_out = task.shown(result.metrics[f"best/{task.primary_metric}"])
    what = f"**{score}** {remark} · held-out {held_out}{task.unit}"
    if result.status == "pruned":
        return f"**Pruned** at step {result.steps:,} of {total_steps:,}; until there {what}"
    reused = f", taken over from run {result.reused[:8]}: nothing was trained" if result.reused else ""
    return f"{what}{_deployed(result.metrics, task)}{reused}"


def _deployed(metrics: Mapping[str, float], task: Task) -> str:
    """Score, size and latency of the exported model; nothing where there is none."""
    of = f"export/{DEPLOYED.name}"
    if f"{of}/{task.export_figure}" not in metrics:
        return ""
    score = task.export_shown(metrics[f"{of}/{task.export_figure}"])
    size, latency = metrics[f"{of}/size_mib"], metrics[f"{of}/latency_b1_p50_ms"]
    return f" · {DEPLOYED.label} {score}, {size:.4g} MiB, {latency:.3g} ms"
