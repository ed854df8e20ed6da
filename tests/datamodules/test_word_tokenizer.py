"""The tokenizer of whole words: how it parts a text, which words it keeps, and that it is the same each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datamodules.tokenizers import encode, load_tokenizer, tokenizer_digest, train_tokenizer

TEXTS = ["the film is n't bad", "The film is good .", "a b a b c"]


def words(text: str) -> list[str]:
    trained = train_tokenizer("words", [text], vocab_size=200)
    return trained.convert_ids_to_tokens(encode(trained, text)["input_ids"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's a film that doesn't end.", "it 's a film that does n't end ."),
        ("it 's a film that does n't end .", "it 's a film that does n't end ."),  # as SST-2 has it
        ("You can't; I won't!", "you ca n't ; i wo n't !"),
        ("laugh-out-loud so-so and/or -- x", "laugh - out - loud so - so and / or -- x"),
        ("1,000 at 3.5 ... and -- <br />", "1,000 at 3.5 ... and -- < br / >"),
        ("``quoted''  they'll", "`` quoted '' they 'll"),
        ("Café \u0000 x_y", "café x _ y"),
        ("n't 't isn't", "n't ' t is n't"),
    ],
)
def test_a_text_is_parted_as_the_treebank_does(text: str, expected: str) -> None:
    assert words(text) == [*expected.split(), "[SEP]"]


@pytest.mark.parametrize("text", ["", "  ", "\u0000"])
def test_a_text_without_words_is_its_end(text: str) -> None:
    trained = train_tokenizer("words", TEXTS, vocab_size=64)
    assert trained.convert_ids_to_tokens(encode(trained, text)["input_ids"]) == ["[SEP]"]  # type: ignore[arg-type]


def test_the_most_frequent_words_are_kept_and_of_equal_ones_the_first() -> None:
    trained = train_tokenizer("words", TEXTS, vocab_size=9)
    ordered = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    assert ordered == ["[PAD]", "[UNK]", "[SEP]", "a", "b", "film", "is", "the", "."]
    ids = encode(trained, "the bad film [UNK]", add_special_tokens=False)["input_ids"]
    assert ids == [7, 1, 5, 1, 1, 1]  # nobody writes a special token


def test_known_words_stand_beside_those_of_the_texts_where_a_text_can_hold_them() -> None:
    known = ["bad", "zebra", "Zebra", "two words", "it's", "apple"]
    trained = train_tokenizer("words", TEXTS, vocab_size=9, known=known)
    ordered = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    assert ordered[9:] == ["bad", "zebra", "apple"]
    assert ordered[:9] == ["[PAD]", "[UNK]", "[SEP]", "a", "b", "film", "is", "the", "."]


@pytest.mark.slow
def test_it_is_the_same_in_every_process_and_when_it_is_read_again(tmp_path: Path) -> None:
    trained = train_tokenizer("words", TEXTS, vocab_size=64)
    trained.save_pretrained(tmp_path)
    assert tokenizer_digest(load_tokenizer(str(tmp_path), local_files_only=True)) == tokenizer_digest(trained)
    code = (
        "from datamodules.tokenizers import tokenizer_digest, train_tokenizer\n"
        f"print(tokenizer_digest(train_tokenizer('words', {TEXTS!r}, vocab_size=64)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == tokenizer_digest(trained)
