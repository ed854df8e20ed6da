"""Folders as addresses of databases, and a store in a folder of an odd name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from errors import UserError
from sweeps.config import NoPruningConfig, RandomConfig
from sweeps.session import place_of
from sweeps.storage import study_storage
from tracking.addresses import shown_uri, sqlite_path, sqlite_uri
from tracking.entities import Experiment
from tracking.store import Store

ODD = ["my%20project", "a?b", "a#b", "a b", "\xe4", "-x", "{x}", "100%", "a:b@c", "[1]*", "%41?{}#"]


def test_plain_folders_keep_the_addresses_of_older_stores() -> None:
    for name in ("plain", "a b", "a#b", "\xe4", "100%", "a:b@c", "-x"):
        assert sqlite_uri(Path(f"/x/{name}/mlflow.db")) == f"sqlite:////x/{name}/mlflow.db"


def test_an_address_with_options_names_its_file() -> None:
    assert sqlite_path("sqlite:////a/b.db?timeout=5") == Path("/a/b.db")
    assert sqlite_path("sqlite:////a/my%20b.db") == Path("/a/my b.db")  # what SQLAlchemy opens
    assert sqlite_path("sqlite:///b.db") == Path("b.db").absolute()


@pytest.mark.parametrize("name", ODD)
def test_a_store_stands_in_the_folder_that_was_named(name: str, root: Path, tmp_path: Path) -> None:
    home = tmp_path / "in" / name
    home.mkdir(parents=True)
    (root / "mlflow.db").rename(home / "mlflow.db")
    store = Store.open(home)
    log = store.start_run(
        experiment=Experiment("demo", "best/val/accuracy"),
        name="x" * 5000,
        params={},
        tags={},
        description="",
    )
    log.log_json({"a": 1}, "run/config.json")
    log.finish("FINISHED")
    record = Store.open(home).find(log.run_id[:8])
    assert len(record.name) <= 250
    assert json.loads(store.artifact(record, "run/config.json").read_text()) == {"a": 1}
    assert store.artifact(record, "run/config.json").is_relative_to(home / "artifacts")
    assert place_of(store, study_storage(home, None)) == "local"
    elsewhere = study_storage(home, f"sqlite:///{tmp_path / 'lab.db'}")
    assert place_of(store, elsewhere) == store.uri  # several stores may have their studies there
    assert [path.name for path in (tmp_path / "in").iterdir()] == [name]


@pytest.mark.parametrize("name", ["my%20project", "{x}?"])
def test_a_study_stands_beside_it(name: str, tmp_path: Path) -> None:
    from sweeps.config import BudgetConfig, IntRange, SearchConfig
    from sweeps.study import open_search
    from tracking.addresses import study_address

    sweep = SearchConfig(
        name="x", description="x", space={"a": IntRange(kind="int", low=1, high=5)},
        sampler=RandomConfig(kind="random"), pruner=NoPruningConfig(kind="none"), budget=BudgetConfig(trials=2),
    )  # fmt: skip
    root = tmp_path / "in" / name
    search = open_search(
        sweep,
        sweep.space,
        {},
        first={"a": 3},
        maximize=True,
        storage=study_storage(root, study_address()),
        store_uri="local",
    )
    assert search.next_trial().values == {"a": 3}
    assert [path.name for path in (tmp_path / "in").iterdir()] == [name]
    assert (root / "optuna.db").is_file()


def test_a_path_that_sqlite_cannot_take_is_told(tmp_path: Path) -> None:
    root = tmp_path.joinpath(*["a" * 200] * 3)
    with pytest.raises(
        UserError, match=r"the path has \d+ bytes, and SQLite takes 460\. Choose another --root"
    ):
        Store.open(root)


def test_messages_name_the_file_of_a_database_and_no_password(tmp_path: Path) -> None:
    file = tmp_path / "my runs" / "mlflow.db"
    assert shown_uri(sqlite_uri(file)) == str(file)
    assert shown_uri("https://me:pw@host:5000/x") == "https://host:5000/x"
