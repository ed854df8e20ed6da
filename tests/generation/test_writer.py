"""What a prompt may be, and what a model that cannot read it says."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from datamodules.tokenizers import train_tokenizer
from errors import UserError
from generation.options import DecodingConfig
from generation.torch_reader import TorchReader
from generation.writer import Writer, ids_of_prompts, prompt_ids
from lightning_modules.gpt2 import new_gpt2

TOKENIZER = train_tokenizer("gpt2_bpe", ["Once upon a time Tom ran to a big tree."], vocab_size=300)


@pytest.fixture(scope="module")
def writer() -> Writer:
    torch.manual_seed(0)
    model = new_gpt2(
        vocab_size=len(TOKENIZER), end_token_id=0, context_tokens=32, layers=1, heads=2, dim=16, dropout=0.0
    )
    return Writer(TorchReader(model.eval()), TOKENIZER, batch_size=3)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40).filter(lambda text: "<|endoftext|>" not in text))
def test_a_byte_level_vocabulary_reads_everything(prompt: str) -> None:
    ids = prompt_ids(TOKENIZER, prompt)
    assert TOKENIZER.decode(ids, clean_up_tokenization_spaces=False) == prompt


def test_a_piece_that_the_vocabulary_lacks_is_named() -> None:
    words = Tokenizer(models.WordLevel({"<end>": 0, "tom": 1, "ran": 2, "<unk>": 3}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>", unk_token="<unk>")
    assert prompt_ids(tokenizer, "tom ran") == [1, 2]
    with pytest.raises(UserError, match="no token for 'jumped'"):
        prompt_ids(tokenizer, "tom jumped ran")
    silent = Tokenizer(models.BPE({"<end>": 0, "t": 1, "o": 2}, []))  # drops what it does not know
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=silent, eos_token="<end>")
    for prompt in ("tox", "xto", "txo", "?", "t ? o"):
        with pytest.raises(UserError, match="no token for"):
            prompt_ids(tokenizer, prompt)


@pytest.mark.parametrize(
    ("prompt", "limit", "problem"),
    [
        ("Tom ran " * 20, None, "tokens, and the model's context holds 32 with the story's end"),
        ("Tom ran to a big tree", 4, "leaves none of max_length=4 to write"),
        ("Tom", 33, "33 tokens, and the model's context holds 32"),
        ("Tom \udcff", None, r"prompt 'Tom .udcff': is not UTF-8"),
        ("Tom<|endoftext|>", None, r"holds <\|endoftext\|>, the end of a story"),
    ],
)
def test_what_leaves_nothing_to_write_is_one_line(prompt: str, limit: int | None, problem: str) -> None:
    decoding = DecodingConfig(max_length=limit)
    with pytest.raises(UserError, match=problem):
        ids_of_prompts(TOKENIZER, [prompt], decoding, context_tokens=32)


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0}, {"temperature": -1}, {"temperature": float("nan")}, {"top_p": 0}, {"top_p": 1.01},
     {"repetition_penalty": 0.5}, {"max_length": 1}, {"seed": -1}, {"top_k": 5}],
)  # fmt: skip
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        DecodingConfig.model_validate(options)


def test_stories_are_numbered_and_do_not_depend_on_how_many_are_asked_for(writer: Writer) -> None:
    decoding = DecodingConfig(seed=5, max_length=20)
    prompts = ["Tom", "Once upon", "a big", "ran", "", "Tom"]
    stories = writer.write(prompts, decoding)
    assert [story.number for story in stories] == list(range(6))
    assert [story.text.startswith(story.prompt) for story in stories] == [True] * 6
    assert writer.write(prompts[:3], decoding) == stories[:3]
    assert writer.write(prompts[3:], decoding, numbers=[3, 4, 5]) == stories[3:]
    assert stories[0].text != stories[5].text
    assert writer.write(prompts, decoding.model_copy(update={"seed": 6})) != stories
