"""What is hidden, what stays readable, and that hiding twice is hiding once."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encore_harness import HOME, ROOMS
from tests.tracking.harmless import harmless
from tests.tracking.planted import drawn, named, shapes
from tracking.redaction import (
    MASK,
    holds_secret,
    is_secret_file,
    known_secrets,
    language_of,
    masked,
    redacted,
    redacted_value,
)

_AROUND = {
    "alone": "{}",
    "a sentence": "made with {} on Monday",
    "python": 'x = "{}"',
    "an override": "description={}",
    "an error": "RuntimeError: cannot reach {}: refused (401)",
    "json": '{{"note": "{}"}}',
    "a patch": "@@ -1 +1 @@\n-old\n+{}\n",
    "a list": "['a', '{}', 'b']",
    "markdown": "- `{}`",
}


@pytest.mark.parametrize("around", _AROUND)
@pytest.mark.parametrize("issuer", shapes())
def test_a_credential_is_hidden_whatever_stands_around_it(issuer: str, around: str) -> None:
    text, secret = shapes()[issuer]
    hidden = redacted(_AROUND[around].format(text))
    assert secret not in hidden
    assert MASK in hidden
    assert redacted(hidden) == hidden


@pytest.mark.parametrize("path", named())
def test_a_value_beside_the_name_of_a_credential_is_hidden(path: str) -> None:
    text, secret = named()[path]
    for written in (text, "".join(f"+{line}" for line in text.splitlines(keepends=True))):
        hidden = redacted(written, language_of(path))
        assert secret not in hidden
        assert redacted(hidden, language_of(path)) == hidden


def test_no_harmless_line_loses_a_word() -> None:
    lines = harmless()
    assert len(lines) >= 350
    for path in ("a.py", "a.yaml", "a.md", "none"):
        assert [line for line in lines if redacted(line, language_of(path)) != line] == []
    text = "".join(f"+{line}\n" for line in lines)
    assert redacted(text) == text
    assert redacted_value(lines) == lines


@pytest.mark.parametrize("prefix", ["s" + "k-", "xox" + "b-", "glp" + "at-", "hv" + "s.", "Bea" + "rer "])
def test_letters_that_were_drawn_do_not_read_as_words(prefix: str) -> None:
    """Of 2,000 keys as issuers draw them, each is hidden."""
    source = random.Random(prefix)  # noqa: S311 nothing is protected with it
    letters = string.ascii_letters + string.digits + "-_"
    keys = [f"{prefix}7{''.join(source.choices(letters, k=31))}" for _ in range(2_000)]
    assert [key for key in keys if key in redacted(f"made with {key} here")] == []


def test_the_path_of_what_lies_here_is_none(tmp_path: Path) -> None:
    key = "s" + "k-" + drawn(48, string.ascii_letters + string.digits, "folder")
    folder = tmp_path / key / "my data"
    assert redacted(f"data.path={folder}") != f"data.path={folder}"
    folder.mkdir(parents=True)
    for text in (
        f"data.path={tmp_path / key}",
        f"{folder}",
        f"no rows in {folder}: look",
        f'"{tmp_path / key}/a.csv"',
    ):
        assert redacted(text) == text
        assert redacted_value(text, "data.path") == text
    for text in (key, f"description={key}", f"https://{key}@host.example{tmp_path}", f"{tmp_path}/{key}x"):
        assert key not in redacted(text)
    assert (
        redacted(f"https://anna:hunter2@host.example{tmp_path}") == f"https://{MASK}@host.example{tmp_path}"
    )


def test_this_projects_own_sources_stay_in_its_patches() -> None:
    files = [file for room in ROOMS for file in (HOME / room).rglob("*") if file.suffix in {".py", ".yaml"}]
    files += [
        HOME / "README.md",
        HOME / "pyproject.toml",
        *HOME.glob("docs/*.md"),
        *HOME.glob("benchmarks/*"),
    ]
    assert len(files) > 150
    for file in (file for file in files if file.is_file()):
        text = file.read_text(encoding="utf-8")
        for language in (language_of(file.name), "text"):
            assert redacted(text, language) == text, file


def test_values_are_hidden_by_their_keys() -> None:
    digest = "0123456789abcdef" * 4
    record = {
        "client_secret": "hunter2",
        "data.db_password": "x1",
        "pin": {"password": 123456, "max_tokens": 123456},
        "environment": [{"name": "X_TOKEN", "value": "abcdef123456"}],
        "eos_token": "<|endoftext|>",
        "tokenizer": digest,
        "google-auth": "2.40.3",
        "seed": 7,
    }
    assert redacted_value(record) == {
        "client_secret": MASK,
        "data.db_password": MASK,
        "pin": {"password": MASK, "max_tokens": 123456},
        "environment": [{"name": "X_TOKEN", "value": MASK}],
        "eos_token": "<|endoftext|>",
        "tokenizer": digest,
        "google-auth": "2.40.3",
        "seed": 7,
    }


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 60_000,
        "eyJ" * 60_000,
        "login machine " + "+" * 180_000,
        "login machine x login " + "+" * 180_000,
    ],
)
def test_a_long_text_that_only_begins_like_a_credential_is_read_in_a_moment(text: str) -> None:
    """In the square of its length each of these would take minutes."""
    assert redacted(text) == text


def test_what_the_environment_holds_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "LAB_PASSWORD": "correct/horse7",
        "MLFLOW_TRACKING_URI": "http://anna:" + "p%40ssw0rd@host",
        "GIT_ASKPASS": "/usr/bin/askpass9",
        "PAD_TOKEN": "padding123",
        "SHORT_SECRET": "abc",
        "HOME": "/home/user9",
    }
    assert known_secrets(environment) == {
        "correct/horse7",
        "correct%2Fhorse7",
        "p%40ssw0rd",
        "p%2540ssw0rd",
        "p@ssw0rd",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert redacted("no answer to correct/horse7 at p@ssw0rd") == f"no answer to {MASK} at {MASK}"


def test_a_command_line_shows_its_keys_only() -> None:
    command = ["encore", "hub.token=a1", "--api-key", "b2", "--password=c3", "max_tokens=128", "-v"]
    assert masked(command) == [
        "encore",
        f"hub.token={MASK}",
        "--api-key",
        MASK,
        f"--password={MASK}",
        *command[-2:],
    ]


def test_the_body_of_a_binary_file_is_left_alone() -> None:
    body = "zcmZ?pwd=abcdefgh0123456789;&xox" + "b-abcdefghij0\n"
    section = f"diff --git a/x b/x\nGIT binary patch\nliteral 41\n{body}\n"
    assert redacted(section) == section
    assert redacted(f"{section}x = " + '"sk_li' + 've_abcdefghijkl0123"\n').endswith(f'x = "{MASK}"\n')


@given(
    st.recursive(st.text(max_size=40), lambda inner: st.dictionaries(st.text(max_size=12), inner, max_size=3))
)
def test_data_stay_data(value: object) -> None:
    once = redacted_value(value)
    assert redacted_value(json.loads(json.dumps(once))) == once


@given(
    st.lists(
        st.sampled_from(
            ["password", "=", ": ", '"', "'", "hunter2", " ", "\n", "token", "x", "://", "@", "***"]
        )
    )
)
def test_hiding_twice_is_hiding_once(parts: list[str]) -> None:
    once = redacted("".join(parts))
    assert redacted(once) == once
    assert not holds_secret(once)


def test_names_of_files_that_hold_credentials() -> None:
    those = ("a/.env", ".ssh/id_ed25519.pub", "a.KEY", "b/.aws/config", "c/terraform.tfstate.backup")
    assert [is_secret_file(path) for path in those] == [True] * len(those)
    assert not any(is_secret_file(path) for path in ("keyboard.py", "env.py", "tracking/secret_names.py"))
