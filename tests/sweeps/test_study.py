from __future__ import annotations

import shutil
from pathlib import Path

import optuna
import pytest

from errors import UserError
from experiments.config import ExperimentConfig
from sweeps.config import SweepConfig
from sweeps.leases import owned
from sweeps.loading import base_experiment
from sweeps.session import lock_of, place_of
from sweeps.space import base_values
from sweeps.storage import STUDY_FILE, study_storage
from sweeps.study import Search, open_search, study_name, trial_seed
from tests.sweep_specs import load_sweep
from tracking.addresses import STUDY_VARIABLE, study_address
from tracking.store import Store


def search(root: Path, *overrides: str) -> Search:
    sweep, rest = load_sweep("demo", overrides)
    return opened(sweep, root, *rest)


def opened(sweep: SweepConfig, root: Path, *rest: str) -> Search:
    mapping = base_experiment(sweep, rest)
    first = base_values(sweep, ExperimentConfig.model_validate(mapping), sweep.space)
    return open_search(
        sweep,
        sweep.space,
        mapping,
        first=first,
        maximize=True,
        storage=study_storage(root, study_address()),
        store_uri="local",
    )


def worth(values: dict[str, object]) -> float:
    """A made-up objective, so that the sampler has something to learn from."""
    return -abs(float(values["optim.learning_rate"]) - 1e-3) * 100  # type: ignore[arg-type]


def draw(found: Search, count: int) -> list[dict[str, object]]:
    drawn: list[dict[str, object]] = []
    for _ in range(count):
        trial = found.next_trial()
        found.tell(trial.number, worth(trial.values), run_id="")
        drawn.append(trial.values)
    return drawn


@pytest.mark.slow
def test_an_interrupted_search_draws_what_an_uninterrupted_one_draws(tmp_path: Path) -> None:
    whole = draw(search(tmp_path / "whole"), 12)
    first = draw(search(tmp_path / "parts"), 5)
    second = draw(search(tmp_path / "parts"), 7)
    assert first + second == whole
    assert len({str(values) for values in whole}) == 12


def test_two_processes_that_ask_at_once_draw_what_one_draws_in_turn(tmp_path: Path) -> None:
    """With a sampler that learns nothing: each trial's draw is a matter of its number alone."""
    kind = "sampler={kind: random}"
    one = draw(search(tmp_path / "one", kind), 6)
    left, right = search(tmp_path / "two", kind), search(tmp_path / "two", kind)
    asked = [found.next_trial() for found in (left, right, right, left, left, right)]
    assert [trial.number for trial in asked] == list(range(6))
    assert [trial.values for trial in asked] == one
    assert len({str(values) for values in one}) == 6


def test_a_trial_is_told_and_pruned_by_another_process_than_the_one_that_drew_it(tmp_path: Path) -> None:
    drew, trains = search(tmp_path, "pruner={kind: median, startup_trials: 1}"), None
    numbers = [drew.next_trial().number for _ in range(2)]
    trains = search(tmp_path, "pruner={kind: median, startup_trials: 1}")
    assert not trains.should_prune(numbers[0], 0.9, step=10)
    trains.tell(numbers[0], 0.9, run_id="a")
    assert trains.should_prune(numbers[1], 0.1, step=10)
    trains.tell_pruned(numbers[1], run_id="b")
    assert [(trial.state.name, trial.user_attrs) for trial in drew.trials()] == [
        ("COMPLETE", {"run": "a"}),
        ("PRUNED", {"run": "b"}),
    ]


def test_the_environment_names_another_database_for_studies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STUDY_VARIABLE, f"sqlite:///{tmp_path / 'lab.db'}")
    first = draw(search(tmp_path / "a"), 2)
    assert draw(search(tmp_path / "b"), 1) != first[:1]  # the same study, gone on with
    assert not (tmp_path / "a" / STUDY_FILE).exists()
    assert (tmp_path / "lab.db").is_file()


@pytest.mark.parametrize(
    "address",
    [
        "lab.db",
        "me:hunter2@lab/studies",
        "postgresql:me:hunter2@lab",
        "postgresql+nodriver://me:hunter2@lab/x",
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_one_line(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STUDY_VARIABLE, address)
    with pytest.raises(UserError, match=STUDY_VARIABLE) as refused:
        search(tmp_path)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_seed_draws_other_trials(tmp_path: Path) -> None:
    assert draw(search(tmp_path / "a"), 3) != draw(search(tmp_path / "b", "seed=1"), 3)


def test_a_lost_trial_does_not_count_and_its_values_come_again(tmp_path: Path) -> None:
    before = search(tmp_path)
    draw(before, 2)
    lost = before.next_trial()  # its process dies here
    after = search(tmp_path)
    assert after.requeue_lost() == 1
    assert after.counted() == 2
    again = after.next_trial()
    assert again.values == lost.values
    after.tell(again.number, 0.5, run_id="")
    assert after.counted() == 3
    assert after.requeue_lost() == 0


@pytest.mark.parametrize("sampler", ["{kind: random}", "{kind: tpe, startup_trials: 2}"])
def test_a_session_that_dies_while_it_requeues_a_trial_changes_no_later_draw(
    tmp_path: Path, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = draw(search(tmp_path / "whole", f"sampler={sampler}"), 8)
    before = search(tmp_path / "parts", f"sampler={sampler}")
    drawn = draw(before, 3)
    before.next_trial()  # its process dies here

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    dying = search(tmp_path / "parts", f"sampler={sampler}")
    with monkeypatch.context() as patch:
        patch.setattr(dying.study, "tell", die)
        with pytest.raises(KeyboardInterrupt):
            dying.requeue_lost()
    after = search(tmp_path / "parts", f"sampler={sampler}")
    assert after.requeue_lost() == 1
    assert drawn + draw(after, 5) == whole


def test_a_trial_that_was_lost_before_its_values_were_drawn_leaves_them_to_the_next(tmp_path: Path) -> None:
    whole = draw(search(tmp_path / "whole"), 3)
    search(tmp_path / "parts").study.ask()  # the first trial, whose values wait; its process dies here
    after = search(tmp_path / "parts")
    after.requeue_lost()
    assert draw(after, 3) == whole


def test_failed_and_pruned_trials_use_up_budget(tmp_path: Path) -> None:
    found = search(tmp_path)
    for state in (optuna.trial.TrialState.FAIL, optuna.trial.TrialState.PRUNED):
        found.study.tell(found.next_trial().number, state=state)
    assert found.counted() == 2


def test_a_larger_budget_is_the_same_study_and_another_space_is_not() -> None:
    def name(*overrides: str) -> str:
        sweep, rest = load_sweep("demo", overrides)
        return study_name(sweep, sweep.space, base_experiment(sweep, rest), "local")

    sweep, rest = load_sweep("demo")
    fewer = dict(list(sweep.space.items())[:2])
    assert study_name(sweep, fewer, base_experiment(sweep, rest), "local") != name()
    assert name("budget.trials=50") == name("description=other") == name()
    assert name("train.max_steps=60") != name()
    assert name("sampler={kind: random}") != name()


def test_trial_seeds_differ() -> None:
    seeds = {trial_seed(seed, number) for seed in range(3) for number in range(100)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_two_processes_do_not_work_on_one_sweep(tmp_path: Path) -> None:
    lock = tmp_path / "journal" / "sweep.lock"
    with (
        owned(lock, what="sweep demo"),
        pytest.raises(UserError, match="is at work on it"),
        owned(lock, what="x"),
    ):
        pass
    with owned(lock, what="sweep demo"):
        pass


def test_two_stores_that_share_a_database_of_studies_share_its_locks(tmp_path: Path, migrated: Path) -> None:
    stores: list[Store] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(migrated, tmp_path / name / "mlflow.db")
        stores.append(Store.open(tmp_path / name))
    sweep, _ = load_sweep("demo")
    shared = [study_storage(store.root, f"sqlite:///{tmp_path / 'lab.db'}") for store in stores]
    own = [study_storage(store.root, None) for store in stores]
    assert len({lock_of(sweep, store, storage) for store, storage in zip(stores, shared, strict=True)}) == 1
    assert len({lock_of(sweep, store, storage) for store, storage in zip(stores, own, strict=True)}) == 2
    assert len({place_of(store, storage) for store, storage in zip(stores, shared, strict=True)}) == 2


def test_a_grid_visits_every_combination_once(tmp_path: Path) -> None:
    options = {"kind": "choice", "options": [0.0, 0.1]}
    spec = load_sweep("demo")[0].model_dump() | {
        "sampler": {"kind": "grid"},
        "space": {"optim.warmup_ratio": options, "model.dropout": options},
    }
    sweep = SweepConfig.model_validate(spec)
    found = opened(sweep, tmp_path)
    drawn: list[dict[str, object]] = []
    while found.goes_on():
        trial = found.next_trial()
        found.tell(trial.number, 0.0, run_id="")
        drawn.append(trial.values)
    assert len(drawn) == 4
    assert len({str(sorted(values.items())) for values in drawn}) == 4
    assert drawn[0] == {"optim.warmup_ratio": 0.1, "model.dropout": 0.0}
