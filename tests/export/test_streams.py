"""Streams that come and go, against each of them alone; GPT-2 graphs in all precisions, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import GPT2Config, GPT2LMHeadModel

from errors import UserError
from export.decoding_rows import DecodingModel
from export.gpt2_graph import gpt2_graph
from export.invariance import decodes_alike
from export.streams import Streams

if TYPE_CHECKING:
    from export.blocks import Bits

PROMPTS = [[5], [5, 6, 7], [9, 8, 7, 6, 5, 4], list(range(20, 31))]
MOST = 4
Opened = Callable[["Bits | None"], DecodingModel]


def network(**changes: Any) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"vocab_size": 300, "n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 48}
    shape |= {"initializer_range": 0.2, **changes}
    return GPT2LMHeadModel(GPT2Config(**shape)).eval()


def opened(model: GPT2LMHeadModel, folder: Path, bits: Bits | None) -> DecodingModel:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(gpt2_graph(model, bits).SerializeToString())
    model.config.save_pretrained(folder)
    return DecodingModel(folder, threads=1, rows_apart=False)


@pytest.fixture(scope="module")
def decoding(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    made: dict[Bits | None, DecodingModel] = {}

    def of(bits: Bits | None) -> DecodingModel:
        if bits not in made:
            made[bits] = opened(network(), tmp_path_factory.mktemp("graphs") / str(bits), bits)
        return made[bits]

    return of


class Told:
    """What one stream hears, and what it would hear alone: its tokens follow from its prompt and its number."""

    def __init__(self, model: DecodingModel, number: int) -> None:
        self.alone = model.rows(1)
        self.number, self.heard = number, 0
        self.prompt = PROMPTS[number % len(PROMPTS)]

    def begins(self, logits_V: NDArray[np.float32]) -> None:
        np.testing.assert_array_equal(logits_V, self.alone.append(self.prompt))

    def next_token(self) -> int:
        return (self.number * 37 + self.heard * 11) % 300

    def hears(self, logits_V: NDArray[np.float32]) -> None:
        np.testing.assert_array_equal(logits_V, self.alone.step(np.array([self.next_token()]))[0])
        self.heard += 1


@pytest.mark.parametrize("bits", [None, 8, 4])
@given(what=st.lists(st.sampled_from(["join", "step", "step", "first leaves", "last leaves"]), max_size=16))
@settings(max_examples=25, deadline=None)
def test_whoever_comes_and_goes_a_stream_hears_what_it_hears_alone(
    bits: Bits | None, what: list[str], decoding: Opened
) -> None:
    model = decoding(bits)
    streams, told, joined = Streams(model, most=MOST), dict[int, Told](), 0
    for cache in streams._rows._caches.values():  # pyright: ignore[reportPrivateUsage]
        cache.fill(np.nan)  # what no row has written must not be read
    for event in what:
        if event == "join" and streams.free:
            new = Told(model, joined)
            name, logits_V = streams.join(new.prompt)
            new.begins(logits_V)
            told[name], joined = new, joined + 1
        elif event == "step" and told:
            for name, logits_V in streams.step({n: one.next_token() for n, one in told.items()}).items():
                told[name].hears(logits_V)
        elif event.endswith("leaves") and told:
            gone = sorted(told)[0 if event.startswith("first") else -1]
            streams.leave(gone)
            del told[gone]
        assert streams.free == MOST - len(told)
        assert all(streams.tokens(name) == len(one.prompt) + one.heard for name, one in told.items())


@pytest.mark.parametrize("bits", [None, 8, 4])
def test_rows_together_are_measured_to_have_the_bits_of_rows_alone(
    bits: Bits | None, decoding: Opened
) -> None:
    assert decodes_alike(decoding(bits), [list(range(n, 2 * n)) for n in (1, 2, 3, 5, 9, 13, 18, 20, 22, 24)])


def test_a_row_that_depends_on_its_company_is_found_out(
    decoding: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = decoding(8)
    monkeypatch.setattr("export.gpt2_graph.BLOCK", 128)  # whose kernel for two rows rounds otherwise
    monkeypatch.setattr("export.blocks.BLOCK", 128)
    others = opened(network(n_embd=128), Path(model.path.parent.parent) / "larger_blocks", 8)
    texts = [list(range(n, 2 * n)) for n in (6, 7, 8, 9)]
    if decodes_alike(others, texts):
        pytest.skip("this processor's kernels round alike in blocks of 128")
    others.rows_apart = True  # the cure
    assert decodes_alike(others, texts)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_embd": 20},  # heads of 10, which the runtime's attention does not take as they are
        {"n_embd": 16, "activation_function": "relu"},
        {"n_embd": 40, "activation_function": "gelu"},
        {"n_inner": 72},
        {"tie_word_embeddings": False},
    ],
    ids=str,
)
@pytest.mark.parametrize(("bits", "furthest"), [(None, 1e-4), (8, 0.15), (4, 0.9)])
def test_the_graph_is_pytorchs_model(
    changes: dict[str, Any], bits: Bits | None, furthest: float, tmp_path: Path
) -> None:
    model = network(**changes)
    rows = opened(model, tmp_path / "model", bits).rows(1)
    ids = [(7 * n) % 300 for n in range(24)]
    with torch.inference_mode():
        expected = model(torch.tensor([ids])).logits[0].numpy()
    ours = [rows.append(ids[:10]), *(rows.step(np.array([token]))[0] for token in ids[10:])]
    off = np.abs(np.stack(ours) - expected[9:]).max() / np.abs(expected).max()
    assert off <= furthest
    assert bits is None or off > 1e-4


def test_an_activation_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"activation 'tanh' cannot be exported.*Train a model with one of gelu,"
    ):
        gpt2_graph(network(activation_function="tanh"), None)
