"""A language model's server as a process, over real sockets: who leaves, how it ends, what fails, what it says."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from export.streams import Streams
from generation.sampling import Draft
from runs.files import RunFiles
from serving.service import WriterService
from tests.processes import encore
from tests.serving.servers import Running, here, modules_of, serving, wait_for
from tests.serving.test_completions import events, streamed
from tests.serving.test_server import HEAVY

LONG = {"prompt": "Once", "temperature": 0, "n": 4, "stream": True}


def question(body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = ("POST /v1/completions HTTP/1.1", "host: localhost", "content-type: application/json")
    return "\r\n".join([*head, f"content-length: {len(content)}", "", ""]).encode() + content


def asked(port: int, body: dict[str, Any]) -> socket.socket:
    """A connection on which a story was asked for."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(question(body))
    return connection


def received(connection: socket.socket, count: int) -> bytes:
    """What came until there were so many events."""
    found = b""
    while found.count(b"data: ") < count:
        found += connection.recv(4096)
    return found


def test_for_a_client_that_has_gone_at_most_two_more_tokens_are_computed(service: WriterService) -> None:
    counts: list[float] = []
    give_up = service.give_up

    def count() -> float:
        return service.metrics.tokens._value.get()  # pyright: ignore[reportPrivateUsage]

    def noticed(tellings: Any) -> None:
        counts.append(count())
        give_up(tellings)

    service.give_up = noticed
    with here(service) as port:
        connection = asked(port, {**LONG, "n": 1})
        received(connection, 4)
        connection.close()
        wait_for(lambda: counts)
        with closing(asked(port, {"prompt": "One", "max_tokens": 1})) as other:
            other.recv(4096)  # written when the first one has been let go
        assert service.threads.queued_tokens == 0
        assert 0 <= count() - counts[0] - len(service.reader.of("One", ends=False).ids) - 1 <= 2
        assert counts[0] < 500


def test_a_story_that_waits_for_a_client_that_has_gone_is_never_begun(service: WriterService) -> None:
    with here(service) as port:
        with ThreadPoolExecutor(4) as pool:
            going = [
                pool.submit(
                    httpx.post, f"http://127.0.0.1:{port}/v1/completions", json={**LONG, "stream": False}
                )
                for _ in range(2)
            ]
            waiting = asked(port, {**LONG, "n": 8})
            waiting.close()
            assert {one.result().status_code for one in going} == {200}
        assert service.threads.queued_tokens == 0


def test_a_failure_in_a_stream_is_an_error_event_and_never_the_end(
    service: WriterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Draft.take

    def fails_at_ten(draft: Draft, logits_V: Any) -> None:
        if len(draft.ids) == 10:
            raise ValueError("do-not-say")
        sound(draft, logits_V)

    monkeypatch.setattr(Draft, "take", fails_at_ten)
    with here(service) as port:
        address = f"http://127.0.0.1:{port}/v1/completions"
        *parts, (name, data) = events(httpx.post(address, json=LONG))
        assert name == "error"
        assert json.loads(data)["error"]["type"] == "fault"
        assert "do-not-say" not in data
        assert parts
        assert all(part != (None, "[DONE]") for part in parts)
        whole = httpx.post(address, json={**LONG, "stream": False})
        assert (whole.status_code, whole.json()["error"]["type"]) == (500, "fault")
        assert httpx.post(address, json={"prompt": "a", "max_tokens": 2}).status_code == 200
        assert service.threads.queued_tokens == 0


def test_a_full_queue_is_told_at_once_with_the_time_to_come_again(
    service: WriterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, sound = threading.Event(), Streams.step

    def waits(streams: Streams, tokens: Any) -> Any:
        goes_on.wait(60)
        return sound(streams, tokens)

    monkeypatch.setattr(Streams, "step", waits)
    with here(service) as port:
        address = f"http://127.0.0.1:{port}/v1/completions"
        begun = [asked(port, {**LONG, "n": 8}) for _ in range(2)]
        wait_for(lambda: service.threads.queued_tokens == service.limits.queued_tokens)
        for stream in (False, True):
            found = httpx.post(address, json={**LONG, "stream": stream})
            assert (found.status_code, found.json()["error"]["type"]) == (429, "busy")
            assert 1 <= int(found.headers["retry-after"]) <= 60
        goes_on.set()
        for connection in begun:
            connection.close()


def test_a_terminated_server_writes_to_the_end_what_it_accepted(story_bundle: Path) -> None:
    with serving(story_bundle) as running:
        expected = [running.complete("Once", seed=seed, stream=True).content for seed in range(8)]
        with ThreadPoolExecutor(8) as pool:
            begun = threading.Barrier(9)

            def ask(seed: int) -> bytes:
                body = {"prompt": "Once", "seed": seed, "stream": True}
                with httpx.stream(
                    "POST", f"{running.address}/v1/completions", json=body, timeout=60
                ) as found:
                    parts = found.iter_raw()
                    first = next(parts)
                    begun.wait(30)
                    return first + b"".join(parts)

            asking = [pool.submit(ask, seed) for seed in range(8)]
            begun.wait(30)
            running.process.send_signal(signal.SIGTERM)
            assert [one.result() for one in asking] == expected
        assert running.process.wait(20) == 0


@pytest.mark.slow
def test_a_story_is_the_one_that_encore_generate_writes(writing_run: RunFiles, story_server: Running) -> None:
    options = {"--seed": 7, "--n": 2, "--temperature": 0.9, "--repetition-penalty": 1.1, "--variant": "int8"}
    given = [part for option in options.items() for part in option]
    prompts = ["--prompt", "Once upon a time", "--prompt", ""]
    root = writing_run.store.root
    found = encore("generate", writing_run.record.run_id[:8], *prompts, *given, "--root", root, "--json")
    stories = json.loads(found.stdout)["stories"]
    served = story_server.complete(
        ["Once upon a time", ""], seed=7, n=2, temperature=0.9, repetition_penalty=1.1, echo=True
    ).json()
    assert [choice["text"] for choice in served["choices"]] == [story["text"] for story in stories]
    reasons = {True: "stop", False: "length"}
    assert [choice["finish_reason"] for choice in served["choices"]] == [
        reasons[story["ended"]] for story in stories
    ]


@pytest.mark.slow
@pytest.mark.parametrize("of", ["id", "alias"])
def test_a_run_is_served_by_its_id_and_by_its_alias(writing_run: RunFiles, of: str) -> None:
    from comparison.champion import challenge

    challenge(writing_run, by_hand=True)
    named = writing_run.record.run_id[:8] if of == "id" else f"{writing_run.record.experiment}@champion"
    with serving(named, "--root", writing_run.store.root, "--variant", "fp32") as running:
        [listed] = running.get("/v1/models").json()["data"]
        assert listed["id"].endswith(f"fp32-{writing_run.record.run_id[:8]}")
        assert len(streamed(running.complete("One", max_tokens=5, stream=True))[0]) == 1


def test_a_bundles_server_imports_nothing_heavy_to_write_a_story(story_bundle: Path, tmp_path: Path) -> None:
    program = f"""
        import sys
        from pathlib import Path
        import cli.serving
        from starlette.testclient import TestClient
        from serving.app import make_app
        def ask(service, *_, **__):
            with TestClient(make_app(service, token=None, hosts=["testserver"])) as client:
                found = client.post("/v1/completions", json={{"prompt": "One", "max_tokens": 3, "stream": True}})
                assert found.text.endswith("[DONE]\\n\\n")
            Path({str(tmp_path / "modules")!r}).write_text("\\n".join(sys.modules))
        cli.serving.serve = ask
        sys.argv = ["encore", "serve", {str(story_bundle)!r}, "--port", "0"]
        from cli import main
        main.main()
    """
    modules = modules_of(program, tmp_path / "modules")
    assert "generation.sampling" in modules
    assert HEAVY.intersection(name.partition(".")[0] for name in modules) == set()


def test_what_is_served_is_said_and_nothing_of_a_text(story_bundle: Path) -> None:
    with serving(story_bundle) as running:
        model = running.get("/v1/model").json()
        assert model["proof"] == {"answers": 4, "bit_equal": True, "largest_difference": 0.0, "warnings": []}
        assert (model["limits"]["context_tokens"], model["limits"]["stories"]) == (512, 8)
        running.complete("unheard-of-word", max_tokens=3)
        running.complete("unheard-of-word", max_tokens=3, stream=True)
        running.complete("unheard-of-word", suffix="unheard-of-end")
        text = running.get("/metrics").text
        assert 'encore_requests_total{route="/v1/completions",status="200"} 2.0' in text
        assert "encore_queued_tokens 0.0" in text
        assert "unheard" not in text
        elsewhere = running.get("/v1/classify")
        assert elsewhere.status_code == 404
        assert "language model" in elsewhere.json()["error"]["message"]
        assert "/v1/completions" in elsewhere.json()["error"]["cure"]
        running.process.terminate()
        running.process.wait(20)
        assert running.process.stderr is not None
        assert "unheard" not in running.process.stderr.read()


def test_many_who_come_and_go_leave_nothing_behind(service: WriterService) -> None:
    with here(service) as port:

        async def comes_and_goes(number: int) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(question({**LONG, "n": 1 + number % 3, "seed": number}))
            await reader.read(1 + 300 * (number % 5))
            writer.close()

        async def all_of_them() -> None:
            await asyncio.gather(*map(comes_and_goes, range(40)))

        asyncio.run(all_of_them())
        found = httpx.post(f"http://127.0.0.1:{port}/v1/completions", json={"prompt": "One", "max_tokens": 2})
        wait_for(lambda: not service.threads.queued_tokens)
        assert found.status_code == 200
    assert not service.threads.is_alive
