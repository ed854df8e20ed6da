"""Secrets of every form at every entrance of the store: none is found in any file under it, databases included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from cli.debug import debug_file
from tests.tracking.planted import named, shapes
from tracking.entities import DatasetInput
from tracking.run_log import RunLog
from tracking.store import Store

Start = Callable[..., RunLog]
PLANTED = {**shapes(), **named()}


def found_in(root: Path, secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Which secrets stand in which files below `root`, in names of files too."""
    wanted = [(secret, secret.encode()) for secret in secrets]
    return [
        (file.relative_to(root).as_posix(), secret)
        for file in root.rglob("*")
        for secret, as_bytes in wanted
        if secret in str(file.relative_to(root)) or (file.is_file() and as_bytes in file.read_bytes())
    ]


def _secrets() -> list[str]:
    return [secret for _, secret in PLANTED.values()]


def test_what_is_looked_for_is_found(tmp_path: Path, store: Store, start: Start) -> None:
    """The search itself: without a redaction each secret would be seen."""
    text, secret = shapes()["hugging face"]
    (tmp_path / "a.bin").write_bytes(b"\0" + text.encode())
    (tmp_path / f"{text}.txt").touch()
    assert {file for file, _ in found_in(tmp_path, [secret])} >= {"a.bin", f"{text}.txt"}
    log = start(store, "visible", tags={"note": "harmless-word-of-a-tag"})
    log.finish("FINISHED")
    assert ("mlflow.db", "harmless-word-of-a-tag") in found_in(store.root, ["harmless-word-of-a-tag"])


def test_no_entrance_of_a_run_lets_a_secret_into_the_store(store: Store, start: Start) -> None:
    texts = [text for text, _ in PLANTED.values()]
    together = 16
    for first in range(0, len(texts), together):
        some = dict(enumerate(texts[first : first + together]))
        log = start(
            store,
            "\n".join(some.values()),
            params={f"description{number}": text for number, text in some.items()},
            tags={f"encore.note{number}": text for number, text in some.items()},
            description="\n".join(f"**{text}**" for text in some.values()),
            datasets=[
                DatasetInput("sst2", f"s{n}", f"{n:064}", 1, f"rows of {text}") for n, text in some.items()
            ],
        )
        log.set_tags({f"encore.later{number}": text for number, text in some.items()})
        log.log_params({f"model.pretrained{number}": text for number, text in some.items()})
        log.log_text("\n".join(f"line\n{text}" for text in some.values()), "run/notes.md")
        log.log_json({text: ["encore", text, {"a": text}] for text in some.values()}, "run/config.json")
        log.log_table({"prompt": texts, "story": [f"Once {text}." for text in texts]}, "stories/stories.json")
        if first % (2 * together):
            told = "\n".join(f"RuntimeError: {text}" for text in some.values())
            log.finish("FAILED", reason=f"cannot reach {told}", traceback=f'  File "x.py"\n{told}\n')
        else:  # the journal of a run that is still going on
            assert (store.root / "journal" / f"{log.run_id}.jsonl").exists()
    assert found_in(store.root, _secrets()) == []


def test_values_are_told_by_their_keys_in_records_and_tags(store: Store, start: Start) -> None:
    log = start(store, tags={"hub.client_secret": "plantedvalue-a"}, params={"db_password": "plantedvalue-b"})
    log.log_json(
        {"environment": {"LAB_TOKEN": "plantedvalue-4c5d"}, "client_secret": "plantedvalue-e"}, "run/a.json"
    )
    log.finish("FINISHED")
    assert found_in(store.root, ["plantedvalue"]) == []


def test_a_long_text_is_cut_after_its_secrets_are_gone(store: Store, start: Start) -> None:
    text, secret = shapes()["github"]
    log = start(store, tags={"note": "x" * 7950 + " " + text + " tail" * 100})
    log.finish("FINISHED")
    assert found_in(store.root, [secret, secret[:20]]) == []


def test_the_digest_is_of_the_text_as_written(store: Store, start: Start) -> None:
    from host.files import file_digest

    log = start(store)
    text = shapes()["address"][0]
    digests = {
        "a.txt": log.log_text(text, "a.txt"),
        "b.json": log.log_json({"a": text, "ü": [1, None, 2.5, True]}, "b.json"),
    }
    log.finish("FINISHED")
    record = store.find(log.run_id)
    for name, digest in digests.items():
        assert file_digest(store.artifact(record, name)) == digest
    assert json.loads(store.artifact(record, "b.json").read_text())["ü"] == [1, None, 2.5, True]


@pytest.mark.parametrize("issuer", ["address", "hugging face", "aws secret"])
def test_a_debug_file_has_none(tmp_path: Path, issuer: str) -> None:
    text, secret = shapes()[issuer]
    try:
        raise RuntimeError(text) from ValueError(f"while {text}")
    except RuntimeError as error:
        file: Any = debug_file(error, tmp_path)
    assert secret not in file.read_text()
    assert "RuntimeError" in file.read_text()
