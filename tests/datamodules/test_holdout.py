from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.holdout import Holdout, hold_out, hold_out_sentences, normalized, text_digests
from errors import UserError

WORDS = st.sampled_from(["a", "dull", "film", "not", "very", "good", "."])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=40)


def drawn_texts(texts: list[str], *, examples: int, seed: int) -> Holdout:
    """Of texts that count as the same when normalized."""
    return hold_out(np.array([normalized(t) for t in texts], dtype=object), examples=examples, seed=seed)


def contains(longer: str, shorter: str) -> bool:
    """By definition: a run of whole words."""
    return f" {shorter} " in f" {longer} "


def full_sentences(texts: list[str]) -> set[str]:
    """By definition: those that no longer row contains."""
    return {t for t in texts if not any(contains(o, t) and len(o.split()) > len(t.split()) for o in texts)}


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 10), st.integers(0, 5))
def test_no_phrase_of_a_held_out_sentence_is_trained_on(texts: list[str], examples: int, seed: int) -> None:
    examples = min(examples, len(full_sentences(texts)))
    parts = hold_out_sentences(texts, examples=examples, seed=seed)
    held = [texts[i] for i in parts.selection]
    for row in parts.train:
        assert not any(contains(sentence, texts[row]) or contains(texts[row], sentence) for sentence in held)
    for row in parts.dropped:
        assert any(contains(sentence, texts[row]) for sentence in held)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(1, 10), st.integers(0, 5))
def test_only_full_sentences_are_held_out(texts: list[str], examples: int, seed: int) -> None:
    full = full_sentences(texts)
    if examples > len(full):
        with pytest.raises(UserError, match=f"train has {len(full)} that can be"):
            hold_out_sentences(texts, examples=examples, seed=seed)
        return
    parts = hold_out_sentences(texts, examples=examples, seed=seed)
    assert {texts[i] for i in parts.selection} <= full
    assert len(parts.selection) == examples


@given(TEXTS, st.integers(1, 10), st.integers(0, 5))
def test_every_row_stands_in_exactly_one_part(texts: list[str], examples: int, seed: int) -> None:
    examples = min(examples, len(full_sentences(texts)))
    for function in (drawn_texts, hold_out_sentences):
        parts = function(texts, examples=examples, seed=seed)
        together = np.concatenate([parts.train, parts.selection, parts.dropped])
        assert sorted(together.tolist()) == list(range(len(texts)))


@given(TEXTS, st.integers(1, 10), st.integers(0, 5))
def test_copies_of_a_held_out_text_are_not_trained_on(texts: list[str], examples: int, seed: int) -> None:
    examples = min(examples, len(set(texts)))
    parts = drawn_texts(texts, examples=examples, seed=seed)
    held = {normalized(texts[i]) for i in parts.selection}
    assert not held & {normalized(texts[i]) for i in parts.train}
    assert len(held) == len(parts.selection) == examples


@given(TEXTS, st.integers(1, 10), st.integers(1, 10), st.integers(0, 5))
def test_a_smaller_slice_is_part_of_the_larger(texts: list[str], one: int, other: int, seed: int) -> None:
    most = len(full_sentences(texts))
    small, large = sorted((min(one, most), min(other, most)))
    for function in (drawn_texts, hold_out_sentences):
        inner, outer = (function(texts, examples=examples, seed=seed) for examples in (small, large))
        held = {normalized(texts[i]) for i in outer.selection}
        assert {normalized(texts[i]) for i in inner.selection} <= held
        assert set(outer.train) <= set(inner.train)


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_the_rows() -> None:
    texts = [f"sentence number {i}" for i in range(50)]

    def drawn(rows: list[str], seed: int) -> set[str]:
        return {rows[i] for i in drawn_texts(rows, examples=10, seed=seed).selection}

    assert drawn(texts, 0) == drawn(texts[::-1], 0)
    assert drawn(texts, 0) != drawn(texts, 1)


@given(TEXTS, st.integers(1, 10), st.integers(0, 5))
def test_digests_tell_texts_apart_as_the_texts_do(texts: list[str], examples: int, seed: int) -> None:
    examples = min(examples, len(set(texts)))
    parts = hold_out(text_digests(iter(texts), len(texts)), examples=examples, seed=seed)
    held = {normalized(texts[i]) for i in parts.selection}
    assert len(held) == len(parts.selection) == examples
    assert {normalized(texts[i]) for i in parts.dropped} <= held
    assert not held & {normalized(texts[i]) for i in parts.train}
