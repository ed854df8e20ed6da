from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2LMHeadModel
from transformers.generation.logits_process import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from errors import RunError
from generation.sampling import Written, left_padded, next_tokens, write
from generation.torch_reader import TorchReader, reading
from lightning_modules.gpt2 import new_gpt2

V, END = 50, 0


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    made = new_gpt2(vocab_size=V, end_token_id=END, context_tokens=40, layers=2, heads=2, dim=16, dropout=0.1)
    with torch.no_grad():
        made.transformer.wte.weight.mul_(20)  # so that the logits are not all alike
    return made.eval()


def stories(model: GPT2LMHeadModel, prompts: list[list[int]], **changes: float) -> list[Written]:
    options = {"temperature": 1.0, "top_p": 0.9, "repetition_penalty": 1.1, "max_length": 30, **changes}
    seeds = [(3, number) for number in range(len(prompts))]
    return write(TorchReader(model), prompts, seeds=seeds, end=END, **options)  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6),
    st.floats(0.1, 3),
    st.one_of(st.just(1.0), st.floats(0.01, 1.0)),
    st.sampled_from([1.0, 1.2, 2.0]),
)
def test_a_token_is_drawn_as_the_processors_of_transformers_have_it(
    seed: int, temperature: float, top_p: float, penalty: float
) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, (1, V)).astype(np.float32)
    seen = generator.random((1, V)) < 0.3
    scores = torch.from_numpy(logits).double()
    ids = torch.from_numpy(np.flatnonzero(seen))[None]
    for process in (RepetitionPenaltyLogitsProcessor(penalty), TemperatureLogitsWarper(temperature)):
        scores = process(ids, scores)  # type: ignore[arg-type]
    expected = TopPLogitsWarper(top_p)(ids, scores).softmax(-1)[0].numpy()  # type: ignore[arg-type]
    draws = (np.arange(1000) + 0.5) / 1000  # every token gets as many of these as its share
    found = next_tokens(
        np.repeat(logits, len(draws), axis=0),
        np.repeat(seen, len(draws), axis=0),
        draws,
        temperature=temperature,
        top_p=top_p,
        repetition_penalty=penalty,
    )
    shares = np.bincount(found, minlength=V) / len(draws)
    assert np.abs(shares - expected).max() <= 2 / len(draws)
    assert set(np.flatnonzero(shares)) <= set(np.flatnonzero(expected))


def test_a_story_does_not_depend_on_the_stories_beside_it(model: GPT2LMHeadModel) -> None:
    prompts = [[5], [7, 8, 9, 10, 11], [12, 13], [5]]
    together = stories(model, prompts)
    assert together[0] != together[3]  # the same prompt, another seed
    for number, prompt in enumerate(prompts):
        alone = write(
            TorchReader(model), [prompt], seeds=[(3, number)], end=END,
            max_length=30, temperature=1.0, top_p=0.9, repetition_penalty=1.1,
        )  # fmt: skip
        assert alone == [together[number]]


def test_stories_end_by_themselves_or_at_the_limit_and_say_which(model: GPT2LMHeadModel) -> None:
    found = stories(model, [[5]] * 40, temperature=2.0, max_length=25)
    assert {story.ended for story in found} == {True, False}
    for story in found:
        assert END not in story.ids
        assert len(story.ids) < 25 if story.ended else len(story.ids) == 25


def test_with_almost_no_temperature_it_writes_what_transformers_writes_greedily(
    model: GPT2LMHeadModel,
) -> None:
    prompts = [[5, 6], [7, 8, 9, 10], [11]]
    found = stories(model, prompts, temperature=1e-6, top_p=1.0, repetition_penalty=1.0)
    for prompt, story in zip(prompts, found, strict=True):
        ids = torch.tensor([[END, *prompt]])
        greedy = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_length=31, do_sample=False, pad_token_id=END
        )[0]
        assert [*story.ids, *([END] if story.ended else [])] == greedy[1:].tolist()


def test_the_penalty_leaves_the_end_alone_though_the_opening_has_its_id() -> None:
    class Undecided:
        context_tokens = 100

        def __init__(self) -> None:
            self.logits = np.full((1, V), -30.0, dtype=np.float32)
            self.logits[0, [END, 7]] = 2.0, 1.9

        def read(self, ids_BT: np.ndarray, mask_BT: np.ndarray) -> np.ndarray:
            assert ids_BT[0, 0] == END
            return self.logits

        def next(self, ids_B: np.ndarray) -> np.ndarray:
            return self.logits

        def keep(self, rows: np.ndarray) -> None: ...

    found = write(
        Undecided(), [[7]], seeds=[(0, 0)], end=END, max_length=50,
        temperature=0.01, top_p=1.0, repetition_penalty=1.2,
    )  # fmt: skip
    assert found == [Written((7,), ended=True)]


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_prompts_are_padded_on_the_left(prompts: list[list[int]]) -> None:
    ids, mask = left_padded(prompts, pad=0)
    assert [row[on == 1].tolist() for row, on in zip(ids, mask, strict=True)] == prompts
    assert all((before <= after).all() for before, after in pairwise(mask.T))


def test_a_model_that_is_being_trained_goes_on_as_before(model: GPT2LMHeadModel) -> None:
    model.train()
    state = torch.get_rng_state()
    with reading(model) as reader:
        reader.read(*left_padded([[END, 3]], pad=END))
        assert not model.training
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
    model.eval()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 90))
def test_the_reader_has_the_librarys_logits_at_every_token(seed: int, lengths: list[int], more: int) -> None:
    torch.manual_seed(seed)
    model = new_gpt2(
        vocab_size=V, end_token_id=END, context_tokens=110, layers=2, heads=2, dim=16, dropout=0.1
    )
    generator = np.random.default_rng(seed)
    stories = [generator.integers(1, V, size=length).tolist() for length in lengths]
    reader = TorchReader(model.eval())
    found = reader.read(*left_padded(stories, pad=END))
    rows = list(range(len(stories)))
    for step in range(more + 1):
        if step % 30 == 0:
            for row, logits in zip(rows, found, strict=True):
                whole = model(torch.tensor([stories[row]])).logits[0, -1].detach().numpy()
                np.testing.assert_allclose(logits, whole, rtol=1e-4, atol=1e-5)
        if step == 40 and len(rows) > 1:
            reader.keep(np.array([1, 0]))
            rows = [rows[1], rows[0]]
        ids = generator.integers(1, V, size=len(rows))
        for row, token in zip(rows, ids.tolist(), strict=True):
            stories[row].append(token)
        found = reader.next(ids)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("top_p", [0.9, 1.0])
def test_a_model_that_diverged_writes_nothing_and_says_why(broken: float, top_p: float) -> None:
    logits = np.zeros((2, V), dtype=np.float32)
    logits[1, 3] = broken
    options = {"temperature": 1.0, "top_p": top_p, "repetition_penalty": 1.0}
    with pytest.raises(RunError, match="its logits are not finite"):
        next_tokens(logits, np.zeros((2, V), dtype=bool), np.array([0.5, 0.5]), **options)


def test_the_lowest_temperature_leaves_the_likeliest_token() -> None:
    logits = np.array([[1.0, 3.0, 2.0]], dtype=np.float32)
    seen, options = np.zeros((1, 3), dtype=bool), {"top_p": 0.9, "repetition_penalty": 1.0}
    assert next_tokens(logits, seen, np.array([0.99]), temperature=5e-324, **options) == [1]
