"""Who is the champion: the first, then whoever the held-out slice puts above it; the official split is told of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comparison.answers import answers_of
from comparison.champion import challenge
from comparison.selection import HELD_OUT as HELD_OUT_SPLIT
from errors import UserError
from runs.files import run_named
from runs.layout import CONFIG_FILE, MODEL_FOLDER, REPRODUCES_TAG, REUSES_TAG
from tests.comparison.exported_runs import exported_run
from tests.comparison.made_runs import Made, Rows, make, reviews
from tests.processes import started
from tracking.registered_models import Registry
from tracking.store import Store

ROWS, HELD_OUT = reviews(300), reviews(200, name="held-out", seed=4)


def trained(
    store: Store,
    official: int,
    held_out: int,
    *,
    rows: Rows = HELD_OUT,
    tags: dict[str, str] | None = None,
    sure: float = 1.0,
) -> str:
    """A run that answers so many of the 300 official and of the 200 held-out rows right, and has a model."""
    right, held_out_right = np.arange(300) < official, np.arange(200) < held_out
    run_id = make(store, ROWS, Made(right, sure, held_out_right=held_out_right, tags=tags or {}), rows)
    log = store.attach(run_id)
    log.log_json({"data": {"max_tokens": 48}}, CONFIG_FILE)
    with log.folder(MODEL_FOLDER) as folder:
        for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_text(f"{name} of {run_id}")
    log.close()
    return run_id


def held(store: Store, run_id: str, **options: bool | str) -> Any:
    return challenge(run_named(store, run_id), **options)  # type: ignore[arg-type]


def aliases(store: Store) -> dict[str, int]:
    found = store.client.get_registered_model("sst2").aliases
    return {alias: int(version) for alias, version in found.items()}


def description(store: Store, version: int) -> str:
    return store.client.get_model_version("sst2", str(version)).description


def test_the_first_is_the_champion_until_one_is_above_it_by_the_held_out_rows(store: Store) -> None:
    first = trained(store, 240, 150)
    found = held(store, first)
    assert (found.moved, found.before, found.version, found.sentence) == (True, None, 1, "it is the first.")
    better = trained(store, 270, 170)
    found = held(store, better)
    assert (found.moved, found.before, found.version) == (True, first, 2)
    assert found.sentence.startswith(
        f"run {better[:8]} is above it by the 200 held-out rows (85.00 % against 75.00 %); run {better[:8]} is better "
        f"than run {first[:8]} on 300 rows of the official split by 10.00 points (95 % "
    )
    assert aliases(store) == {"champion": 2, "challenger": 1}
    told = description(store, 2)
    assert found.sentence in told
    cells = [
        [cell.split(" (")[0] for cell in line.split(" | ")] for line in told.splitlines() if "rows |" in line
    ]
    assert cells == [
        ["| 200 held-out rows", "75.00 %", "85.00 %"],
        ["| 300 official rows", "80.00 %", "90.00 %"],
    ]
    version = store.client.get_model_version_by_alias("sst2", "champion")
    [model] = store.client.search_logged_models(
        [store.client.get_experiment_by_name("sst2").experiment_id],
        filter_string=f"source_run_id = '{better}'",
    )
    assert (version.run_id, version.source) == (better, model.artifact_location)
    assert held(store, better).sentence == "it is that run."


@pytest.mark.parametrize(
    ("official", "because"),
    [(245, "cannot be told apart on 300 rows of the official split"), (210, "is worse than")],
)
def test_the_official_split_chooses_nothing_and_what_it_says_is_told(
    store: Store, official: int, because: str
) -> None:
    first, other = trained(store, 240, 150), trained(store, official, 170)
    held(store, first)
    found = held(store, other)
    assert (found.moved, found.before, found.version) == (True, first, 2)
    assert because in found.sentence
    assert because in description(store, 2)


@pytest.mark.parametrize("held_out", [149, 150])
def test_a_champion_stays_where_the_held_out_rows_put_no_other_above_it(store: Store, held_out: int) -> None:
    first, other = trained(store, 240, 150), trained(store, 270, held_out)
    held(store, first)
    found = held(store, other)
    because = (
        "scores as it does on the 200 held-out rows (75.00 %), with no lower loss there; "
        if held_out == 150
        else "is not above it by the 200 held-out rows (74.50 % against 75.00 %); "
    )
    assert (found.moved, found.before, found.version) == (False, first, 1)
    assert because in found.sentence
    assert "is better than" in found.sentence
    assert f"still run {first[:8]} (version 1): " in found.told()
    assert aliases(store) == {"champion": 1}
    found = held(store, other, by_hand=True)
    assert found.moved
    assert found.sentence.startswith("put there by hand, since ")
    assert because in description(store, 2)
    assert aliases(store) == {"champion": 2, "challenger": 1}
    assert held(store, first, by_hand=True).version == 1  # one that had a version has it still
    assert aliases(store) == {"champion": 1, "challenger": 2}


def test_of_equal_scores_the_lower_loss_decides_and_is_named(store: Store) -> None:
    first, surer = trained(store, 240, 150), trained(store, 240, 150, sure=1.05)
    [loss, lower] = [
        answers_of(run_named(store, one), HELD_OUT_SPLIT).losses_N.mean() for one in (first, surer)
    ]
    assert lower < loss, "more of its answers are right than wrong, so to be surer of them pays"
    held(store, first)
    found = held(store, surer)
    assert found.moved
    assert "scores as it does on the 200 held-out rows (75.00 %), with a lower loss there; " in found.sentence


def test_a_run_in_the_bin_is_no_champion(store: Store) -> None:
    first, worse = trained(store, 240, 150), trained(store, 150, 100)
    held(store, first)
    store.client.delete_run(first)
    found = held(store, worse)
    assert found.moved
    assert found.sentence == f"run {first[:8]}, the champion before, was deleted."


@pytest.mark.parametrize("tag", [REPRODUCES_TAG, REUSES_TAG])
def test_a_run_that_was_trained_before_it_is_no_champion(store: Store, tag: str) -> None:
    with pytest.raises(UserError, match="is run 12345678 once more"):
        held(store, trained(store, 240, 150, tags={tag: "12345678" * 4}), by_hand=True)


def test_runs_without_a_row_in_common_are_only_put_there_by_hand(store: Store) -> None:
    held(store, trained(store, 240, 150))
    other = trained(store, 270, 170, rows=reviews(200, name="others", seed=5))
    with pytest.raises(UserError, match="no row in common"):
        held(store, other)
    assert aliases(store) == {"champion": 1}
    assert "they cannot be compared" in held(store, other, by_hand=True).sentence


def test_another_form_of_the_champion_is_a_version_of_its_own(store: Store) -> None:
    run_id = exported_run(store)
    assert held(store, run_id).version == 1
    registry = Registry(store, "sst2")
    found = held(store, run_id, by_hand=True, variant="int4")
    assert (found.moved, found.before, found.version) == (True, run_id, 2)
    assert found.sentence == "int4 of it takes the place of its int8 (version 1)."
    champion, before = registry.champion(), registry.aliased("challenger")
    assert champion is not None
    assert before is not None
    assert (champion.variant, before.variant) == ("int4", "int8")
    again = held(store, run_id, by_hand=True, variant="int4")
    assert (again.moved, again.version, again.sentence) == (False, 2, "it is int4 of that run.")
    assert held(store, run_id).sentence == "it is that run."
    assert held(store, run_id, by_hand=True, variant="int8").version == 1
    other = exported_run(store)
    assert held(store, other, by_hand=True, variant="fp32").moved
    champion = registry.champion()
    assert champion is not None
    assert (champion.run_id, champion.variant) == (other, "fp32")
    for variant, told in (("int2", "is no variant"), ("int8-static", "without the variant int8-static")):
        with pytest.raises(UserError, match=told):
            held(store, run_id, variant=variant)


@pytest.mark.slow
def test_two_that_come_at_once_are_champion_and_challenger(store: Store) -> None:
    held(store, trained(store, 240, 150))
    both = [trained(store, 270, 170), trained(store, 290, 190)]
    promoting = [started("promote", run_id, "--root", store.root) for run_id in both]
    assert [process.wait(120) for process in promoting] == [0, 0]
    assert sorted(aliases(store).values()) == [2, 3]
    champion = Registry(store, "sst2").champion()
    assert champion is not None
    assert champion.run_id in both
