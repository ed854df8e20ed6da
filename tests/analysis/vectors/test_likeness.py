"""Likeness, neighbours, analogies in both conventions, and the plane, on vectors whose angles are known."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from analysis.vectors import keyed, likeness, plane
from datamodules.word_vectors import word_vectors
from errors import UserError
from tests.analysis.vectors.vectors import MATRIX, small_vectors


def cosine(left: int, right: int) -> float:
    a, b = MATRIX[left].astype(float), MATRIX[right].astype(float)
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def test_pairs_are_every_two_of_the_words_with_their_cosine() -> None:
    found = likeness.pairs(keyed.keyed(small_vectors()), ["king", "queen", "frog"])
    assert [(one.left, one.right) for one in found] == [
        ("king", "queen"),
        ("king", "frog"),
        ("queen", "frog"),
    ]
    assert [one.similarity for one in found] == pytest.approx(
        [cosine(0, 1), cosine(0, 4), cosine(1, 4)], abs=1e-6
    )


def test_an_analogy_leaves_out_what_was_given_only_where_it_is_excluded() -> None:
    found = likeness.analogy(keyed.keyed(small_vectors()), ["king", "woman"], ["man"], 3)
    assert found.excluded[0].word == "queen"
    assert not {"king", "woman", "man"} & {one.word for one in found.excluded}
    total = sum(sign * MATRIX[row] / np.linalg.norm(MATRIX[row]) for sign, row in ((1, 0), (1, 3), (-1, 2)))
    by_hand = MATRIX @ total / np.linalg.norm(MATRIX, axis=1) / np.linalg.norm(total)
    assert found.included[0].similarity == pytest.approx(float(by_hand.max()), abs=1e-6)
    assert found.included[0].word == small_vectors().words[int(by_hand.argmax())]


def test_the_odd_one_is_the_last() -> None:
    vectors = keyed.keyed(small_vectors())
    assert [one.word for one in likeness.centrality(vectors, ["frog", "newt", "king", "toad"])][-1] == "king"
    assert [one.word for one in likeness.neighbours(vectors, "frog", 2)] == ["toad", "newt"]


@pytest.mark.parametrize(
    ("word", "near"), [("Queen", "queen"), ("quen", "queen"), ("frogs", "frog"), ("xyzzyq", None)]
)
def test_an_unknown_word_is_told_with_the_nearest_spelling(word: str, near: str | None) -> None:
    told = "Give a word that it has" if near is None else f"Did you mean {near}"
    with pytest.raises(UserError, match=told) as raised:
        keyed.check_words(small_vectors(), ["king", word])
    assert raised.value.where == "small.txt"
    assert repr(word) in raised.value.what


def test_a_vector_without_direction_is_told() -> None:
    bad = word_vectors(["a", "b"], np.array([[1, 2], [0, 0]], np.float32), origin="here")
    with pytest.raises(UserError, match="'b' has no direction"):
        keyed.keyed(bad)


def test_a_missing_gensim_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(UserError, match=r"pip install 'encore-harness\[vectors\]'"):
        keyed.gensim_models()


def test_the_plane_keeps_what_a_turn_of_space_keeps() -> None:
    """Distances in a plane that holds all points are those in space; lengths do not count."""
    flat = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0], [-1, 0, 0]], np.float32)
    found = plane.plane(flat)
    points = np.array(found.points)
    assert sum(found.kept) == pytest.approx(1)
    assert found.kept[0] >= found.kept[1]
    between = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert between == pytest.approx(np.linalg.norm(flat[:, None] - flat[None], axis=-1), abs=1e-6)
    assert np.array(plane.plane(flat * 3).points) == pytest.approx(points, abs=1e-6)
    assert plane.plane(flat[:1]) == plane.Plane(((0.0, 0.0),), (0.0, 0.0))


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_number_of_each_direction_is_positive(seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(9, 4)).astype(np.float32)
    points = np.array(plane.plane(vectors).points)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for direction in ((unit - unit.mean(axis=0)).T @ points).T:
        assert direction[np.abs(direction).argmax()] > 0
