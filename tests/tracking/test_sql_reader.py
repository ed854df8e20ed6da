"""Runs read from SQLite without MLflow: what its client says of them, value by value, and no import of it."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.served_run import run_bundle
from errors import UserError
from host.process import Owner
from tracking.addresses import sqlite_path
from tracking.entities import Experiment, RunRecord
from tracking.recovery import OWNER_TAG
from tracking.sql_reader import SCHEMA, sql_reader
from tracking.store import Store

KEYS = st.from_regex(r"[a-z][a-z0-9_. -]{0,6}[a-z]", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def plain(records: list[RunRecord]) -> list[str]:
    """Comparable: no NaN is another."""
    return [repr((record, sorted(record.metrics.items()))) for record in records]


def run(store: Store, name: str, experiment: str = "reviews", **tags: str) -> str:
    log = store.start_run(
        experiment=Experiment(experiment, "loss"), name=name, params={"a": 1}, tags=tags, description="one"
    )
    log.log_metrics({"loss": 0.5, "nan": math.nan, "up": math.inf, "down": -math.inf}, step=3)
    log.log_metrics({"loss": 0.25}, step=7)
    log.log_json({}, "run/config.json")
    log.finish("FINISHED")
    return log.run_id


@pytest.fixture
def odd(store: Store) -> Store:
    """Runs of two experiments, one in a sweep, one deleted, one of a deleted experiment, one of another program."""
    parent = run(store, "sweep demo ☂ [red]")
    run(store, "trial", **{"mlflow.parentRunId": parent, "said": """it's a "quoted" tag"""})
    run(store, "", "stories")
    store.client.delete_run(run(store, "deleted"))
    gone = run(store, "of a deleted experiment", "gone")
    store.client.delete_experiment(store.client.get_run(gone).info.experiment_id)
    store.client.set_terminated(store.client.create_run("0").info.run_id)
    return store


def test_it_says_what_the_client_says(odd: Store) -> None:
    fast = Store.read(odd.root)
    assert fast.reader is not None
    assert fast.connected is None
    whole = odd.runs()
    assert len(whole) == 4
    parent = next(record for record in whole if record.name.startswith("sweep"))
    asked: list[dict[str, object]] = [
        {},
        {"experiment": "reviews"},
        {"experiment": "none"},
        {"parent_id": parent.run_id},
        {"tags": {"said": """it's a "quoted" tag"""}},
        {"limit": 2},
        {"limit": 0},
    ]
    for options in asked:
        assert plain(fast.runs(**options)) == plain(odd.runs(**options))  # type: ignore[arg-type]
    for record in whole:
        assert plain([fast.find(record.run_id[:9])]) == plain([record])
        for key in record.metrics:
            assert repr(fast.metric_history(record.run_id, key)) == repr(
                odd.metric_history(record.run_id, key)
            )
    for prefix in ("", "xyz", "0" * 33, "Ä"):
        with pytest.raises(UserError) as said:
            fast.find(prefix)
        with pytest.raises(UserError) as meant:
            odd.find(prefix)
        assert str(said.value) == str(meant.value)
    assert fast.connected is None


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.dictionaries(KEYS, TEXTS, max_size=4), st.dictionaries(KEYS, NUMBERS, max_size=4))
def test_whatever_a_run_holds(
    store: Store, name: str, tags: dict[str, str], metrics: dict[str, float]
) -> None:
    log = store.start_run(
        experiment=Experiment("drawn", "loss"), name=name, params=tags, tags=tags, description=name
    )
    log.log_metrics(metrics, step=1)
    log.finish("FINISHED")
    assert plain([Store.read(store.root).find(log.run_id)]) == plain([store.find(log.run_id)])


def test_what_writes_connects(odd: Store) -> None:
    fast = Store.read(odd.root)
    log = fast.attach(fast.runs()[1].run_id)
    log.set_tags({"looked": "at"})
    log.close()
    assert fast.connected is not None
    assert fast.find(log.run_id).tags["looked"] == "at"


def test_a_run_whose_process_is_gone_is_ended_first(store: Store) -> None:
    lost = store.client.create_run("0", tags={OWNER_TAG: str(Owner(Owner.current().host, 2**22 - 7, 1.0))})
    assert Store.read(store.root).find(lost.info.run_id).status == "KILLED"


def test_a_run_that_goes_on_is_looked_at_and_left_alone(store: Store) -> None:
    log = store.start_run(
        experiment=Experiment("reviews", "loss"), name="going on", params={}, tags={}, description=""
    )
    fast = Store.read(store.root)
    assert fast.reader is not None
    assert fast.find(log.run_id).status == "RUNNING"
    log.finish("FINISHED")


def test_a_store_that_was_moved_is_told_where_it_is(odd: Store, tmp_path: Path) -> None:
    moved = tmp_path / "moved" / "mlruns"
    moved.parent.mkdir()
    odd.root.rename(moved)
    assert Store.read(moved).reader is None  # by MLflow, which writes the new place
    again = Store.read(moved)
    assert again.reader is not None
    assert all(str(moved) in record.artifact_uri for record in again.runs(experiment="reviews"))


def test_another_schema_is_left_to_mlflow(store: Store) -> None:
    path = sqlite_path(store.uri)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA,)]
        connection.execute("UPDATE alembic_version SET version_num = 'other'")
    assert sql_reader(path) is None
    assert Store.read(store.root).reader is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE latest_metrics SET value = 'high'", "'high' where a number belongs"),
        ("UPDATE runs SET start_time = 'noon'", "'noon' where a whole number belongs"),
        ("UPDATE tags SET value = x'ff'", "where a text belongs"),
        ("UPDATE runs SET run_uuid = '../x' WHERE name = 'trial'", "a run whose ID is none"),
    ],
)
def test_values_of_another_kind_are_one_line(odd: Store, change: str, said: str) -> None:
    with closing(sqlite3.connect(sqlite_path(odd.uri))) as connection, connection:
        connection.execute(change)
    with pytest.raises(UserError, match=said):
        Store.read(odd.root).runs()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_store_that_cannot_be_written_can_be_looked_at(odd: Store) -> None:
    sqlite_path(odd.uri).chmod(0o444)
    odd.root.chmod(0o555)
    try:
        assert len(Store.read(odd.root).runs()) == 4
    finally:
        odd.root.chmod(0o755)


@pytest.fixture
def registered(odd: Store) -> Store:
    """Two registered models: one with two aliases, of runs of which one is in the bin, and one without any."""
    client, runs = odd.client, odd.runs(experiment="reviews")
    for name in ("reviews", "bare"):
        client.create_registered_model(name)
    for number, record in enumerate(runs, start=1):
        tags = {"encore.variant": "int8", "encore.weights_sha256": "0a"} if number == 1 else {}
        version = client.create_model_version("reviews", "x", record.run_id, tags=tags, await_creation_for=0)
        client.set_registered_model_alias("reviews", f"alias-{number}", version.version)
    client.delete_run(runs[1].run_id)
    return odd


def test_it_says_of_the_registry_what_the_client_says(registered: Store) -> None:
    fast = Store.read(registered.root)
    aliases = fast.search.aliases()
    assert aliases == registered.search.aliases() == {"reviews": {"alias-1": 1, "alias-2": 2}, "bare": {}}
    versions = [fast.search.version("reviews", number) for number in (1, 2)]
    assert versions == [registered.search.version("reviews", number) for number in (1, 2)]
    assert [(one.variant, one.active) for one in versions] == [("int8", True), (None, False)]
    assert fast.connected is None


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("reviews@none", "'reviews': it has no alias 'none'. It has 'alias-1', 'alias-2'."),
        ("bare@x", "'bare': it has no alias. `encore promote ID` makes"),
        (
            "[other]@x",
            "'[other]': no model is registered under that name. The registry has 'bare', 'reviews'.",
        ),
    ],
)
def test_what_is_not_registered_is_told_with_what_is(registered: Store, named: str, told: str) -> None:
    with pytest.raises(UserError) as error, run_bundle(named, None, registered.root):
        pass
    assert str(error.value).startswith(told)


def test_an_alias_of_a_version_that_is_gone_is_one_line(registered: Store) -> None:
    with closing(sqlite3.connect(sqlite_path(registered.uri))) as connection, connection:
        connection.execute("DELETE FROM model_versions WHERE version = 1")
    with (
        pytest.raises(UserError, match="version 1 has an alias and is not there"),
        run_bundle("reviews@alias-1", None, registered.root),
    ):
        pass


def test_where_nothing_is_registered_that_is_told(odd: Store) -> None:
    told = r"no model is registered under that name\. `encore promote ID`"
    with pytest.raises(UserError, match=told), run_bundle("reviews@champion", None, odd.root):
        pass


@pytest.mark.parametrize("verb", ["runs", "show", "serve"])
def test_a_verb_that_looks_imports_nothing_that_takes_seconds(registered: Store, verb: str) -> None:
    named = {"show": [registered.runs(experiment="stories")[0].run_id], "serve": ["reviews@none"]}.get(
        verb, []
    )
    words = [verb, *named, "--root", str(registered.root)]
    code = (
        "import sys, cli.main\n"
        "try: cli.main.main()\n"
        f"except SystemExit as end: assert (end.code or 0) == {2 if verb == 'serve' else 0}, end.code\n"
        "slow = {'mlflow', 'torch', 'transformers', 'pandas', 'optuna', 'datasets', 'sqlalchemy'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
