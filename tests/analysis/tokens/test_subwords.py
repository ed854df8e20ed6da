"""Subwords of real vocabularies: known numbers, and texts that come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from analysis.tokens.subwords import SubwordSplitter
from datamodules.tokenizers import train_tokenizer
from errors import UserError
from tests.texts import TEXTS

KNOWN = [
    ("bert-base-uncased", "LLMs", ["ll", "##ms"], [2222, 5244]),
    ("roberta-base", "LLMs", ["LL", "Ms"], [6006, 13123]),
    ("roberta-base", "about LLMs", ["about", "ĠLL", "Ms"], [9006, 30536, 13123]),
    ("gpt2", "LLMs", ["LL", "Ms"], [3069, 10128]),
    ("gpt2", "about LLMs", ["about", "ĠLL", "Ms"], [10755, 27140, 10128]),
]


@pytest.fixture(scope="module")
def splitters(real_data: Path) -> dict[str, SubwordSplitter]:
    folder = real_data / "data" / "tokenizers"
    names = ("bert-base-uncased", "roberta-base", "gpt2")
    return {name: SubwordSplitter(name, str(folder / name), local_files_only=True) for name in names}


@pytest.mark.parametrize(("name", "text", "tokens", "ids"), KNOWN)
def test_known_pieces(
    splitters: dict[str, SubwordSplitter], name: str, text: str, tokens: list[str], ids: list[int]
) -> None:
    pieces = splitters[name].pieces(text)
    assert [piece.text for piece in pieces] == tokens
    assert [piece.id for piece in pieces] == ids
    assert (
        text[pieces[-1].start : pieces[-1].end].lower()
        == ("Ms" if name != "bert-base-uncased" else "ms").lower()
    )


@pytest.mark.parametrize("name", ["roberta-base", "gpt2"])
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_text_comes_back_as_it_was_and_every_character_has_a_token(
    splitters: dict[str, SubwordSplitter], name: str, count: int
) -> None:
    splitter = splitters[name]

    @settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])
    @given(TEXTS)
    def holds(text: str) -> None:
        [found] = splitter.split([text])
        assert found.restored == text
        covered = {place for start, end in found.spans for place in range(start, end)}
        assert {place for place, letter in enumerate(text) if not letter.isspace()} <= covered

    holds()


def test_what_the_vocabulary_lacks_is_counted(splitters: dict[str, SubwordSplitter]) -> None:
    texts = ["fine", "a \N{THUMBS UP SIGN} b \N{THUMBS UP SIGN}"]
    unknown = {name: [one.unknown for one in splitter.split(texts)] for name, splitter in splitters.items()}
    assert unknown == {"bert-base-uncased": [0, 2], "roberta-base": [0, 0], "gpt2": [0, 0]}


def test_the_name_of_a_special_token_is_a_text_like_any_other(splitters: dict[str, SubwordSplitter]) -> None:
    assert [piece.text for piece in splitters["gpt2"].pieces("<|endoftext|>")] != ["<|endoftext|>"]


def test_a_trained_tokenizer_is_split_by_too(tmp_path: Path) -> None:
    train_tokenizer("gpt2_bpe", ["some words and some more words"] * 3, vocab_size=280).save_pretrained(
        tmp_path
    )
    splitter = SubwordSplitter("own", str(tmp_path), local_files_only=True)
    [found] = splitter.split(["some words"])
    assert found.restored == "some words"
    assert splitter.special == 0


def test_a_folder_without_a_tokenizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        SubwordSplitter("none", str(tmp_path), local_files_only=True)
