"""Texts that hold the name of a special token, from the rows to the ids that a model reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamodules.classification import DemoReviewsData
from errors import UserError
from generation.options import DecodingConfig
from generation.writer import ids_of_prompts
from tests.datamodules.modules import made
from tests.strange_folders import encoder, storyteller


def test_a_review_with_a_mark_in_it_has_one_end_and_is_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from datamodules.tokenizers import load_tokenizer

    encoder(tmp_path / "encoder")
    data = made(DemoReviewsData, None, tmp_path / "cache", selection_examples=2)
    data.origin = "reviews"
    data.tokenizer = load_tokenizer(str(tmp_path / "encoder"), local_files_only=True)
    texts = ["a good film", "a [SEP] film", "a film [MASK]", "bad"]
    ids = list(data.encoded(texts, truncation=True, max_length=16))
    end, mark = 3, {0, 1, 2, 3, 4} - {1}
    assert [row.count(end) for row in ids] == [1, 1, 1, 1]
    assert all(not mark & set(row[1:-1]) for row in ids)
    said = capfd.readouterr().err
    assert "reviews: 2 of 4 texts hold the name of a special token" in said
    assert list(data.encoded(texts[:1], truncation=True, max_length=16)) == ids[:1]
    assert capfd.readouterr().err == ""


def test_a_prompt_with_the_end_of_a_story_in_it_is_refused(tmp_path: Path) -> None:
    from datamodules.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(str(storyteller(tmp_path)), local_files_only=True)
    decoding = DecodingConfig(max_length=8)
    with pytest.raises(UserError, match=r"holds <\|endoftext\|>, the end of a story"):
        ids_of_prompts(tokenizer, ["Once <|endoftext|>"], decoding, context_tokens=64)
    (ids,) = ids_of_prompts(tokenizer, ["[SEP]"], decoding, context_tokens=64)
    assert tokenizer.decode(ids) == "[SEP]"
