from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.tokenizers import (
    LONGEST_WORD,
    TrainedKind,
    bounded_words,
    encode,
    holding_special,
    load_tokenizer,
    pad_token_id,
    tokenizer_digest,
    train_tokenizer,
)
from errors import UserError
from tests.hostile import edited, encoder

TEXTS = ["a dull film", "a fine film, not bad at all", "bad", "The end?"] * 5
KINDS: list[TrainedKind] = ["bert_bpe", "gpt2_bpe"]
PRINT_DIGESTS = """
import sys
from datamodules.tokenizers import tokenizer_digest, train_tokenizer
for kind in sys.argv[1].split():
    print(tokenizer_digest(train_tokenizer(kind, sys.argv[2:], vocab_size=280)))
"""


def digests(texts: list[str]) -> list[str]:
    return [tokenizer_digest(train_tokenizer(kind, texts, vocab_size=280)) for kind in KINDS]


@pytest.mark.slow
def test_the_same_texts_give_the_same_tokenizers_in_every_process() -> None:
    here = digests(TEXTS)
    for _ in range(2):
        command = [sys.executable, "-c", PRINT_DIGESTS, " ".join(KINDS), *TEXTS]
        process = subprocess.run(command, capture_output=True, text=True, check=True)
        assert process.stdout.split() == here
    assert not {*digests([*TEXTS, "another another"])} & {*here}


def test_a_tokenizer_that_cannot_do_what_it_says_is_told_over_the_first_text(tmp_path: Path) -> None:
    train_tokenizer("bert_bpe", TEXTS, vocab_size=280).save_pretrained(tmp_path)
    template = {"type": "TemplateProcessing", "pair": [], "special_tokens": {}}
    lacking = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    edited(tmp_path, "tokenizer.json", post_processor={**template, "single": lacking})
    loaded = load_tokenizer(str(tmp_path), local_files_only=True)
    with pytest.raises(UserError, match=rf"tokenizer {tmp_path}: cannot split a text \(no entry found"):
        encode(loaded, TEXTS)


@pytest.mark.parametrize("kind", KINDS)
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
    with pytest.raises(UserError, match=r"tokenizer\.json: is not JSON"):
        load_tokenizer(str(tmp_path), local_files_only=True)
    with pytest.raises(UserError, match="no such folder"):
        load_tokenizer(str(tmp_path / "missing"), local_files_only=True)


# What transformers 5.24 writes beside the tokenizer.json of a BERT, of a plain tokenizer, and of a GPT-2.
OF_VERSION_5: dict[str, dict[str, Any]] = {
    "BertTokenizer": {"backend": "tokenizers", "cls_token": "[CLS]", "do_lower_case": True, "is_local": True,
        "local_files_only": False, "mask_token": "[MASK]", "model_max_length": 512, "pad_token": "[PAD]",
        "sep_token": "[SEP]", "strip_accents": None, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"},
    "TokenizersBackend": {"backend": "tokenizers", "cls_token": "[CLS]", "mask_token": "[MASK]",
        "extra_special_tokens": ["[MASK]", "<a>"], "model_max_length": 512, "pad_token": "[PAD]",
        "sep_token": "[SEP]", "tokenizer_class": "TokenizersBackend", "unk_token": "[UNK]"},
}  # fmt: skip


@pytest.mark.parametrize("kind", OF_VERSION_5)
def test_a_tokenizer_that_transformers_5_saved_gives_the_same_ids(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder(tmp_path)
    texts = ["A fine film, [SEP] not dull.", "the Films are VERY good!", "<a> bad"]
    written_by_4 = load_tokenizer(str(tmp_path), local_files_only=True)
    ids = encode(written_by_4, texts)["input_ids"]
    for file in ("vocab.txt", "special_tokens_map.json", "added_tokens.json"):
        (tmp_path / file).unlink(missing_ok=True)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(OF_VERSION_5[kind]))
    capfd.readouterr()
    found = load_tokenizer(str(tmp_path), local_files_only=True)
    assert encode(found, texts)["input_ids"] == ids
    assert len(found) == len(written_by_4)
    assert found.special_tokens_map.items() >= written_by_4.special_tokens_map.items()
    assert ("<a>; they are left out" in capfd.readouterr().err) == (kind == "TokenizersBackend")


def test_a_tokenizer_read_from_a_vocabulary_is_that_of_its_tokenizer_json(tmp_path: Path) -> None:
    encoder(tmp_path)
    whole = load_tokenizer(str(tmp_path), local_files_only=True)
    (tmp_path / "tokenizer.json").unlink()
    assert tokenizer_digest(load_tokenizer(str(tmp_path), local_files_only=True)) == tokenizer_digest(whole)


def test_a_cased_tokenizer_stays_cased(tmp_path: Path) -> None:
    from transformers import BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Film", "film"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(tmp_path / "vocab.txt"), do_lower_case=False).save_pretrained(tmp_path)
    found = load_tokenizer(str(tmp_path), local_files_only=True)
    assert encode(found, "Film film")["input_ids"] == [2, 5, 6, 3]


@pytest.mark.parametrize("kind", ["bert_bpe", "gpt2_bpe"])
def test_the_name_of_a_special_token_is_read_as_text(kind: TrainedKind) -> None:
    trained = train_tokenizer(kind, [*TEXTS, "[SEP] <|endoftext|>"], vocab_size=300)
    names = trained.all_special_tokens
    texts = [f"a {name} film{name}" for name in names]
    for text, ids in zip(texts, encode(trained, texts, add_special_tokens=False)["input_ids"], strict=True):
        assert not set(ids) & set(trained.all_special_ids)  # type: ignore[call-overload]
        assert trained.decode(ids, clean_up_tokenization_spaces=False) == (
            text.lower() if kind == "bert_bpe" else text
        )
        assert set(trained(text, add_special_tokens=False)["input_ids"]) & set(trained.all_special_ids)  # type: ignore[arg-type]
    assert holding_special(trained, ["a film", *texts, "[sep", ""]) == texts


def test_a_special_token_that_is_a_word_of_the_vocabulary_is_refused_in_a_text(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"[UNK]": 0, "[SEP]": 1, "film": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", sep_token="[SEP]")
    assert holding_special(tokenizer, ["film [UNK]"]) == ["film [UNK]"]
    with pytest.raises(UserError, match=r"holds '\[SEP\]'"):
        holding_special(tokenizer, ["film", "film [SEP] film"])


def test_no_chat_template_is_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    encoder(tmp_path / "given")
    templates = [{"name": name, "template": "x"} for name in ("default", "../../out")]
    edited(tmp_path / "given", "tokenizer_config.json", chat_template=templates)
    load_tokenizer(str(tmp_path / "given"), local_files_only=True).save_pretrained(tmp_path / "a" / "kept")
    assert "chat templates are left out" in capfd.readouterr().err
    kept = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*.*")}
    assert kept == {
        f"kept/{name}"
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
    }
    assert "chat_template" not in (tmp_path / "a" / "kept" / "tokenizer_config.json").read_text()
    assert str(tmp_path) not in (tmp_path / "a" / "kept" / "tokenizer_config.json").read_text()


RUN = st.tuples(st.sampled_from(["a", "é", " ", "\n", "ab c", "1"]), st.integers(0, 3 * LONGEST_WORD))


@given(st.lists(RUN, max_size=4))
def test_no_word_that_a_tokenizer_learns_from_is_longer_than_the_bound(runs: list[tuple[str, int]]) -> None:
    text = "".join(part * times for part, times in runs)
    parts = list(bounded_words(text))
    assert "".join(parts) == text
    longest = max((len(run) for part in parts for run in re.findall(r"\S+|\s+", part)), default=0)
    assert longest <= LONGEST_WORD


def test_a_tokenizer_learns_nothing_across_the_bound() -> None:
    seam = ["x" * (LONGEST_WORD - 1) + "yz" + "x" * 10] * 3
    assert "yz" not in train_tokenizer("gpt2_bpe", seam, vocab_size=300).get_vocab()
    assert "yz" in train_tokenizer("gpt2_bpe", [text[1:] for text in seam], vocab_size=300).get_vocab()
