from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.batches import EpochBatches, RunBatches, evaluation_batches

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=300).map(lambda x: np.array(x, dtype=np.int64))


def order(lengths: np.ndarray, seed: int = 0, **changes: object) -> EpochBatches:
    settings = {
        "batch_size": 8,
        "batch_tokens": None,
        "group_by_length": True,
        "multiple_of": 1,
        "seed": seed,
    }
    return EpochBatches(lengths, **{**settings, **changes})  # type: ignore[arg-type]


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 3), st.booleans())
def test_an_epoch_has_every_row_once(lengths: np.ndarray, epoch: int, grouped: bool) -> None:
    batches = order(lengths, group_by_length=grouped).plan(epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(len(batch) for batch in batches) <= 8


@settings(deadline=None)
@given(LENGTHS, st.integers(20, 200))
def test_the_token_budget_bounds_the_padded_batch(lengths: np.ndarray, budget: int) -> None:
    for batch in order(lengths, batch_tokens=budget).plan(0):
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 5))
def test_an_epoch_is_a_multiple_of_the_accumulated_batches(lengths: np.ndarray, multiple: int) -> None:
    batches = order(lengths, multiple_of=multiple)
    assert len(batches) % multiple == 0
    budgeted = order(lengths, multiple_of=multiple, batch_tokens=100, group_by_length=False)
    for epoch in range(5):
        assert len(budgeted.plan(epoch)) % multiple == 0
        assert len(budgeted.plan(epoch)) <= len(budgeted)


@settings(deadline=None)
@given(LENGTHS, st.integers(64, 400))
def test_evaluation_sees_every_row_once_longest_first(lengths: np.ndarray, budget: int) -> None:
    batches = evaluation_batches(lengths, batch_tokens=budget)
    rows = [row for batch in batches for row in batch]
    assert sorted(rows) == list(range(len(lengths)))
    assert list(lengths[rows]) == sorted(lengths, reverse=True)


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, size=500)

    def rows(batches: EpochBatches, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in batches.plan(epoch)]

    fresh, used = order(lengths), order(lengths)
    rows(used, 0)
    rows(used, 1)
    assert rows(used, 2) == rows(fresh, 2)
    assert rows(fresh, 0) != rows(fresh, 2)
    assert rows(fresh, 0) != rows(order(lengths, seed=1), 0)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 45))
def test_a_run_is_one_epoch_after_another_and_can_be_entered_anywhere(
    lengths: np.ndarray, total: int, first: int
) -> None:
    epochs = order(lengths, batch_size=4)
    one_by_one = [batch.tolist() for epoch in range(total) for batch in epochs.plan(epoch)][:total]
    assert list(RunBatches(order(lengths, batch_size=4), total=total)) == one_by_one
    entered = RunBatches(order(lengths, batch_size=4), total=total, first=first)
    assert list(entered) == one_by_one[first:]
    assert len(entered) == total


def test_grouping_by_length_leaves_little_padding() -> None:
    lengths = np.random.default_rng(0).geometric(0.08, size=20_000).clip(max=64)
    grouped = order(lengths, batch_size=32).plan(0)
    mixed = order(lengths, batch_size=32, group_by_length=False).plan(0)

    def padded(batches: list[np.ndarray]) -> float:
        return sum(len(batch) * lengths[batch].max() for batch in batches) / lengths.sum()

    assert padded(grouped) < 1.03
    assert padded(mixed) > 2
