"""Properties of the Pareto front."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from export.pareto import Candidate, on_front

# Few values, so that ties are common.
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.just("run"),
        accuracy=st.integers(0, 3).map(float),
        size_mib=st.integers(0, 3).map(float),
        latency_ms=st.integers(0, 3).map(float),
    ),
    max_size=12,
)


def _beats(one: Candidate, other: Candidate) -> bool:
    no_worse = (
        one.accuracy >= other.accuracy
        and one.size_mib <= other.size_mib
        and one.latency_ms <= other.latency_ms
    )
    better = (
        one.accuracy > other.accuracy or one.size_mib < other.size_mib or one.latency_ms < other.latency_ms
    )
    return no_worse and better


def test_a_worked_example() -> None:
    fp32 = Candidate("fp32", accuracy=0.88, size_mib=87, latency_ms=8)
    int8 = Candidate("int8", accuracy=0.87, size_mib=22, latency_ms=2)
    slow = Candidate("slow", accuracy=0.86, size_mib=22, latency_ms=3)
    assert on_front([fp32, int8, slow]) == [True, True, False]


@given(CANDIDATES)
def test_nothing_on_the_front_is_beaten_and_everything_off_it_is_beaten_from_it(
    candidates: list[Candidate],
) -> None:
    marks = on_front(candidates)
    front = [candidate for candidate, marked in zip(candidates, marks, strict=True) if marked]
    assert bool(front) == bool(candidates)
    for candidate, marked in zip(candidates, marks, strict=True):
        assert marked != any(_beats(member, candidate) for member in front)


@given(CANDIDATES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(candidates: list[Candidate], shuffler: random.Random) -> None:
    order = list(range(len(candidates)))
    shuffler.shuffle(order)
    marks = on_front(candidates)
    assert on_front([candidates[index] for index in order]) == [marks[index] for index in order]


@given(CANDIDATES)
def test_the_front_is_its_own_front(candidates: list[Candidate]) -> None:
    marks = on_front(candidates)
    front = [candidate for candidate, marked in zip(candidates, marks, strict=True) if marked]
    assert all(on_front(front))
