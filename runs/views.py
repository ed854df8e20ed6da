"""The saved views of an experiment: which columns, which runs, which charts answer a question there.

*Runs*, one for each sweep, *Exports*, *Seeds* and, for language models, *Stories*. Each has at most twelve columns,
none of them wholly empty, and the best run in its first row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from export.variants import DEPLOYED, EXPORTED
from runs.layout import (
    EXPORT_GATE,
    KIND_TAG,
    ORDER,
    PLACE,
    RANKED_KINDS,
    REUSES_TAG,
    RunKind,
    kind_of,
)
from scoring.tasks import TASKS
from tracking.entities import KILLED_BECAUSE_TAG, RunRecord
from tracking.search import PARENT_TAG
from tracking.views import ALWAYS_SHOWN, Chart, Column, View, direct, write_views

if TYPE_CHECKING:
    from scoring.task import Task
    from tracking.store import Store

MOST_COLUMNS = 12
RUNS_VIEW = "encore-runs"
_OWN = MOST_COLUMNS - ALWAYS_SHOWN
_READ = 500  # the newest runs, from which columns are chosen
_SWEEPS = 20  # the newest, which get a view each
_SEEDED = 200  # runs that the view of seeds names, one by one
_SPACE = "space/"
_TRAINED_ONCE = " AND ".join(
    [f"tags.`{KIND_TAG}` != '{kind}'" for kind in RunKind if kind not in RANKED_KINDS]
    + [f"tags.`{REUSES_TAG}` IS NULL"]
)
# Settings that people compare by, first; others that vary follow in the order of their names.
_FIRST = (
    "optim.learning_rate", "optim.warmup_ratio", "train.precision", "data.batch_size", "optim.weight_decay",
    "train.max_epochs", "train.max_steps", "model.dropout", "seed",
)  # fmt: skip
_UNTOLD = ("name", "description", "data.path", "model.pretrained", "model.tokenizer", "export.", "samples.",
           "train.check", "train.keep", "train.threads", "data.loader")  # fmt: skip
_QUALITIES = ("coherent", "ended", "loops", "copied_13grams", "distinct_2", "perplexity", "limits_missed")
_STORIES = tuple(f"stories/{name}" for name in _QUALITIES)


@dataclass(frozen=True)
class Picked:
    """The runs of a view, and what of them can be shown: nothing that none of them has."""

    runs: Sequence[RunRecord]

    @cached_property
    def metrics(self) -> set[str]:
        return {key for run in self.runs for key in run.metrics}

    @cached_property
    def varied(self) -> list[str]:
        """Settings of which the runs have several values, the usual ones first."""
        values: dict[str, set[str]] = {}
        for run in self.runs:
            for key, value in run.params.items():
                values.setdefault(key, set()).add(value)
        found = sorted(key for key, some in values.items() if len(some) > 1 and not key.startswith(_UNTOLD))
        return [key for key in _FIRST if key in found] + [key for key in found if key not in _FIRST]

    def measured(self, *names: str) -> list[Column]:
        return [Column("metrics", name, _width(name)) for name in names if name in self.metrics]

    def set_as(self, *keys: str) -> list[Column]:
        present = {key for run in self.runs for key in run.params}
        return [Column("params", key, min(130, _width(key))) for key in keys if key in present]

    def tagged(self, *keys: str) -> list[Column]:
        return [Column("tags", key, _width(key)) for key in keys if any(key in run.tags for run in self.runs)]


def views_of(runs: Sequence[RunRecord], sweeps: Iterable[RunRecord]) -> list[View]:
    """The views of an experiment from its newest runs, the first one first; none where nothing was logged there.

    sweeps: the parents that get a view each.
    """
    trained = [run for run in runs if kind_of(run) in RANKED_KINDS and REUSES_TAG not in run.tags]
    found = next((task for task in TASKS if any(_held_out(task) in run.metrics for run in trained)), None)
    views = _going_on(Picked(trained)) if found is None else [_runs(found, Picked(trained))]
    views += [view for sweep in sweeps if (view := _sweep(sweep, runs)) is not None]
    if found is not None:
        views += [
            *_exports(found, [run for run in trained if f"export/{DEPLOYED.name}/size_mib" in run.metrics]),
            *_seeds(found, _of_several_seeds(trained)),
        ]
    return views + _stories([run for run in runs if kind_of(run) == RunKind.STORIES])


def save_views(store: Store, experiment: str) -> list[View]:
    """Save the views of an experiment as its runs are now; those that stay are not written again.

    UserError where the store cannot be written.
    """
    reading = direct(store)
    runs = reading.runs(experiment=experiment, limit=_READ)
    sweeps = reading.runs(experiment=experiment, tags={KIND_TAG: RunKind.SWEEP}, limit=_SWEEPS)
    views = views_of(runs, sweeps)
    write_views(store, experiment, views)
    return views


def _held_out(task: Task) -> str:
    return f"best/{task.primary_metric}"


def _order(task: Task, picked: Picked) -> Column:
    """Where an earlier version of Encore has left runs, by the metric itself, which knows no order among equals."""
    primary = _held_out(task)
    new = all(ORDER in run.metrics for run in picked.runs if primary in run.metrics)
    return Column("metrics", ORDER if new else primary)


def _scored(task: Task, picked: Picked) -> list[Column]:
    return picked.measured(_held_out(task), f"test/{task.metric}")


def _deployed(task: Task, picked: Picked) -> list[Column]:
    of = f"export/{DEPLOYED.name}"
    return picked.measured(f"{of}/{task.export_figure}", f"{of}/size_mib", f"{of}/latency_b1_p50_ms")


def _view(
    key: str,
    name: str,
    task: Task,
    picked: Picked,
    condition: str,
    columns: Sequence[Column],
    order: Column | None = None,
) -> View:
    return View(
        key=key,
        name=name,
        columns=tuple(columns[:_OWN]),
        condition=condition,
        order=order or _order(task, picked),
        ascending=order is not None or not task.greater_is_better,
        charts=_charts(task, picked),
        metrics=tuple(sorted(picked.metrics)),
    )


def _runs(task: Task, picked: Picked) -> View:
    columns = [*_scored(task, picked), *_deployed(task, picked), *picked.tagged(KILLED_BECAUSE_TAG)]
    return _view(RUNS_VIEW, "Runs", task, picked, _TRAINED_ONCE, [*columns, *picked.set_as(*picked.varied)])


def _going_on(picked: Picked) -> list[View]:
    """Of an experiment in which no run has come to its score yet, as while the first one trains."""
    task = next((task for task in TASKS if task.primary_metric in picked.metrics), TASKS[0])
    measured = picked.measured(task.primary_metric, "val/loss", "train/loss")
    if not measured:
        return []
    columns = [*measured, *picked.tagged(KILLED_BECAUSE_TAG), *picked.set_as(*picked.varied)]
    view = _view(RUNS_VIEW, "Runs", task, picked, _TRAINED_ONCE, columns, measured[0])
    return [replace(view, ascending=measured[0].key != task.primary_metric or not task.greater_is_better)]


def sweep_key(sweep: RunRecord) -> str:
    """The key of a sweep's view."""
    return f"encore-sweep-{sweep.run_id[:12]}"


def _sweep(sweep: RunRecord, runs: Sequence[RunRecord]) -> View | None:
    """None for one of which no run has been scored yet."""
    picked = Picked([run for run in runs if run.parent_id == sweep.run_id])
    condition = f"tags.`{PARENT_TAG}` = '{sweep.run_id}'"
    name = f"Sweep {sweep.name.removeprefix('sweep ').partition(' · ')[0]}"
    keys = [key.removeprefix(_SPACE) for key in sorted(sweep.params) if key.startswith(_SPACE)]
    place = Column("metrics", PLACE, 80)
    placed = picked.measured(PLACE)
    if any(metric in picked.metrics for metric in _STORIES):
        columns = [*placed, *picked.measured(*_STORIES), *picked.set_as(*(f"decoding.{key}" for key in keys))]
        order = place if placed else Column("metrics", _STORIES[0])
        shown = _fitting(columns, len(keys))
        return View(sweep_key(sweep), name, shown, condition, order, ascending=bool(placed))
    task = next((task for task in TASKS if _held_out(task) in picked.metrics), None)
    if task is None:
        return None
    more = [*_deployed(task, picked), *picked.tagged(KILLED_BECAUSE_TAG)]
    columns = [*placed, *_scored(task, picked), *picked.set_as(*_sorted(keys)), *more]
    return _view(sweep_key(sweep), name, task, picked, condition, columns, place if placed else None)


def _sorted(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key))


def _fitting(columns: Sequence[Column], last: int) -> tuple[Column, ...]:
    """As many as there is room for, the `last` ones in any case."""
    head = columns[: max(0, min(len(columns), _OWN) - last)]
    return (*head, *columns[len(columns) - last :])[:_OWN]


def _exports(task: Task, runs: Sequence[RunRecord]) -> list[View]:
    if not runs:
        return []
    picked = Picked(runs)
    figures = (task.export_figure, "size_mib", "latency_b1_p50_ms")
    names = [f"export/{variant.name}/{figure}" for variant in reversed(EXPORTED) for figure in figures]
    answers = f"export/{DEPLOYED.name}/changed_answers"
    columns = [*picked.measured(f"test/{task.metric}", *names, answers), *picked.tagged(EXPORT_GATE)]
    condition = f"{_TRAINED_ONCE} AND metrics.`export/{DEPLOYED.name}/size_mib` > 0"
    return [_view("encore-exports", "Exports", task, picked, condition, columns)]


def _seeds(task: Task, runs: Sequence[RunRecord]) -> list[View]:
    if not runs:
        return []
    picked = Picked(runs)
    condition = "attributes.run_id IN ({})".format(", ".join(f"'{run.run_id}'" for run in runs))
    settings = [key for key in picked.varied if key != "seed"]
    columns = [*_scored(task, picked), *picked.set_as("seed", *settings), *_deployed(task, picked)]
    return [_view("encore-seeds", "Seeds", task, picked, condition, columns)]


def _of_several_seeds(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Finished runs of which others differ in the seed alone."""
    groups: dict[frozenset[tuple[str, str]], list[RunRecord]] = {}
    for run in runs:
        if run.status == "FINISHED" and "seed" in run.params:
            rest = frozenset(
                item for item in run.params.items() if item[0] not in {"seed", "name", "description"}
            )
            groups.setdefault(rest, []).append(run)
    several = [group for group in groups.values() if len({run.params["seed"] for run in group}) > 1]
    return [run for group in several for run in group][:_SEEDED]


def _stories(runs: Sequence[RunRecord]) -> list[View]:
    picked = Picked(runs)
    measured = picked.measured(*_STORIES)
    if not measured:
        return []
    columns = [*measured, *picked.set_as(*picked.varied)]
    shown = _fitting(columns, min(3, len(picked.varied)))
    kind = f"tags.`{KIND_TAG}` = '{RunKind.STORIES}'"
    return [
        View("encore-stories", "Stories", shown, kind, Column("metrics", measured[0].key), ascending=False)
    ]


def _charts(task: Task, picked: Picked) -> tuple[Chart, ...]:
    """The learning curve, what was varied, and the score against size and latency: what of it there is."""
    score, of = _held_out(task), f"export/{DEPLOYED.name}"
    found = [Chart("LINE", f"Held-out {task.metric.replace('_', ' ')} by step", (task.primary_metric,))]
    varied = [key for key in picked.varied if key != "seed"][:4]
    if len(varied) > 0:
        found.append(Chart("PARALLEL", "Settings and held-out score", (score,), tuple(varied)))
    for name, axis in (("size_mib", "size, MiB"), ("latency_b1_p50_ms", "latency, ms")):
        if f"{of}/{name}" in picked.metrics:
            found.append(Chart("SCATTER", f"Score against {DEPLOYED.label} {axis}", (f"{of}/{name}", score)))
    found.append(Chart("LINE", "Training loss by step", ("train/loss",)))
    return tuple(chart for chart in found if picked.metrics.issuperset(chart.metrics))


def _width(name: str) -> int:
    """Pixels that a column's head takes, within bounds: a longer one can be read where the mouse rests on it."""
    return max(80, min(180, 36 + 7 * len(name)))
