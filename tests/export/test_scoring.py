"""The arithmetic behind the figures, against torch, scipy and brute force."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from errors import UserError
from export.classification import score_classifier
from export.language import next_token_losses
from export.options import ScoringSet
from export.scoring import LoadedVariant, side_by_side
from export.session import equal_length_batches
from export.variants import BY_NAME, DEPLOYED, VariantName

RAGGED = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=40)


def _sums(ids_BL: NDArray[np.int64]) -> NDArray[np.float32]:
    """A stand-in model whose answer, (B, 2), shows which text it was asked."""
    return np.stack([ids_BL.sum(axis=1), (ids_BL * np.arange(ids_BL.shape[1])).sum(axis=1)], axis=1).astype(
        np.float32
    )


@given(RAGGED, st.integers(1, 8))
def test_batches_hold_every_text_once_without_padding(texts: list[list[int]], batch_size: int) -> None:
    seen: list[int] = []
    for indices, ids_BL in equal_length_batches(texts, batch_size=batch_size):
        assert 1 <= len(indices) <= batch_size
        assert ids_BL.tolist() == [texts[index] for index in indices]
        seen.extend(indices)
    assert sorted(seen) == list(range(len(texts)))


@given(RAGGED)
def test_batches_are_as_few_as_equal_lengths_allow(texts: list[list[int]]) -> None:
    lengths = [len(text) for text in texts]
    fewest = sum(-(-lengths.count(length) // 4) for length in set(lengths))
    assert len(list(equal_length_batches(texts, batch_size=4))) == fewest


@settings(max_examples=50)
@given(RAGGED, st.integers(1, 3))
def test_every_variant_answers_every_text(texts: list[list[int]], workers: int) -> None:
    variant = LoadedVariant(BY_NAME["fp32"], Path("model.onnx"), _sums)
    answers: dict[int, list[float]] = {}
    for indices, _, by_name in _run([variant], texts, workers=workers):
        answers.update(zip(indices, by_name["fp32"].tolist(), strict=True))
    assert [answers[index] for index in range(len(texts))] == [
        _sums(np.array([t]))[0].tolist() for t in texts
    ]


def test_calls_are_bounded_and_unbounded_ones_stay_on_the_callers_thread() -> None:
    calls: dict[str, list[tuple[int, bool]]] = {"torch": [], "int8": []}

    def spy(name: VariantName) -> LoadedVariant:
        def logits(ids_BL: NDArray[np.int64]) -> NDArray[np.float32]:
            calls[name].append((len(ids_BL), threading.current_thread() is threading.main_thread()))
            return _sums(ids_BL)

        return LoadedVariant(BY_NAME[name], Path(name), logits)

    list(_run([spy("torch"), spy("int8")], [[1, 2]] * 5, workers=2))
    assert calls["torch"] == [(5, True)]
    assert calls["int8"] == [(1, False)] * 5


def test_progress_counts_to_the_end() -> None:
    said: list[tuple[str, int, int]] = []
    variant = LoadedVariant(BY_NAME["fp32"], Path("model.onnx"), _sums)
    texts = [[1], [2, 3]]
    tell = lambda *told: said.append(told)  # noqa: E731
    list(side_by_side([variant], texts, logits_per_token=1, workers=1, on_progress=tell))
    assert said == [("scoring the variants", 1, 2), ("scoring the variants", 2, 2)]


def test_logits_that_are_not_finite_name_the_example_and_the_file() -> None:
    def broken(ids_BL: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.where(ids_BL[:, :1] == 7, np.nan, 1.0).astype(np.float32)

    variant = LoadedVariant(DEPLOYED, Path("out/int8/model.onnx"), broken)
    with pytest.raises(UserError) as raised:
        list(_run([variant], [[1], [2, 2], [7, 1], [3, 3]], workers=1))
    assert "the int8 model's logits are not finite for example 2" in str(raised.value)
    assert str(raised.value).startswith("out/int8/model.onnx: ")


def _run(
    variants: list[LoadedVariant], texts: list[list[int]], *, workers: int
) -> Iterator[tuple[list[int], NDArray[np.int64], dict[str, NDArray[np.float32]]]]:
    return side_by_side(variants, texts, logits_per_token=2, workers=workers, on_progress=lambda *_: None)


@settings(max_examples=50)
@given(st.integers(1, 3), st.integers(2, 6), st.integers(2, 9), st.integers(0, 10_000))
def test_next_token_losses_are_cross_entropy(batch: int, length: int, vocabulary: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    ids_BL = draw.integers(0, vocabulary, (batch, length))
    logits_BLV = draw.normal(0, 30, (batch, length, vocabulary)).astype(np.float32)
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits_BLV[:, :-1]).double().flatten(0, 1),
        torch.from_numpy(ids_BL[:, 1:]).flatten(),
        reduction="none",
    )
    np.testing.assert_allclose(next_token_losses(ids_BL, logits_BLV).ravel(), expected, rtol=1e-4, atol=1e-5)


def test_drops_are_against_the_float_model_before_and_parity_is_against_pytorch() -> None:
    def answering(*classes: int) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
        return lambda ids_BL: np.eye(2, dtype=np.float32)[[classes[int(row[0])] for row in ids_BL]]

    answers = {"torch": (0, 0, 0, 0), "fp32": (0, 0, 0, 1), "int8": (1, 1, 0, 0)}
    variants = [
        LoadedVariant(BY_NAME[name], Path(name), answering(*classes)) for name, classes in answers.items()
    ]
    scoring = ScoringSet([[0], [1], [2], [3]], np.array([0, 0, 0, 1]), 0)
    metrics = score_classifier(variants, scoring, outputs=2, workers=1, on_progress=lambda *_: None).metrics
    assert metrics["export/torch/accuracy"] == 0.75
    assert metrics["export/fp32/accuracy_drop_points"] == -25
    assert metrics["export/int8/accuracy_drop_points"] == 75
    assert (metrics["export/int8/answers_lost"], metrics["export/int8/answers_won"]) == (3, 0)
    assert metrics["export/int8/accuracy_drop_p_value"] == 0.125  # mid-p of three of three
    assert (metrics["export/fp32/changed_answers"], metrics["export/int8/changed_answers"]) == (1, 2)
