"""Recipes held against one another, by seeds whose scores a test decides."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comparison.compare_recipes import compare_recipes
from comparison.noise import keep_noise, recorded_noise
from errors import UserError
from runs.layout import EXPORT_FOLDER
from tests.comparison.made_runs import Made, make, reviews, stories
from tracking.store import Store

ROWS = reviews(500)


def seeds(store: Store, rate: str, shares: dict[int, float], **more: object) -> list[str]:
    found = []
    for seed, share in shares.items():
        right = np.arange(500) % 100 < round(100 * share)
        settings = {"optim.learning_rate": rate, **more}
        found.append(make(store, ROWS, Made(right, seed=seed, settings=settings)))
    return found


@pytest.mark.slow
def test_every_seed_of_a_recipe_is_found_and_paired(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.80, 1: 0.81, 2: 0.82, 3: 0.80})
    high = seeds(store, "1e-4", {3: 0.90, 2: 0.93, 1: 0.91, 0: 0.90})
    found = compare_recipes(store, [low[2], high[0]])
    assert [side.seeds for side in found.sides] == [(0, 1, 2, 3)] * 2
    assert found.sides[0].runs == tuple(low)
    assert found.sides[1].differs == {"optim.learning_rate": "1e-4"}
    (pair,) = found.pairs
    assert (pair.verdict, pair.paired_by, pair.better_share) == ("better", "seeds", 1.0)
    assert pair.difference.value == pytest.approx(0.1025)
    assert "over 4 pairs of seeds" in pair.sentence


def test_threads_and_folders_make_no_other_recipe(store: Store) -> None:
    one = seeds(store, "1e-5", {0: 0.8}, **{"train.threads": 1, "data.path": "/one"})
    seeds(store, "1e-5", {1: 0.81}, **{"train.threads": 2, "data.path": "/other"})
    other = seeds(store, "1e-4", {0: 0.8, 1: 0.82})
    assert compare_recipes(store, [one[0], other[0]]).sides[0].seeds == (0, 1)


def test_seeds_that_do_not_pair_are_named_and_compared_all_the_same(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.80, 1: 0.82, 2: 0.81})
    high = seeds(store, "1e-4", {0: 0.90, 1: 0.92, 7: 0.91, 8: 0.9})
    found = compare_recipes(store, [low[0], high[0]])
    assert found.pairs[0].paired_by == "nothing"
    assert found.pairs[0].verdict == "better"
    assert any("on one side only: 2, 7, 8" in note for note in found.notes)


def test_one_seed_a_side_never_yields_a_verdict(store: Store) -> None:
    low, high = seeds(store, "1e-5", {0: 0.5}), seeds(store, "1e-4", {0: 0.99})
    (pair,) = compare_recipes(store, [low[0], high[0]]).pairs
    assert pair.verdict == "cannot tell"
    assert pair.p is None
    assert "by one seed a side" in pair.sentence
    assert pair.one_more == f"encore train {low[0][:8]} seed=1"
    assert pair.needed is None  # nobody knows how much seeds differ here


def test_how_many_seeds_it_would_take_follows_from_the_noise_floor(store: Store) -> None:
    low, high = seeds(store, "1e-5", {0: 0.80}), seeds(store, "1e-4", {0: 0.83, 1: 0.80, 2: 0.86})
    found = compare_recipes(store, [low[0], high[0]])
    assert found.noise is not None
    assert found.noise.seeds == 3
    assert found.noise.deviation == pytest.approx(0.03)
    assert found.pairs[0].one_more == f"encore train {low[0][:8]} seed=1", "the other side has it"
    assert found.noise.flip_rate == pytest.approx(np.mean([0.03, 0.03, 0.06]))
    needed = found.pairs[0].needed
    assert needed is not None
    assert needed > 3


def test_the_noise_floor_stays_on_the_experiment(store: Store) -> None:
    low, high = seeds(store, "1e-5", {0: 0.8, 1: 0.82}), seeds(store, "1e-4", {0: 0.9, 1: 0.91, 2: 0.9})
    noise = compare_recipes(store, [low[0], high[0]]).noise
    assert noise is not None
    keep_noise(store, "sst2", noise)
    assert recorded_noise(store, "sst2") == noise
    read = Store.read(store.root)
    assert recorded_noise(read, "sst2") == noise
    assert read.reader is not None
    keep_noise(read, "sst2", noise)
    assert read.connected is None, "what is there already is not written again"


def test_a_noise_floor_that_is_none_is_told(store: Store) -> None:
    seeds(store, "1e-5", {0: 0.8})
    store.tag_experiment("sst2", "encore.noise_floor", '{"deviation": "much"}')
    with pytest.raises(UserError, match="holds no noise floor"):
        recorded_noise(store, "sst2")


def test_runs_of_one_recipe_are_no_two(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.8, 1: 0.82})
    with pytest.raises(UserError, match="of one recipe"):
        compare_recipes(store, low)


def test_one_run_named_twice_is_said_to_be_so(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.8, 1: 0.82})
    with pytest.raises(UserError, match="is named twice"):
        compare_recipes(store, [low[0], low[0]])


def test_a_run_without_a_seed_is_refused_in_words(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.8, 1: 0.82})
    odd = make(store, ROWS, Made(np.ones(500, bool), settings={"seed": "?", "optim.learning_rate": "1e-5"}))
    with pytest.raises(UserError, match="has no seed"):
        compare_recipes(store, [low[0], odd])


def test_the_seeds_of_a_recipe_are_found_in_its_own_experiment(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.80, 1: 0.81})
    other = [
        make(store, ROWS, Made(np.arange(500) % 100 < 90 + seed, seed=seed, experiment="sst2-again"))
        for seed in (0, 1)
    ]
    found = compare_recipes(store, [low[0], other[0]])
    assert [side.runs for side in found.sides] == [tuple(low), tuple(other)]


def test_rows_that_not_all_seeds_answered_are_left_out_and_told(store: Store) -> None:
    low = seeds(store, "1e-5", {0: 0.80, 1: 0.81})
    few = [*range(400), 7]
    high = [
        make(
            store,
            ROWS.take(few),
            Made(np.arange(401) < 360 + seed, seed=seed, settings={"optim.learning_rate": "1e-4"}),
        )
        for seed in (0, 1)
    ]
    found = compare_recipes(store, [low[0], high[0]])
    assert (found.rows, found.copies) == (400, 0)
    assert [side.left_out for side in found.sides] == [100, 1]
    assert any(f"{low[0][:8]} answered 100 more rows" in note for note in found.notes)
    twice = [*few, 7]
    again = [
        make(
            store,
            ROWS.take(twice),
            Made(np.arange(402) < 300, seed=0, settings={"optim.learning_rate": rate}),
        )
        for rate in ("1", "2")
    ]
    assert compare_recipes(store, again).copies == 2


def test_windows_of_stories_are_not_matched_by_where_they_stand(store: Store) -> None:
    told = stories(20)
    runs = [
        make(store, told, Made(nll=np.full(20, 50.0), settings={"optim.learning_rate": rate}))
        for rate in ("1e-5", "1e-4")
    ]
    for run_id in runs:
        log = store.attach(run_id)
        with log.folder(EXPORT_FOLDER) as folder:
            table = {"predicted_tokens": np.full(9, 7), "int8_loss": np.linspace(1, 2, 9)}
            pq.write_table(pa.table(table), folder / "predictions.parquet")
        log.close()
    with pytest.raises(UserError, match="compares with its own run alone"):
        compare_recipes(store, runs, variant="int8")


def test_doubles_are_no_seeds(store: Store) -> None:
    low, high = seeds(store, "1e-5", {0: 0.8, 1: 0.82}), seeds(store, "1e-4", {0: 0.9, 1: 0.91})
    settings = {"optim.learning_rate": "1e-5"}
    right = np.arange(500) % 100 < 50
    make(store, ROWS, Made(right, seed=2, settings=settings, tags={"encore.reproduces": low[0]}))
    make(store, ROWS, Made(right, seed=3, settings=settings, status="KILLED", reason="pruned"))
    make(store, ROWS, Made(right, seed=1, settings=settings))  # trained once more: the earlier one counts
    found = compare_recipes(store, [low[0], high[0]])
    assert found.sides[0].seeds == (0, 1)
    assert found.sides[0].runs == tuple(low)
