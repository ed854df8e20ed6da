"""Names beside points: none lies over another, over what is taken, or outside."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pages.point_names import Box, free_places

WITHIN = Box(0, 0, 400, 300)
POINTS = st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300), st.floats(20, 90)), min_size=1, max_size=12)


def around(x: float, y: float) -> Box:
    return Box(x - 5, y - 5, x + 5, y + 5)


@given(POINTS)
def test_no_name_lies_over_another_a_mark_or_the_edge(points: list[tuple[float, float, float]]) -> None:
    marks = [around(x, y) for x, y, _ in points]
    found = free_places([(x, y) for x, y, _ in points], [(w, 9.0) for *_, w in points], marks, WITHIN, 1.0)
    boxes = [place.box for place in found if place is not None]
    assert all(WITHIN.holds(box) for box in boxes)
    assert not any(box.meets(mark) for box in boxes for mark in marks)
    assert not any(box.meets(other) for n, box in enumerate(boxes) for other in boxes[:n])


def test_points_at_one_place_all_get_their_names_the_first_the_nearest() -> None:
    found = free_places([(200, 150)] * 8, [(60, 9)] * 8, [around(200, 150)], WITHIN, 1.0)
    rings = [place.ring for place in found if place is not None]
    assert len(rings) == 8
    assert rings[0] == min(rings)
    assert rings[-1] > rings[0]


def test_a_name_touches_the_ring_that_it_lies_on_and_one_without_room_has_no_place() -> None:
    [place] = free_places([(200, 150)], [(60, 9)], [], WITHIN, 1.0)
    assert place is not None
    assert math.dist((200, 150), place.nearest((200, 150))) <= place.ring + 1
    assert free_places([(200, 150)], [(60, 9)], [Box(0, 0, 400, 300)], WITHIN, 1.0) == [None]
