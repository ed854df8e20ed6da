"""A study of tokens as a run: recorded, found again, made again, altered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.tokens.words import NltkSplitter
from datamodules.tokenizers import train_tokenizer
from errors import UserError
from experiments.studies.kinds import prepared
from experiments.studies.replay import replay
from experiments.studies.study import Studied, left_by, study
from experiments.studies.tokens import KIND, TokenizerRequest, TokensRequest, named_tokenizer
from host.progress import SILENT
from runs.files import run_named
from runs.layout import STUDY_FINDINGS, STUDY_PAGE, STUDY_PICTURES
from runs.verify import verify
from schema.validation import parse
from tracking.store import Store

TEXT = "I love <i>learning</i> about LLMs"


@pytest.fixture(scope="module")
def own_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    train_tokenizer("gpt2_bpe", ["I love learning about words"] * 3, vocab_size=290).save_pretrained(folder)
    return folder


def asked(own: Path, **given: Any) -> TokensRequest:
    tokenizers = tuple(TokenizerRequest(**named_tokenizer(source)) for source in ("nltk", str(own)))
    return TokensRequest(tokenizers=tokenizers, **given)


def studied(request: TokensRequest, store: Store, *, again: bool = False) -> Studied:
    found = prepared(KIND, request, root=store.root, reporter=SILENT)
    return study(found, store, again=again, reporter=SILENT)


def test_a_text_is_studied_recorded_and_found_again(store: Store, own_tokenizer: Path) -> None:
    first = studied(asked(own_tokenizer, text=TEXT), store)
    assert [one["name"] for one in first.content["tokenizers"]] == ["nltk", own_tokenizer.name]
    words = first.content["tokenizers"][0]["pieces"]
    assert [one["text"] for one in words] == [piece.text for piece in NltkSplitter().pieces(TEXT)]
    assert "LLMs" in [one["word"] for one in first.content["disagreements"]]
    page = first.run.path(STUDY_PAGE).read_text()
    assert "<i>" not in page
    assert "<mark>&lt;</mark>" in page
    assert first.run.path(f"{STUDY_PICTURES}/tokens.png").read_bytes().startswith(b"\x89PNG")
    assert all(check.holds for check in verify(first.run))

    second = studied(asked(own_tokenizer, text=TEXT), store)
    assert (second.reused, second.run.record.run_id) == (True, first.run.record.run_id)
    third = studied(asked(own_tokenizer, text=TEXT), store, again=True)
    assert third.run.record.run_id != first.run.record.run_id
    assert left_by(third.run) == left_by(first.run)
    assert not studied(asked(own_tokenizer, text=TEXT + "!"), store).reused


def test_where_a_tokenizer_lies_does_not_count_and_what_it_holds_does(
    store: Store, own_tokenizer: Path, tmp_path: Path
) -> None:
    first = studied(asked(own_tokenizer, text="words"), store)
    moved, other = tmp_path / "a" / own_tokenizer.name, tmp_path / "b" / own_tokenizer.name
    moved.parent.mkdir()
    own_tokenizer.rename(moved)
    try:
        assert studied(asked(moved, text="words"), store).run.record.run_id == first.run.record.run_id
    finally:
        moved.rename(own_tokenizer)
    train_tokenizer("gpt2_bpe", ["other words"] * 3, vocab_size=270).save_pretrained(other)
    assert not studied(asked(other, text="words"), store).reused


def test_a_study_is_made_again_to_the_byte_and_an_altered_one_is_told(
    store: Store, own_tokenizer: Path
) -> None:
    run = studied(asked(own_tokenizer, text=TEXT), store).run
    again = replay(run)
    assert (again.same, again.differences, again.files) == (True, (), 3)

    file = run.path(STUDY_FINDINGS)
    file.write_text(file.read_text().replace("LLMs", "LLms"))
    assert not all(check.holds for check in verify(run_named(store, run.record.run_id)))
    assert studied(asked(own_tokenizer, text=TEXT), store).run.record.run_id != run.record.run_id

    request = run.path("study/request.json")
    request.write_text(request.read_text().replace("LLMs", "LLms"))
    with pytest.raises(UserError, match=r"request\.json"):
        replay(run_named(store, run.record.run_id))


def test_a_folder_of_any_name_is_studied(store: Store, own_tokenizer: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a[b] c%"
    shutil.copytree(own_tokenizer, odd)
    found = studied(asked(odd, text="words"), store)
    assert found.content["tokenizers"][1]["name"] == "a_b__c_"


def test_the_original_is_shown_and_not_its_reproduction(store: Store, own_tokenizer: Path) -> None:
    run = studied(asked(own_tokenizer, text="once"), store).run
    assert replay(run).run_id != run.record.run_id
    assert studied(asked(own_tokenizer, text="once"), store).run.record.run_id == run.record.run_id


def test_a_study_without_its_manifest_keeps_nobody_from_the_same(store: Store, own_tokenizer: Path) -> None:
    run = studied(asked(own_tokenizer, text="twice"), store).run
    run.path("run/manifest.json").unlink()
    assert not studied(asked(own_tokenizer, text="twice"), store).reused


def test_another_tokenizer_in_the_same_place_makes_another_study(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    train_tokenizer("gpt2_bpe", ["I love words"] * 3, vocab_size=270).save_pretrained(folder)
    run = studied(asked(folder, text="I love words"), store).run
    train_tokenizer("gpt2_bpe", ["something else"] * 3, vocab_size=270).save_pretrained(folder)
    again = replay(run)
    assert not again.same
    assert {(one.of, one.name) for one in again.differences} >= {
        ("source", "tokenizer.own"),
        ("file", STUDY_FINDINGS),
    }


def test_a_corpus_is_counted(store: Store, own_tokenizer: Path, tmp_path: Path) -> None:
    texts = [f"some words of row {number}" for number in range(30)]
    for split in ("train", "validation"):
        lines = [json.dumps({"text": text}) for text in texts]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    corpus = {"kind": "tinystories", "path": str(tmp_path)}
    found = studied(asked(own_tokenizer, corpus=corpus), store)
    nltk, own = found.content["tokenizers"]
    assert (found.content["texts"], found.content["words"]) == (30, 150)
    assert (nltk["tokens"], nltk["whole_words"], nltk["not_restored"]) == (150, 1.0, None)
    assert own["not_restored"] == 0
    assert found.run.record.metrics["study/nltk/tokens_a_word"] == 1.0
    assert found.run.record.metrics["study/nltk/texts_per_s"] > 0
    assert replay(found.run).same


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "one text or of one corpus"),
        ({"text": "a", "corpus": {"kind": "sst2"}}, "one text or of one corpus"),
        ({"text": " \n"}, "all spaces"),
        ({"text": "a" * 100_001}, "100000"),
        ({"corpus": {"kind": "sst3"}}, "sst2, imdb"),
        ({"corpus": {"kind": "sst2", "split": "dev"}}, "train"),
    ],
)
def test_what_cannot_be_studied_is_told(given: dict[str, Any], told: str) -> None:
    tokenizers = [named_tokenizer("nltk")]
    with pytest.raises(UserError, match=told):
        parse(TokensRequest, {"tokenizers": tokenizers, **given}, where="here")


def test_two_tokenizers_of_one_name_are_refused(tmp_path: Path) -> None:
    tokenizers = [named_tokenizer(str(tmp_path / at / "own")) for at in "ab"]
    with pytest.raises(UserError, match="'own'"):
        parse(TokensRequest, {"text": "a", "tokenizers": tokenizers}, where="here")
