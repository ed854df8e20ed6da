"""The best run of an experiment, and what a choice is worth."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from comparison.best import best_run
from comparison.compare_models import compare_models
from errors import UserError
from runs.layout import BEST_RUN_TAG, KIND_TAG, RunKind
from tests.comparison.made_runs import Made, make, reviews
from tracking.entities import Experiment
from tracking.store import Store

ROWS = reviews(300)
HELD_OUT = reviews(200, name="held-out", seed=4)


def right(share: float, rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(rows) < share


def equals(store: Store, count: int, *, parent: str | None = None, kind: RunKind = RunKind.RUN) -> list[str]:
    """Runs that are equally good, so that the best of them is luck."""
    made = [
        Made(
            right(0.9, 300, seed),
            held_out_right=right(0.9, 200, 100 + seed),
            seed=seed,
            parent=parent,
            tags={
                KIND_TAG: kind,
                **({} if parent is None else {"encore.trial": str(seed), "encore.stage": "search"}),
            },
        )
        for seed in range(count)
    ]
    return [make(store, ROWS, run, HELD_OUT) for run in made]


def test_it_is_chosen_by_the_held_out_slice_and_claims_by_the_official_split(store: Store) -> None:
    ids = equals(store, 6)
    found = best_run(store, "sst2")
    scores = {run: store.find(run).metrics["best/val/accuracy"] for run in ids}
    assert found.held_out == max(scores.values())
    assert scores[found.run] == found.held_out
    assert found.claim.value == store.find(found.run).metrics["test/accuracy"]
    assert found.runs == 6
    assert found.selection is not None
    assert 0 < found.selection.bias < 0.06
    assert found.comparison is not None
    assert found.comparison.sides[0].runs == (found.run,)
    assert found.run in found.tied
    assert found.command == f"encore reproduce {found.run[:8]}"


def test_doubles_and_other_held_out_rows_do_not_take_part(store: Store) -> None:
    ids = equals(store, 3)
    perfect = Made(np.ones(300, bool), held_out_right=np.ones(200, bool), tags={"encore.reproduces": ids[0]})
    make(store, ROWS, perfect, HELD_OUT)
    make(
        store,
        ROWS,
        Made(np.ones(300, bool), held_out_right=np.ones(200, bool), seed=9),
        reviews(200, name="other"),
    )
    found = best_run(store, "sst2")
    assert found.run in ids
    assert found.runs == 3
    assert found.looks.runs == 4
    assert any("held out other rows" in note for note in found.notes)


def test_a_run_that_cannot_be_read_is_left_out_and_named(store: Store) -> None:
    ids = equals(store, 3)
    perfect = np.ones(300, bool)
    nan = Made(perfect, np.full(300, np.nan), held_out_right=np.ones(200, bool), seed=9)
    odd = make(store, ROWS, nan, HELD_OUT)
    found = best_run(store, "sst2")
    assert found.run in ids
    assert found.runs == 3
    assert any(odd[:8] in note and "Left out" in note for note in found.notes)


@pytest.mark.parametrize("altered", ["DELETE FROM latest_metrics", "UPDATE latest_metrics SET is_nan = 1"])
def test_an_experiment_without_a_held_out_score_has_no_best(store: Store, altered: str) -> None:
    equals(store, 1)
    with closing(sqlite3.connect(store.root / "mlflow.db")) as database, database:
        database.execute(f"{altered} WHERE key LIKE 'best/%'")
    with pytest.raises(UserError, match="has no finished run with a held-out score"):
        best_run(Store.read(store.root), "sst2")


def test_the_choice_is_as_lucky_as_one_among_all_runs_that_were_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are compared are the best ones there, whose mean is too good already."""
    equals(store, 12)
    whole = best_run(store, "sst2").selection
    monkeypatch.setattr("comparison.best.MOST_COMPARED", 4)
    few = best_run(store, "sst2")
    assert few.selection == whole
    assert few.comparison is not None
    assert len(few.comparison.sides) == 4


def test_a_store_of_one_run_has_a_best(store: Store) -> None:
    (run,) = equals(store, 1)
    found = best_run(store, "sst2")
    assert (found.run, found.tied, found.comparison, found.selection) == (run, (run,), None, None)


def test_an_experiment_that_there_is_not_names_the_nearest(store: Store) -> None:
    equals(store, 1)
    with pytest.raises(UserError, match="Did you mean sst2"):
        best_run(store, "sst")
    with pytest.raises(UserError, match="is no experiment"):
        best_run(store, "")


def test_a_sweep_stands_for_its_trials_and_shows_the_bias_of_its_choice(store: Store) -> None:
    parent = store.start_run(
        experiment=Experiment("sst2", "best/val/accuracy"),
        name="sweep of a test",
        params={},
        tags={KIND_TAG: RunKind.SWEEP},
        description="",
        sampled=False,
    )
    ids = equals(store, 5, parent=parent.run_id, kind=RunKind.TRIAL)
    pruned = Made(
        right(0.5, 300, 1), status="KILLED", reason="pruned", parent=parent.run_id, tags={KIND_TAG: "trial"}
    )
    make(store, ROWS, pruned)
    winner = max(ids, key=lambda run: store.find(run).metrics["best/val/accuracy"])
    parent.set_tags({BEST_RUN_TAG: winner})
    parent.finish("FINISHED")
    found = compare_models(store, [parent.run_id])
    assert sorted(side.runs[0] for side in found.sides) == sorted(ids)
    assert found.sides[0].runs == (winner,), "not the best on the official split, which chooses nothing"
    assert any(note.endswith("did not finish: 1 pruned.") for note in found.notes)
    assert found.selection is not None
    assert found.selection.winner == winner
    assert (found.selection.runs, found.selection.rows) == (5, 200)
    assert found.selection.bias > 0
    assert found.selection.claim.value == store.find(winner).metrics["test/accuracy"]
