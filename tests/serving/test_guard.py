"""Who may ask, how large and how slow a head may be, and what every answer's head says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from errors import UserError
from serving.authorisation import read_token
from serving.limits import LARGEST_BODY
from tests.processes import encore
from tests.serving.servers import Running, raw, serving

TOKEN = "0123456789abcdef0123456789abcdef"
OPEN = {"/", "/page.css", "/page.js", "/icon.svg", "/favicon.ico", "/livez", "/readyz"}
"""What is answered without a token."""


@pytest.fixture(scope="module", params=["int8_bundle", "story_bundle"])
def bundle(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def closed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(TOKEN + "\n")
    with serving(bundle, "--token-file", file) as running:
        yield running


def test_every_route_but_the_open_ones_asks_for_the_token(closed: Running) -> None:
    described = httpx.get(
        f"{closed.address}/openapi.json", headers={"authorization": f"Bearer {TOKEN}"}, timeout=30
    ).json()
    methods = {path: set(kinds) for path, kinds in described["paths"].items()}
    methods |= {path: {"get"} for path in (*OPEN, "/openapi.json")}
    assert {"/v1/model", "/v1/models", "/metrics"} <= set(methods)
    assert len({"/v1/classify", "/v1/completions"} & set(methods)) == 1
    for path, kinds in methods.items():
        for kind in kinds:
            found = httpx.request(
                kind,
                closed.address + path,
                content=b'{"text": "good"}' if kind == "post" else None,
                headers={"content-type": "application/json"},
                timeout=30,
            )
            assert (found.status_code == 200) == (path in OPEN), path
            if path not in OPEN:
                assert found.status_code == 401
                assert found.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "{asked}", "POST"), ("POST", "/livez", "GET"), ("PUT", "/", "GET")],
)
def test_a_method_that_is_none_is_told_with_those_that_are(
    closed: Running, bundle: Path, method: str, path: str, allowed: str
) -> None:
    asked = path.format(asked="/v1/completions" if bundle.name == "stories" else "/v1/classify")
    found = httpx.request(
        method, closed.address + asked, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30
    )
    assert (found.status_code, found.headers["allow"]) == (405, allowed)
    assert found.json()["error"]["cure"].startswith(f"Ask with {allowed};")


def test_no_route_is_missing_in_the_description(bundle: Path) -> None:
    """So that the test above has seen all of them."""
    from serving.app import make_app
    from serving.bundle import read_bundle
    from serving.guard import Guard
    from serving.json_route import Front
    from serving.service import service_of

    guard = make_app(
        service_of(read_bundle(bundle), threads=1, mode="warn"), token=TOKEN, hosts=["localhost"]
    )
    assert isinstance(guard, Guard)
    assert isinstance(guard.app, Front)
    app = guard.app.app
    assert isinstance(app, FastAPI)
    routes = {route.path for route in _routes(app)}
    described = set(app.openapi()["paths"])
    assert routes == described | OPEN | {"/openapi.json"}


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "routes", None) or getattr(
                getattr(route, "original_router", None), "routes", None
            )
            assert inner is not None, route
            waiting += inner


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer x", f"Bearer {TOKEN}x", f"bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}"]
)
def test_a_wrong_token_is_refused(closed: Running, given: str) -> None:
    found = closed.get("/v1/model", authorization=given)
    assert (found.status_code, found.json()["error"]["field"]) == (401, "Authorization")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_the_right_token_is_let_in(closed: Running, scheme: str) -> None:
    assert closed.get("/v1/model", authorization=f"{scheme} {TOKEN}").status_code == 200


@pytest.mark.parametrize("line", ["PUT {asked}", "GET /v1/model", "GET /livez", "POST /nothing"])
def test_whoever_is_answered_before_the_body_has_come_keeps_no_connection(
    closed: Running, bundle: Path, line: str
) -> None:
    """Nobody would count what still comes, nor how long it takes."""
    first = line.format(asked="/v1/completions" if bundle.name == "stories" else "/v1/classify")
    head = f"{first} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    for length in ("transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "content-length: 20\r\n\r\n{"):
        assert raw(closed, (head + length).encode()).count(b"\r\nconnection: close\r\n") == 1
    assert "connection" not in closed.get("/livez").headers


def test_the_body_of_whoever_has_no_token_is_read_and_bounded(closed: Running, bundle: Path) -> None:
    asked = "/v1/completions" if bundle.name == "stories" else "/v1/classify"
    found = closed.post(asked, b" " * LARGEST_BODY)
    assert (found.status_code, "connection" in found.headers) == (401, False)
    head = f"POST {asked} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    chunks = f"{LARGEST_BODY:x}\r\n{' ' * LARGEST_BODY}\r\n1\r\n"
    answer = raw(closed, f"{head}transfer-encoding: chunked\r\n\r\n{chunks} \r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"short", b"with a space in it, long", b"\xff" * 20, b"x" * 5000]
)
def test_what_is_no_token_is_an_error_at_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(UserError, match="token"):
        read_token(tmp_path / "token")


def test_other_machines_are_let_in_with_a_token_alone(int8_bundle: Path) -> None:
    found = encore("serve", int8_bundle, "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert (found.returncode, found.stdout) == (2, "")
    assert "--token-file" in found.stderr


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"host": "evil.example"}, 421, "Host"),
        ({"host": "evil.example:{port}"}, 421, "Host"),
        ({"host": "127.0.0.1.evil.example"}, 421, "Host"),
        ({"host": ""}, 421, "Host"),
        ({"host": "127.0.0.1:x"}, 421, "Host"),
        ({"host": "127.0.0.1:{port}", "origin": "http://evil.example"}, 403, "Origin"),
        ({"host": "127.0.0.1:{port}", "origin": "null"}, 403, "Origin"),
        ({"host": "127.0.0.1:{port}", "origin": "http://127.0.0.1:1"}, 403, "Origin"),
        ({"host": "127.0.0.1:{port}", "content-type": "text/plain"}, 415, "Content-Type"),
        (
            {"host": "127.0.0.1:{port}", "content-type": "application/x-www-form-urlencoded"},
            415,
            "Content-Type",
        ),
        ({"host": "127.0.0.1:{port}", "content-type": ""}, 415, "Content-Type"),
    ],
    ids=str,
)
def test_a_foreign_page_cannot_ask(
    int8_server: Running, headers: dict[str, str], status: int, field: str
) -> None:
    body = b'{"text": "good"}'
    given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value.format(port=int8_server.port)}\r\n" for name, value in given.items())
    found = raw(int8_server, f"POST /v1/classify HTTP/1.1\r\n{head}\r\n".encode() + body)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["field"] == field
    assert b"access-control" not in found.lower()


def test_its_own_page_can_ask(int8_server: Running) -> None:
    found = int8_server.post("/v1/classify", {"text": "good"}, origin=int8_server.address)
    assert found.status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it(int8_server: Running) -> None:
    for found in (int8_server.get("/"), int8_server.get("/nothing"), int8_server.classify("good")):
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "server" not in found.headers


@pytest.mark.parametrize("size", [20_000, 200_000, 1_000_000])
def test_a_large_head_is_refused(int8_server: Running, size: int) -> None:
    line = b"x-a: " + b"a" * (size - 5) + b"\r\n"
    for ends in (b"\r\n", b""):
        try:
            found = raw(int8_server, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n" + line + ends)
        except (ConnectionError, BrokenPipeError):  # it had ended the connection before all was sent
            continue
        assert not found or found.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert int8_server.get("/livez").status_code == 200


def test_what_is_no_http_is_told_in_json(int8_server: Running) -> None:
    found = raw(int8_server, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 400 ")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["type"] == "malformed"


@pytest.mark.slow
def test_a_slow_head_ends_the_connection(int8_server: Running) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:  # at once: each waits ten seconds
        sent = (b"", b"GET /livez HT", b"POST")
        assert [*pool.map(lambda head: raw(int8_server, head, wait_s=30), sent)] == [b"", b"", b""]
    assert time.monotonic() - began < 20
