from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datamodules.tokenizers import (
    TrainedKind,
    load_tokenizer,
    pad_token_id,
    tokenizer_digest,
    train_tokenizer,
)
from errors import UserError

TEXTS = ["a dull film", "a fine film, not bad at all", "bad", "The end?"] * 5
PRINT_DIGEST = """
import sys
from datamodules.tokenizers import tokenizer_digest, train_tokenizer
print(tokenizer_digest(train_tokenizer(sys.argv[1], sys.argv[2:], vocab_size=280)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert_bpe", "gpt2_bpe"])
def test_the_same_texts_give_the_same_tokenizer_in_every_process(kind: TrainedKind) -> None:
    here = tokenizer_digest(train_tokenizer(kind, TEXTS, vocab_size=280))
    again = [
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST, kind, *TEXTS], capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert {process.stdout.strip() for process in again} == {here}
    assert tokenizer_digest(train_tokenizer(kind, [*TEXTS, "another another"], vocab_size=280)) != here


@pytest.mark.parametrize("kind", ["bert_bpe", "gpt2_bpe"])
def test_a_saved_tokenizer_reads_as_the_same(kind: TrainedKind, tmp_path: Path) -> None:
    trained = train_tokenizer(kind, TEXTS, vocab_size=280)
    trained.save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path), local_files_only=True)
    assert tokenizer_digest(loaded) == tokenizer_digest(trained)
    for text in ("A fine film?", "unseen words ñ"):
        assert loaded(text)["input_ids"] == trained(text)["input_ids"]
        assert loaded.decode(loaded(text)["input_ids"], skip_special_tokens=True) in {
            text,
            text.lower(),
            "unseen words n",
        }
    assert pad_token_id(loaded) == 0


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no tokenizer that can be read"):
        load_tokenizer(str(tmp_path), local_files_only=True)
    (tmp_path / "tokenizer.json").write_text('{"half": ')
    with pytest.raises(UserError, match="no tokenizer that can be read"):
        load_tokenizer(str(tmp_path), local_files_only=True)
    with pytest.raises(UserError, match="no such folder"):
        load_tokenizer(str(tmp_path / "missing"), local_files_only=True)
