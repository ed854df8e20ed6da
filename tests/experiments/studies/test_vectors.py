"""Studies of word vectors as runs: each question recorded and made again; what one study makes another reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datamodules.word_vectors import parquet_of, read_word_vectors
from errors import UserError
from experiments.studies import skipgram, vectors
from experiments.studies.kinds import KINDS, prepared
from experiments.studies.replay import replay
from experiments.studies.study import Studied, study
from host.progress import SILENT
from runs.layout import STUDY_PAGE, STUDY_PICTURES, STUDY_VECTORS
from runs.verify import verify
from schema.validation import parse
from tests.analysis.vectors.vectors import small_vectors
from tracking.store import Store

QUESTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "similarity": ({"words": ["king", "queen", "frog"]}, "plane.png", "similarity"),
    "nearest": ({"word": "frog", "count": 2}, "plane.png", "nearest"),
    "analogy": ({"positive": ["king", "woman"], "negative": ["man"]}, "plane.png", "excluded"),
    "odd": ({"words": ["king", "frog", "toad"]}, "plane.png", "odd"),
    "coverage": ({}, "coverage.png", "known_tokens"),
    "benchmarks": ({}, "analogies.png", ""),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "small.parquet").write_bytes(parquet_of(small_vectors()))
    return tmp_path / "small.parquet"


@pytest.fixture
def corpus(tmp_path: Path) -> dict[str, str]:
    texts = ["The king and a <b>frog</b>.", "The queen and a frog.", "The king and a toad."] * 5
    for split in ("train", "validation"):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return {"kind": "tinystories", "path": str(tmp_path)}


def studied(kind: str, asked: dict[str, Any], store: Store) -> Studied:
    request = parse(KINDS[kind].request, asked, where="here")
    found = prepared(kind, request, root=store.root, reporter=SILENT)
    return study(found, store, again=False, reporter=SILENT)


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("analogy", "coverage") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in QUESTIONS
    ],
)
def test_a_question_is_answered_recorded_and_made_again(
    kind: str, store: Store, file: Path, corpus: dict[str, str]
) -> None:
    question, drawn, metric = QUESTIONS[kind]
    given = {"corpus": corpus} if kind == "coverage" else question
    asked = {"path": str(file), "question": {"kind": kind, **given}}
    found = studied(vectors.KIND, asked, store)
    assert found.run.path(f"{STUDY_PICTURES}/{drawn}").read_bytes().startswith(b"\x89PNG")
    page = found.run.path(STUDY_PAGE).read_text()
    assert "8 words of small.parquet" in page
    assert all(check.holds for check in verify(found.run))
    assert not metric or f"study/{metric}" in found.run.record.metrics
    assert studied(vectors.KIND, asked, store).reused
    again = replay(found.run)
    assert (again.same, again.differences) == (True, ())


@pytest.mark.slow
def test_where_vectors_lie_does_not_count_and_what_they_are_does(store: Store, file: Path) -> None:
    asked: dict[str, Any] = {
        "path": str(file),
        "question": {"kind": "odd", "words": ["king", "frog", "toad"]},
    }
    first = studied(vectors.KIND, asked, store)
    moved = file.rename(file.with_name("moved.parquet"))
    assert studied(vectors.KIND, {**asked, "path": str(moved)}, store).reused
    assert not studied(
        vectors.KIND,
        {**asked, "path": str(moved), "question": {**asked["question"], "words": ["queen", "frog", "toad"]}},
        store,
    ).reused
    file.with_suffix(".txt").write_text("king 1 2\nfrog 3 4\ntoad 4 4\n")
    other = studied(vectors.KIND, {**asked, "path": str(file.with_suffix(".txt"))}, store)
    assert (other.reused, first.content["vectors"]["digest"] != other.content["vectors"]["digest"]) == (
        False,
        True,
    )


@pytest.mark.slow
def test_vectors_are_made_from_a_corpus_again_to_the_byte_and_asked(
    store: Store, corpus: dict[str, str]
) -> None:
    asked = {"corpus": corpus, "dimensions": 8, "epochs": 2, "least": 5}
    made = studied(skipgram.KIND, asked, store)
    assert made.content["words"] == len(read_word_vectors(made.run.path(STUDY_VECTORS)).words) > 5
    again = replay(made.run)
    assert (again.same, again.files) == (True, 4)
    path = str(made.run.path(STUDY_VECTORS).parent)
    near = studied(vectors.KIND, {"path": path, "question": {"kind": "nearest", "word": "king"}}, store)
    assert len(near.content["neighbours"]) == min(10, made.content["words"] - 1)
    assert near.content["vectors"]["digest"] == made.content["digest"]


@pytest.mark.slow
def test_words_are_added_to_vectors_that_lack_them(
    store: Store, corpus: dict[str, str], tmp_path: Path
) -> None:
    asked = {"corpus": corpus, "dimensions": 2, "epochs": 1, "least": 2}
    alone = studied(skipgram.KIND, asked, store).content
    words = read_word_vectors(studied(skipgram.KIND, asked, store).run.path(STUDY_VECTORS)).words
    known = tmp_path / "known.txt"
    known.write_text("".join(f"{word} {number} 1 0\n" for number, word in enumerate(["own", *words[::2]])))
    made = studied(skipgram.KIND, {**asked, "extends": {"path": str(known)}}, store)
    found = read_word_vectors(made.run.path(STUDY_VECTORS))
    assert (found.words, found.dimensions) == (("own", *words[::2], *words[1::2]), 3)
    assert made.content["extends"]["added"] == len(words[1::2])
    assert made.content["words"] == alone["words"]
    assert replay(made.run).same
    known.write_text("own 1 2 3\nking 1 2 3\n")
    with pytest.raises(UserError, match="too few to map 2 numbers"):
        studied(skipgram.KIND, {**asked, "extends": {"path": str(known)}}, store)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"kind": "nearest", "word": "froq"}, "Did you mean frog"),
        ({"kind": "similarity", "words": ["king"]}, "words"),
        ({"kind": "odd", "words": ["king", "frog"]}, "words"),
        ({"kind": "nearest", "word": "frog", "count": 0}, "count"),
        ({"kind": "coverage", "corpus": {"kind": "tinystories", "path": "/nowhere"}}, "no such folder"),
        ({"kind": "guess"}, "kind"),
    ],
)
def test_what_cannot_be_asked_is_told(question: dict[str, Any], told: str, store: Store, file: Path) -> None:
    with pytest.raises(UserError, match=told):
        studied(vectors.KIND, {"path": str(file), "question": question}, store)
