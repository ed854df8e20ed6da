"""`encore study`, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes import inside


def test_tokens_are_shown_recorded_and_shown_again(root: Path) -> None:
    done = inside("study", "tokens", "say [bold]red", "--tokenizers", "nltk", "--root", root)
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.partition("encore reproduce ")[2][:8]
    shown = inside("show", run_id, "--root", root).stdout
    for found in (done.stdout, shown):
        assert "nltk  5 tokens" in found
        assert "say [ bold ] red" in found
        assert "encore export" not in found
    again = inside("reproduce", run_id, "--root", root)
    assert again.returncode == 0
    assert "identical" in again.stdout
    refused = inside("reproduce", run_id, "--threads", "1", "--root", root)
    assert refused.returncode == 2
    assert "--threads" in refused.stderr


def test_json_has_the_pieces(root: Path) -> None:
    found = json.loads(
        inside("study", "tokens", "two words", "--tokenizers", "nltk", "--json", "--root", root).stdout
    )
    assert [piece["text"] for piece in found["tokenizers"][0]["pieces"]] == ["two", "words"]
    assert len(found["run_id"]) == 32


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["  "], "all spaces"),
        ([], "one text or of one corpus"),
        (["a", "--data", "sst2"], "one text or of one corpus"),
        (["a", "--path", "x"], "--path"),
        (["a", "--split", "train"], "--split"),
        (["--data", "sst9"], "sst2, imdb"),
        (["--data", "sst2", "--path", "/nowhere"], "no such folder"),
        (["a", "--tokenizers", "./nowhere"], "no such folder"),
        (["a", "--tokenizers", "nltk,,gpt2"], "comma"),
        (["a", "--tokenizers", "nltk,nltk"], "'nltk'"),
    ],
)
def test_what_cannot_be_studied_is_one_line(root: Path, arguments: list[str], told: str) -> None:
    given = arguments if "--tokenizers" in arguments else [*arguments, "--tokenizers", "nltk"]
    said = inside("study", "tokens", *given, "--root", root)
    assert (said.returncode, said.stdout) == (2, "")
    assert told in said.stderr
    assert said.stderr.count("\n") == 1
