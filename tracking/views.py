"""Saved views of MLflow's table of runs: columns, order, filter and charts, kept as tags of the experiment.

The format is that of MLflow 3.17's own *Save view*, read from its interface; `tests/tracking/test_views.py` holds it to
the MLflow that is installed. A view is the tag `mlflow.sharedViewState.<key>`.
"""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from tracking.addresses import sqlite_path
from tracking.faults import explained
from tracking.sender import now_ms
from tracking.sql_reader import sql_reader

if TYPE_CHECKING:
    from tracking.store import Store

VIEW_TAG = "mlflow.sharedViewState."
_HEAD = "deflate;"
_WORKFLOW = {"workflowType": "machine_learning"}  # without it a fresh browser lands among traces of agents
_NAMESPACE = uuid.UUID("6d1f8a52-3a0e-4c55-9a55-0f6f6f1b7c11")  # of the charts, whose IDs must not change
_CHARTS_SECTION = "At a glance"
RUN_NAME, CREATED, DURATION = "attributes.`Run Name`", "runDateAndNestInfo", "duration"
_ALWAYS = {RUN_NAME: 260, CREATED: 135, DURATION: 80}  # columns that MLflow shows in any case: pixels
ALWAYS_SHOWN = len(_ALWAYS)

Entity = Literal["metrics", "params", "tags", "attributes"]


@dataclass(frozen=True)
class Column:
    """A metric, a param or a tag, `width` pixels wide."""

    entity: Entity
    key: str
    width: int = 110

    @property
    def id(self) -> str:
        """As MLflow names it, in views as in filters."""
        return f"{self.entity}.`{self.key}`"


@dataclass(frozen=True)
class Chart:
    """A curve of a metric by step, a scatter of one metric against another, or parallel coordinates."""

    kind: Literal["LINE", "SCATTER", "PARALLEL"]
    title: str
    metrics: tuple[str, ...]
    params: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A saved view. key: of its link. condition: MLflow's filter. order: the column that sorts."""

    key: str
    name: str
    columns: tuple[Column, ...]
    condition: str
    order: Column
    ascending: bool
    charts: tuple[Chart, ...] = ()
    metrics: tuple[str, ...] = ()
    """All that the runs have: those without a chart here are folded away below."""


def run_link(address: str, experiment_id: str, run_id: str) -> str:
    """Where a browser opens a run's own page."""
    return f"{address.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}?{urlencode(_WORKFLOW)}"


def view_link(address: str, experiment_id: str, key: str | None, *, charts: bool = False) -> str:
    """Where a browser opens the view of that key, or without one MLflow's own table; `address`: of the server."""
    chosen = {} if key is None else {"viewStateShareKey": key}
    query = {**_WORKFLOW, **chosen, **({"compareRunsMode": "CHART"} if charts else {})}
    return f"{address.rstrip('/')}/#/experiments/{experiment_id}/runs?{urlencode(query)}"


def direct(store: Store) -> Store:
    """The store for looking through many runs: past MLflow, where its tables can be read directly."""
    found = sql_reader(sqlite_path(store.uri)) if store.uri.startswith("sqlite:///") else None
    return replace(store, reader=found or store.reader)


def experiment_id(store: Store, name: str) -> str | None:
    """None where no experiment of that name is active."""
    with explained(store.uri):
        found = store.client.get_experiment_by_name(name)
    return found.experiment_id if found is not None and found.lifecycle_stage == "active" else None


def set_number(store: Store, run_id: str, key: str, value: float) -> None:
    """A metric of a run that has ended, by which a view sorts."""
    with explained(store.uri):
        store.client.log_metric(run_id, key, value)


def write_views(store: Store, experiment: str, views: Sequence[View]) -> int:
    """Save the views that the experiment does not have, or has otherwise; how many these were."""
    with explained(store.uri):
        found = store.client.get_experiment_by_name(experiment)
        assert found is not None, "it has runs"
        written = 0
        for view in views:
            state, known = _state(view), found.tags.get(f"{VIEW_TAG}{view.key}", "")
            if (view.name, state) == _read(known):
                continue
            saved = json.dumps(_saved(view.name, state, known), ensure_ascii=False)
            store.client.set_experiment_tag(found.experiment_id, f"{VIEW_TAG}{view.key}", saved)
            written += 1
    return written


def _saved(name: str, state: dict[str, Any], known: str) -> dict[str, Any]:
    now = now_ms()
    return {"name": name, "createdAt": _created(known) or now, "updatedAt": now, "state": packed(state)}


def packed(state: dict[str, Any]) -> str:
    """As MLflow's interface packs the state of a view."""
    return _HEAD + base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()


def unpacked(text: str) -> dict[str, Any]:
    """The state in what `packed` gave. ValueError, or zlib's error, for another text."""
    if not text.startswith(_HEAD):
        raise ValueError("no state of a view")
    return json.loads(zlib.decompress(base64.b64decode(text.removeprefix(_HEAD), validate=True)))


def _read(tag: str) -> tuple[str, dict[str, Any]] | None:
    """Name and state of a saved view; none for anything else, which is then written anew."""
    try:
        saved = json.loads(tag)
        return saved["name"], unpacked(saved["state"])
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _created(tag: str) -> int | None:
    try:
        return int(json.loads(tag)["createdAt"])
    except (ValueError, KeyError, TypeError):
        return None


def _state(view: View) -> dict[str, Any]:
    """What MLflow's interface keeps of its table and charts."""
    own = [column.id for column in view.columns]
    sections, charts = _sections(view), [_chart(view, chart) for chart in view.charts]
    return {
        "searchFilter": view.condition,
        "orderByKey": view.order.id,
        "orderByAsc": view.ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [RUN_NAME, *own],
        "columnOrder": [RUN_NAME, CREATED, *own, DURATION],
        "columnWidths": {**_ALWAYS, **{column.id: column.width for column in view.columns}},
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,
        "runsHiddenMode": "FIRST_20_RUNS",
        "hideEmptyCharts": True,
        "groupBy": None,
    }


def _sections(view: View) -> list[dict[str, Any]]:
    """Ours first; those that MLflow makes of the names of metrics are folded."""
    named = sorted({_section(metric) for metric in view.metrics} - {"System metrics"})
    others = [*named, "System metrics"] if view.metrics else []
    return [_section_state(view, _CHARTS_SECTION, shown=True)] + [
        _section_state(view, name, shown=False) for name in others
    ]


def _section(metric: str) -> str:
    """MLflow's section of a metric: the folder of its name."""
    folder = metric.rpartition("/")[0]
    return {"": "Model metrics", "system": "System metrics"}.get(folder, folder)


def _section_state(view: View, name: str, *, shown: bool) -> dict[str, Any]:
    return {
        "uuid": _id(view, "section", name),
        "name": name,
        "display": shown,
        "isReordered": True,
        "columns": 2,
        "cardHeight": 340,
        "deleted": False,
        "isGenerated": False,
    }


def _chart(view: View, chart: Chart) -> dict[str, Any]:
    first, *rest = chart.metrics
    common = {
        "uuid": _id(view, chart.kind, chart.title),
        "type": chart.kind,
        "metricSectionId": _id(view, "section", _CHARTS_SECTION),
        "deleted": False,
        "isGenerated": False,
        "displayName": chart.title,
        "runsCountToCompare": 20,
    }
    match chart.kind:
        case "LINE":
            return common | _LINE | {"metricKey": first, "selectedMetricKeys": [first]}
        case "SCATTER":
            axes = {"xaxis": {"key": first, "type": "METRIC"}, "yaxis": {"key": rest[0], "type": "METRIC"}}
            return common | axes | {"runsCountToCompare": 100}
        case "PARALLEL":
            chosen = {"selectedParams": [*chart.params], "selectedMetrics": [*chart.metrics]}
            return common | chosen | {"showAllRuns": False}


_LINE: dict[str, Any] = {
    "lineSmoothness": 0,
    "xAxisScaleType": "linear",
    "scaleType": "linear",
    "range": {},
    "xAxisKey": "step",
    "selectedXAxisMetricKey": "",
    "yAxisKey": "metric",
    "yAxisExpressions": [],
    "ignoreOutliers": False,
    "useGlobalXaxisKey": True,
    "useGlobalLineSmoothing": True,
}


def _id(view: View, *parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join([view.key, *parts])))
