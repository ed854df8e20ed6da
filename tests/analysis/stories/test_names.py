from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from analysis.stories.names import capitals_inside, named_in, names_among, names_in_both_halves
from analysis.stories.words import cased_words

NAMES = frozenset({"tim", "lily", "spot"})


def test_capitals_count_inside_sentences_alone() -> None:
    text = 'Once Tim saw Lily. Max ran. "Tom," said Ben, Mom\'s friend, and I. Then A and Zoë went; Kim too.'
    assert capitals_inside(text) == ["Tim", "Lily", "Ben", "Mom", "Zoë", "Kim"]


def test_names_are_capitalised_often_and_hardly_ever_not() -> None:
    capitals = Counter({"Tim": 3, "Ann": 2, "Spot": 10, "SPOT": 5, "Mom": 40})
    written = Counter({"Tim": 9, "Ann": 9, "spot": 3, "mom": 400})
    assert names_among(written, capitals) == {"tim", "spot"}
    assert names_among(written + Counter({"spot": 1}), capitals) == {"tim"}


def test_a_name_is_capitalised_and_may_own_something() -> None:
    assert named_in(cased_words("Tim\u2019s dog can spot lily pads. Tom"), NAMES) == {"tim"}
    assert named_in(cased_words("LILY saw Spot"), NAMES) == {"lily", "spot"}


def test_names_in_both_halves_out_of_all() -> None:
    assert names_in_both_halves("Tim met Lily there. Lily liked Tim much.", NAMES) == (2, 2)
    assert names_in_both_halves("Tim met Lily there. She liked Tim much.", NAMES) == (1, 2)
    assert names_in_both_halves("Tim met her there. Spot liked Tim much.", NAMES) == (1, 2)
    assert names_in_both_halves("Tim Tim Lily Lily", NAMES) == (0, 2)
    assert names_in_both_halves("Tim", NAMES) == (0, 1)
    assert names_in_both_halves("nobody was there", NAMES) == (0, 0)


@given(st.lists(st.sampled_from(["Tim", "Lily", "Spot", "ran", "saw"]), max_size=20))
def test_a_story_told_twice_keeps_all_names(words: list[str]) -> None:
    kept, names = names_in_both_halves(" ".join(words * 2), NAMES)
    assert kept == names == len(set(words) - {"ran", "saw"})
