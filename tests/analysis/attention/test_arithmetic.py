"""The arithmetic of attention, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.attention.faithfulness import SHARES, faithfulness, important
from analysis.attention.flow import mixed_norms, rollout, shares, value_norms
from analysis.attention.heads import head_figures
from analysis.attention.words import by_words, summed, words_of


def test_pieces_of_a_word_stand_together_and_punctuation_apart() -> None:
    text = "I love LLMs!"
    spans = [(0, 0), (0, 1), (2, 6), (7, 9), (9, 11), (11, 12), (0, 0)]
    special = [True, *[False] * 5, True]
    assert words_of(text, spans, [None, 0, 1, 2, 2, 3, None], special) == [0, 1, 2, 3, 3, 4, 5]
    # GPT-2's pieces begin with the white space before them; a tokenizer without units tells words by it alone.
    assert words_of(text, [(0, 1), (1, 6), (6, 9), (9, 12)], [None] * 4, [False] * 4) == [0, 1, 2, 2]


def test_to_a_word_shares_add_up_and_from_a_word_they_are_averaged() -> None:
    pieces = np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2], [0.0, 0.4, 0.6]])
    words = by_words(pieces, [0, 1, 1])
    assert words == pytest.approx(np.array([[0.2, 0.8], [0.3, 0.7]]))
    assert by_words(pieces[None, None], [0, 1, 1])[0, 0] == pytest.approx(words)
    assert words.sum(1) == pytest.approx([1, 1])
    assert summed(np.array([1.0, 2.0, 4.0]), [0, 1, 1]) == pytest.approx([1, 6])


def test_rollout_multiplies_layers_half_of_which_is_residual() -> None:
    first = np.array([[[1.0, 0.0], [0.5, 0.5]]])  # one head
    second = np.array([[[0.2, 0.8], [0.6, 0.4]]])
    # 0.5 A + 0.5 I: [[1, 0], [.25, .75]], then [[.6, .4], [.3, .7]]
    flows = rollout(np.stack([first, second]))
    assert flows[0] == pytest.approx(np.array([[1.0, 0.0], [0.25, 0.75]]))
    assert flows[1] == pytest.approx(np.array([[0.7, 0.3], [0.475, 0.525]]))


def test_rollout_averages_heads() -> None:
    heads = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    assert rollout(heads[None])[0] == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.75]]))


def test_a_value_that_is_nearly_nothing_carries_nothing_however_large_its_weight() -> None:
    weights = np.array([[[0.9, 0.1]] * 2])
    values = np.array([[[0.0, 0.1], [3.0, 0.0]]])  # (H, T, K)
    out = np.array([[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])  # (H, K, D)
    assert value_norms(values, out) == pytest.approx(np.array([[0.2, 3.0]]))
    carried = mixed_norms(weights, values, out)
    assert carried == pytest.approx(np.array([[0.18, 0.3]] * 2))
    assert shares(carried)[0] == pytest.approx([0.375, 0.625])


def test_norms_of_several_heads_are_of_what_they_carry_together() -> None:
    draw = np.random.default_rng(0).normal
    weights, values, out = (draw(size=size) for size in ((3, 4, 4), (3, 4, 2), (3, 2, 5)))
    direct = np.zeros((4, 4))
    for row in range(4):
        for column in range(4):
            whole = sum(weights[head, row, column] * values[head, column] @ out[head] for head in range(3))
            direct[row, column] = np.linalg.norm(whole)
    assert mixed_norms(weights, values, out) == pytest.approx(direct)


def test_figures_of_a_head() -> None:
    weights = np.array([[[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    found = head_figures(weights)
    assert found.entropy == pytest.approx([math.log(2) / 3])
    assert found.distance == pytest.approx([2 / 3])  # 0, 1 and 1
    assert (found.first[0], found.last[0]) == pytest.approx((0.5, 0.5 / 3))
    assert (found.before[0], found.itself[0], found.after[0]) == pytest.approx((0.5, 1 / 3, 0.5 / 3))


def test_important_words_are_shares_rounded_up_and_special_tokens_are_none() -> None:
    values = np.array([9.0, 0.1, 0.5, -0.2, 0.5, 9.0])
    chosen = important(values, [1, 2, 3, 4])
    assert SHARES == (0.01, 0.05, 0.10, 0.20, 0.50)
    assert chosen == [(2,), (2,), (2,), (2,), (2, 4)]


def test_faithfulness_is_the_mean_over_shares() -> None:
    found = faithfulness(0.9, [0.9, 0.8, 0.7, 0.6, 0.5], [0.4, 0.5, 0.6, 0.9, 1.0])
    assert found.comprehensiveness == pytest.approx(0.2)
    assert found.sufficiency == pytest.approx(0.22)
