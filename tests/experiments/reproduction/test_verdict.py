"""Two outcomes and two circumstances held against each other."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from hypothesis import given
from hypothesis import strategies as st

from experiments.reproduction.certificate import comparison_rows
from experiments.reproduction.verdict import Tolerance, compare
from runs.outcome import Outcome

POINTS = st.dictionaries(
    st.integers(1, 30),
    st.fixed_dictionaries({"train/loss": st.floats(0, 5), "val/loss": st.floats(0, 5)}),
    min_size=1,
    max_size=8,
)


def _outcome(points: dict[int, dict[str, float]]) -> Outcome:
    found = Outcome(None, {"weights/last": "w"}, points, {"test/accuracy": 0.5}, 8, "finished")  # type: ignore[arg-type]
    found.__dict__["predictions"] = {}
    return found


@given(POINTS, st.data())
def test_one_changed_bit_of_one_value_is_found_where_it_is(
    points: dict[int, dict[str, float]], data: st.DataObject
) -> None:
    assert compare(_outcome(points), _outcome(points), Tolerance()).verdict == "identical"
    step = data.draw(st.sampled_from(sorted(points)))
    value = points[step]["val/loss"]
    other = {**points, step: {**points[step], "val/loss": math.nextafter(value, 9.0)}}
    found = compare(_outcome(points), _outcome(other), Tolerance())
    assert found.verdict == "within tolerance"
    assert found.first_difference is not None
    assert (found.first_difference.step, found.first_difference.metric) == (step, "val/loss")


def test_final_scores_that_lie_apart_are_different_whatever_the_digests_say() -> None:
    points = {1: {"train/loss": 0.5}}
    for accuracy, verdict in ((0.505, "within tolerance"), (0.9, "different")):
        other = replace(_outcome(points), metrics={"test/accuracy": accuracy})
        other.__dict__["predictions"] = {}
        assert compare(_outcome(points), other, Tolerance()).verdict == verdict


def test_a_loss_that_is_no_number_is_never_near_one() -> None:
    points = {1: {"train/loss": 0.5, "val/loss": math.nan}}
    assert compare(_outcome(points), _outcome(points), Tolerance()).verdict == "identical"
    other = {1: {"train/loss": 0.5, "val/loss": 0.7}}
    assert compare(_outcome(points), _outcome(other), Tolerance()).verdict == "different"


def test_two_values_are_shown_with_the_digits_that_tell_them_apart() -> None:
    points = {3: {"train/loss": 0.5}}
    other = {3: {"train/loss": math.nextafter(0.5, 1.0)}}
    compared = asdict(compare(_outcome(points), _outcome(other), Tolerance()))
    rows = {what: (result, equal) for what, result, equal in comparison_rows(compared, ("then", "now"))}
    result, equal = rows["1 values of 1 steps"]
    assert not equal
    assert "train/loss 0.5 then, 0.50000000000000011 now" in result
    assert rows["final metrics"] == ("equal to the bit", True)
