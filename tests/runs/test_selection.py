"""Runs that are asked for by condition, order and columns: from SQLite and from MLflow's client alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from errors import UserError
from runs.selection import Place, Wanted, as_tree, selected
from tests.runs.test_conditions import run
from tracking.entities import Experiment, Keys, RunRecord
from tracking.search import PARENT_TAG
from tracking.store import Store

SHOWN = Keys(metrics=frozenset({"loss"}))
ASKED = [
    Wanted(),
    Wanted(limit=2),
    Wanted(where="loss < 0.5"),
    Wanted(where="a = 2 or name contains seed"),
    Wanted(where="not kind = trial", sort="loss"),
    Wanted(sort="loss"),
    Wanted(sort="loss:desc", limit=3),
    Wanted(sort="name", columns=("a", "status", "said")),
    Wanted(where="said ~ quoted and started > 2020-01-01", sort="started:asc"),
    Wanted(where="parent", sort="a:desc"),
    Wanted(where="experiment = stories"),
]


def recorded(
    store: Store, name: str, *, loss: float | None, a: object, experiment: str = "reviews", **tags: str
) -> str:
    log = store.start_run(
        experiment=Experiment(experiment, "loss"), name=name, params={"a": a}, tags=tags, description="one"
    )
    if loss is not None:
        log.log_metrics({"loss": loss}, step=3)
    log.finish("FINISHED")
    return log.run_id


@pytest.fixture
def several(store: Store) -> Store:
    sweep = recorded(store, "sweep demo", loss=None, a="none", **{"encore.kind": "sweep"})
    for number, loss in enumerate((0.5, 0.25, float("nan"))):
        recorded(store, f"trial {number}", loss=loss, a=number,
                 **{"encore.kind": "trial", PARENT_TAG: sweep, "said": 'a "quoted" one'})  # fmt: skip
    recorded(store, "seed 1", loss=0.125, a=2, experiment="stories")
    store.client.delete_run(recorded(store, "gone", loss=0.0, a=2, lost="yes"))
    return store


@pytest.mark.parametrize("wanted", ASKED, ids=str)
def test_sqlite_and_the_client_answer_alike(several: Store, wanted: Wanted) -> None:
    fast = Store.read(several.root)
    assert fast.reader is not None
    by_sql, sql_fields = selected(fast.table(), wanted, SHOWN)
    by_client, client_fields = selected(several.table(), wanted, SHOWN)
    assert [one.run_id for one in by_sql] == [one.run_id for one in by_client]
    assert sql_fields == client_fields
    for sql, client in zip(by_sql, by_client, strict=True):
        assert str(sql.metrics.get("loss")) == str(client.metrics.get("loss"))
        assert [str(field.of(sql)) for field in sql_fields] == [
            str(field.of(client)) for field in client_fields
        ]
    assert fast.connected is None


def test_no_more_is_read_than_is_shown(several: Store) -> None:
    found, _ = selected(Store.read(several.root).table(), Wanted(columns=("a",)), Keys())
    assert {key for one in found for key in (*one.params, *one.metrics)} == {"a"}
    whole, _ = selected(Store.read(several.root).table(), Wanted(where="loss < 1"), None)
    assert "mlflow.note.content" in whole[0].tags


@pytest.mark.parametrize("opened", [Store.read, Store.open])
def test_what_only_deleted_runs_have_is_no_name(several: Store, opened: object) -> None:
    store = opened(several.root)  # type: ignore[operator]
    with pytest.raises(UserError, match="no run has a metric, param or tag of this name"):
        selected(store.table(), Wanted(where="lost = yes"), SHOWN)
    (gone,), _ = selected(store.table(deleted=True), Wanted(where="lost = yes"), SHOWN)
    assert gone.name == "gone"
    assert store.find(gone.run_id[:9], deleted=True).name == "gone"


def test_a_direction_that_is_none_is_one_line(several: Store) -> None:
    with pytest.raises(UserError, match=r"--sort loss:up: 'up' is no direction\. Give asc or desc\."):
        selected(several.table(), Wanted(sort="loss:up"), SHOWN)


def named(run_id: str, parent: str | None = None) -> RunRecord:
    return replace(run(), run_id=run_id, parent_id=parent)


def test_trials_stand_under_their_sweep_in_the_order_in_which_they_began() -> None:
    newest_first = [
        named("alone 2"),
        named("t2", "sweep"),
        named("alone 1"),
        named("t1", "sweep"),
        named("sweep"),
        named("orphan", "gone"),
        named("itself", "itself"),
        named("a", "b"),
        named("b", "a"),
        named("deep", "t1"),
    ]
    places = as_tree(newest_first)
    assert [(place.run.run_id, place.depth) for place in places] == [
        ("alone 2", 0), ("sweep", 0), ("t1", 1), ("t2", 1), ("alone 1", 0), ("orphan", 0), ("itself", 0), ("a", 0),
        ("b", 0), ("deep", 0),
    ]  # fmt: skip
    assert all(isinstance(place, Place) for place in places)
