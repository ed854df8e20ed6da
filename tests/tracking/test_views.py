"""Saved views, in the format of the MLflow that is installed: a new version that has another one is noticed here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tracking.run_log import RunLog
from tracking.store import Store
from tracking.views import VIEW_TAG, Chart, Column, View, packed, run_link, unpacked, view_link, write_views

VIEW = View(
    key="encore-runs",
    name="Runs",
    columns=(Column("metrics", "best/val/accuracy"), Column("params", "optim.learning_rate", 90)),
    condition="tags.`encore.kind` != 'sweep'",
    order=Column("metrics", "best/val/accuracy"),
    ascending=False,
    charts=(
        Chart("LINE", "Held-out accuracy by step", ("val/accuracy",)),
        Chart("PARALLEL", "Settings", ("best/val/accuracy",), ("optim.learning_rate",)),
        Chart("SCATTER", "Size", ("export/int8/size_mib", "best/val/accuracy")),
    ),
    metrics=("best/val/accuracy", "system/cpu_percent", "train/loss", "val/accuracy"),
)


@pytest.fixture(scope="module")
def interface() -> str:
    """The scripts of MLflow's pages, all of them."""
    spec = find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "server/js/build/static/js"
    return "\n".join(
        file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.glob("*.js"))
    )


def saved(store: Store) -> dict[str, dict[str, object]]:
    tags = store.client.get_experiment_by_name("reviews").tags
    return {key: json.loads(value) for key, value in tags.items() if key.startswith(VIEW_TAG)}


def state_of(store: Store) -> dict[str, object]:
    return unpacked(str(saved(store)[f"{VIEW_TAG}encore-runs"]["state"]))


@pytest.fixture
def store(store: Store, start: Callable[..., RunLog]) -> Store:
    start(store).finish("FINISHED")
    return store


def test_a_state_comes_back_as_it_was_packed() -> None:
    state = {"orderByKey": "metrics.`a/b`", "columnWidths": {"ü": 1}}
    assert packed(state).startswith("deflate;")
    assert unpacked(packed(state)) == state
    with pytest.raises(ValueError, match="no state"):
        unpacked("{}")


def test_a_view_is_written_once_and_again_only_when_it_is_another(store: Store) -> None:
    assert write_views(store, "reviews", [VIEW]) == 1
    first = saved(store)
    assert write_views(store, "reviews", [VIEW]) == 0
    assert saved(store) == first
    wider = View(**{**vars(VIEW), "columns": VIEW.columns[:1]})
    assert write_views(store, "reviews", [wider]) == 1
    (before,), (after,) = first.values(), saved(store).values()
    assert after["createdAt"] == before["createdAt"]
    assert after["state"] != before["state"]


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", '{"name": "Runs", "state": "deflate;!"}'])
def test_what_somebody_else_wrote_there_is_replaced(store: Store, garbage: str) -> None:
    experiment = store.client.get_experiment_by_name("reviews").experiment_id
    store.client.set_experiment_tag(experiment, f"{VIEW_TAG}encore-runs", garbage)
    assert write_views(store, "reviews", [VIEW]) == 1
    assert saved(store)[f"{VIEW_TAG}encore-runs"]["name"] == "Runs"


def test_columns_have_an_order_and_widths_and_the_charts_come_before_mlflows_own(store: Store) -> None:
    write_views(store, "reviews", [VIEW])
    state = state_of(store)
    own = ["metrics.`best/val/accuracy`", "params.`optim.learning_rate`"]
    order, widths, sections = (state[key] for key in ("columnOrder", "columnWidths", "compareRunSections"))
    assert isinstance(order, list)
    assert isinstance(widths, dict)
    assert isinstance(sections, list)
    assert [column for column in order if column in own] == own
    assert set(order) == set(widths)
    assert (state["orderByKey"], state["orderByAsc"]) == (own[0], False)
    assert sections[0]["display"]
    assert [section["name"] for section in sections if section["display"]] == [sections[0]["name"]]
    assert sections[-1]["name"] == "System metrics"
    charts = state["compareRunCharts"]
    assert isinstance(charts, list)
    assert [chart["type"] for chart in charts] == ["LINE", "PARALLEL", "SCATTER"]
    assert {chart["metricSectionId"] for chart in charts} == {sections[0]["uuid"]}


def test_links_open_among_trainings() -> None:
    link = view_link("http://127.0.0.1:5000/", "7", "encore-runs", charts=True)
    assert link == (
        "http://127.0.0.1:5000/#/experiments/7/runs"
        "?workflowType=machine_learning&viewStateShareKey=encore-runs&compareRunsMode=CHART"
    )
    assert view_link("http://h", "7", None) == "http://h/#/experiments/7/runs?workflowType=machine_learning"
    assert run_link("http://h", "7", "ab") == "http://h/#/experiments/7/runs/ab?workflowType=machine_learning"


@pytest.mark.parametrize(
    "word",
    ['"mlflow.sharedViewState."', '"viewStateShareKey"', '"deflate;"', '"machine_learning"', '"compareRunsMode"',
     '"CHART"', '"runDateAndNestInfo"', '"duration"', "FIRST_20_RUNS"],
)  # fmt: skip
def test_mlflows_pages_still_know_the_words(interface: str, word: str) -> None:
    assert word in interface


def test_mlflows_pages_still_keep_all_that_a_view_says(store: Store, interface: str) -> None:
    """What a saved view may hold is listed twice in the scripts: the table's state and the search's."""
    (kept,) = re.findall(r'\["selectedColumns","columnOrder"[^\]]*\]', interface)
    (searched,) = re.findall(r'\["searchFilter","orderByKey"[^\]]*\]', interface)
    write_views(store, "reviews", [VIEW])
    state = state_of(store)
    assert state.keys() - {*json.loads(kept), *json.loads(searched)} == set()
    charts = state["compareRunCharts"]
    assert isinstance(charts, list)
    for key in {key for chart in charts for key in chart}:
        assert re.search(rf"this\.{key}=|\b{key}:|\.{key}\b", interface), key
