"""The hub's part of the conversation is played by a server on this machine that speaks its protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASK = """
import sys
from pathlib import Path
from datamodules.hub import commit_of
from errors import UserError
for question in sys.argv[2:]:
    kind, repository, revision = question.split("|")
    try:
        print(commit_of(repository, revision, kind=kind, memory=Path(sys.argv[1])))
    except UserError as error:
        print(error)
"""


class Hub(BaseHTTPRequestHandler):
    """Knows the model `lab/small` at `main` and refuses all else as the hub does."""

    def do_HEAD(self) -> None:
        self._answer(200, {})

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/lab/small/revision/main"):
            self._answer(200, {"id": "lab/small", "sha": COMMIT, "tags": [], "siblings": []})
        elif self.path.startswith("/api/models/lab/small/"):
            self._answer(404, {"error": "Invalid rev id"}, code="RevisionNotFound")
        elif self.path.startswith("/api/models/"):
            self._answer(401, {"error": "Repository not found"}, code="RepoNotFound")
        else:
            self._answer(503, {})

    def _answer(self, status: int, body: object, *, code: str | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hub() -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(memory: Path, *questions: str, endpoint: str, offline: bool = False) -> list[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": str(int(offline)),
        "HF_HOME": str(memory / "home"),
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-c", ASK, str(memory), *questions]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=60)
    return process.stdout.splitlines()


def test_a_branch_becomes_a_commit_and_is_remembered_without_the_hub(hub: str, tmp_path: Path) -> None:
    assert ask(tmp_path, "model|lab/small|main", endpoint=hub) == [COMMIT]
    remembered, unknown = ask(
        tmp_path, "model|lab/small|main", "model|lab/small|v2", endpoint=hub, offline=True
    )
    assert remembered == COMMIT
    assert "no hub can be reached" in unknown


def test_what_the_hub_does_not_have_is_told_apart_from_a_hub_that_is_away(hub: str, tmp_path: Path) -> None:
    unknown, no_revision, no_name, broken, pinned = ask(
        tmp_path,
        "model|lab/smal|main",
        "model|lab/small|v2",
        "model|a/b/c|main",
        "dataset|lab/rows|main",
        f"dataset|lab/rows|{COMMIT}",
        endpoint=hub,
    )
    assert "the hub has no model lab/smal" in unknown
    assert "no revision v2" in no_revision
    assert "the hub has no model a/b/c" in no_name
    assert "data.path: the hub could not say" in broken
    assert pinned == COMMIT


def test_a_hub_that_is_away_is_told_at_once(tmp_path: Path) -> None:
    (line,) = ask(tmp_path, "model|lab/small|main", endpoint="http://127.0.0.1:9")
    for way in ("model.pretrained", "data.path", "make demo"):
        assert way in line


def test_a_memory_that_is_not_what_the_hub_said_is_asked_again_or_named(hub: str, tmp_path: Path) -> None:
    question = "model|lab/small|main"
    ask(tmp_path, question, endpoint=hub)
    file = tmp_path / "models--lab--small" / "main"
    whole = file.read_text()
    other = tmp_path / "models--lab--other" / "main"
    other.parent.mkdir()
    changes = {
        "changed": whole.replace("0123", "0124", 1),
        "replaced": f"{COMMIT[::-1]}\n",
        "truncated": whole[:20],
        "without its digest": COMMIT,
        "emptied": "",
        "lengthened": whole + "a",
        "no text": "\udcff",
    }
    for change, content in changes.items():
        file.write_text(content, errors="surrogateescape")
        (line,) = ask(tmp_path, question, endpoint=hub, offline=True)
        assert str(file) in line, change
        assert "Delete this file" in line
    file.write_text(changes["changed"])
    assert ask(tmp_path, question, endpoint=hub) == [COMMIT]
    assert file.read_text() == whole
    other.write_text(whole)  # another repository's
    (line,) = ask(tmp_path, "model|lab/other|main", endpoint=hub, offline=True)
    assert str(other) in line
    file.unlink()
    (line,) = ask(tmp_path, question, endpoint=hub, offline=True)
    assert "no hub can be reached" in line


def test_a_memory_of_an_earlier_version_is_believed_where_the_library_has_that_commit(
    hub: str, tmp_path: Path
) -> None:
    file = tmp_path / "models--lab--small" / "main"
    file.parent.mkdir()
    file.write_text(COMMIT)
    (tmp_path / "home" / "hub" / "models--lab--small" / "snapshots" / COMMIT).mkdir(parents=True)
    assert ask(tmp_path, "model|lab/small|main", endpoint=hub, offline=True) == [COMMIT]


def test_a_revision_that_is_a_path_is_remembered_in_the_memory(hub: str, tmp_path: Path) -> None:
    outside = tmp_path.parent / "planted"
    outside.write_text(COMMIT)
    for revision in ("../../planted", "..", "refs/pr/1", "v" * 300):
        (line,) = ask(tmp_path / "memory", f"model|lab/small|{revision}", endpoint=hub, offline=True)
        assert "no hub can be reached" in line, revision
