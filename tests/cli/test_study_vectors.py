"""`encore study vectors`, as a person uses it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cli.vectors_asked import VARIABLE
from datamodules.word_vectors import parquet_of
from tests.analysis.vectors.vectors import small_vectors
from tests.processes import inside


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "small.parquet").write_bytes(parquet_of(small_vectors()))
    return str(tmp_path / "small.parquet")


def answered(root: Path, *asked: object) -> str:
    done = inside("study", "vectors", *asked, "--root", root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(root: Path, *asked: object) -> str:
    done = inside("study", "vectors", *asked, "--root", root)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


def test_questions_are_answered_and_shown_again(
    root: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, file)
    shown = answered(root, "--analogy", "king", "-", "man", "+", "woman")
    assert shown.index("given excluded") < shown.index("queen") < shown.index("of all words")
    run_id = shown.partition("encore reproduce ")[2][:8]
    assert "given excluded" in inside("show", run_id, "--root", root).stdout
    assert "The odd one out is king." in answered(root, "--odd", "frog", "king", "toad")


def test_json_has_the_answer(root: Path, file: str) -> None:
    found = json.loads(answered(root, "king", "queen", "--vectors", file, "--json"))
    assert found["pairs"] == [{"left": "king", "right": "queen", "similarity": round(15 / 17, 6)}]
    near = json.loads(answered(root, "--nearest", "frog", "--count", 1, "--vectors", file, "--json"))
    assert [one["word"] for one in near["neighbours"]] == ["toad"]


def test_vectors_are_made_and_their_file_is_named(root: Path, tmp_path: Path) -> None:
    for split in ("train", "validation"):
        lines = [json.dumps({"text": "The king and a frog."})] * 9
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    shown = answered(root, "--train", "tinystories", "--path", tmp_path, "--epochs", 1, "--dimensions", 4)
    assert "6 words with a vector, of 54 tokens in 9 texts" in shown
    assert "frog" in answered(root, "king", "frog", "--vectors", shown.rpartition("vectors: ")[2].strip())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "king queen"),
        (["king"], "words"),
        (["king", "queeen"], "Did you mean queen?"),
        (["--nearest", "king", "frog"], "--nearest: takes one word"),
        (["--nearest", "king", "--odd"], "--nearest: asks for two things, --odd too"),
        (["--analogy", "king", "man", "woman"], "--analogy king man woman: is no sum"),
        (["--analogy", "king", "-"], "is no sum"),
        (["--benchmarks", "king"], "--benchmarks: takes no words"),
        (["--coverage", "sst9"], "sst2, imdb"),
        (["king", "queen", "--path", "x"], "--path"),
        (["king", "queen", "--count", "3"], "--count"),
        (["king", "queen", "--epochs", "3"], "--epochs: is of --train"),
        (["--train", "sst2"], "--vectors: are not read"),
    ],
)
def test_what_cannot_be_asked_is_one_line(root: Path, file: str, arguments: list[str], told: str) -> None:
    assert told in refused(root, *arguments, "--vectors", file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("king 1 2\nking 3 4\n", "line 2: 'king' stands there already"),
        ("king 1 2\nqueen 3\n", "line 2 has 1 numbers"),
    ],
)
def test_vectors_that_do_not_hold_are_one_line(root: Path, tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "bad.txt").write_text(content)
    assert told in refused(root, "king", "queen", "--vectors", tmp_path / "bad.txt")


def test_no_vectors_and_no_gensim_are_told_with_their_cure(
    root: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert "set ENCORE_VECTORS" in refused(root, "king", "queen")
    monkeypatch.setitem(sys.modules, "gensim", None)
    assert "pip install 'encore-harness[vectors]'" in refused(root, "king", "queen", "--vectors", file)
