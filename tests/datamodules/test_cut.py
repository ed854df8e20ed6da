"""Texts that are cut: what is kept of them, held to the tokenizer's own truncation."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.cut import Cut, TextLimit, ends_kept, ids_of
from datamodules.tokenizers import TrainedKind, encode, save_tokenizer, train_tokenizer
from errors import UserError
from experiments.checkout import REPOSITORY

AROUND: dict[TrainedKind, tuple[int, int]] = {"bert_bpe": (1, 1), "gpt2_bpe": (0, 0), "words": (0, 1)}
"""Special tokens before and after a text."""
KINDS = tuple(AROUND)
WORDS = ["film", "good", "dull", "[SEP]", "n't", "überaus", "🎬", "  "]
TEXTS = st.one_of(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join), st.text(max_size=120))
CUTS = st.sampled_from(get_args(Cut))


@cache
def tokenizer(kind: TrainedKind) -> Any:
    texts = [f"a {word} film, and not {word}" for word in ("good", "dull", "fine", "bad")] * 4
    return train_tokenizer(kind, texts, vocab_size=400)


def read(kind: TrainedKind, text: str, limit: TextLimit | None = None, **options: Any) -> list[int]:
    [ids] = ids_of(encode(tokenizer(kind), [text], verbose=False, **options), limit)
    return ids


@given(text=TEXTS, kind=st.sampled_from(KINDS), most=st.integers(4, 40), cut=CUTS)
def test_what_is_kept_are_ends_of_the_text_between_its_special_tokens(
    text: str, kind: TrainedKind, most: int, cut: Cut
) -> None:
    whole, kept = read(kind, text), read(kind, text, TextLimit(most, cut))
    if len(whole) <= most:
        assert kept == whole
        return
    ahead, behind = AROUND[kind]
    body, left = (ids[ahead : len(ids) - behind] for ids in (whole, kept))
    room = most - ahead - behind
    assert len(kept) == most
    assert (kept[:ahead], kept[most - behind :]) == (whole[:ahead], whole[len(whole) - behind :])
    head = {"head": room, "tail": 0, "head_tail": (room + 3) // 4}[cut]
    assert left == body[:head] + body[len(body) - (room - head) :]


@given(text=TEXTS, kind=st.sampled_from(KINDS), most=st.integers(4, 40))
def test_head_and_tail_are_the_tokenizers_own_truncation_from_either_side(
    text: str, kind: TrainedKind, most: int
) -> None:
    for cut, side in (("head", "right"), ("tail", "left")):
        tokenizer(kind).truncation_side = side
        own = encode(tokenizer(kind), text, truncation=True, max_length=most)["input_ids"]
        assert read(kind, text, TextLimit(most, cut)) == own


def test_of_512_tokens_the_128_first_and_the_382_last_are_kept_as_published() -> None:
    assert ends_kept(510, "head_tail") == (128, 382)
    assert ends_kept(126, "head_tail") == (32, 94)
    for room in range(1, 600):
        head, tail = ends_kept(room, "head_tail")
        assert head + tail == room
        assert head >= 1
        assert tail >= head - 1


def test_special_tokens_that_leave_no_room_are_one_line() -> None:
    with pytest.raises(UserError, match=r"data\.max_tokens: the 2 special tokens .* Give 3 or more"):
        read("bert_bpe", "a film", TextLimit(2, "tail"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The code that MLflow runs, as it lies beside a classifier."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "config.json").write_text(json.dumps({"architectures": ["XForSequenceClassification"]}))
    shutil.copy(REPOSITORY / "export" / "served_model.py", folder)
    spec = importlib.util.spec_from_file_location("served_alone", folder / "served_model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(text=TEXTS, kind=st.sampled_from(KINDS), most=st.integers(4, 40), cut=CUTS)
def test_what_stands_alone_cuts_the_same(
    alone: ModuleType, text: str, kind: TrainedKind, most: int, cut: Cut
) -> None:
    [encoding] = encode(tokenizer(kind), [text], verbose=False).encodings or []
    cut_alone: Callable[..., list[int]] = alone._cut
    assert cut_alone(encoding, most, cut) == TextLimit(most, cut).ids(encoding)


@pytest.mark.parametrize(("cut", "said"), [("head", "Right"), ("tail", "Left"), ("head_tail", None)])
def test_a_saved_tokenizer_tells_other_programs_as_far_as_it_can(
    tmp_path: Path, cut: Cut, said: str | None
) -> None:
    save_tokenizer(tokenizer("bert_bpe"), tmp_path, TextLimit(9, cut))
    found = json.loads((tmp_path / "tokenizer.json").read_text())["truncation"]
    assert (found and (found["direction"], found["max_length"])) == (said and (said, 9))
