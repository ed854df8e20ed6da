"""What a language model's server answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from export.onnx_reader import OnnxDecoder
from export.text_ids import TextIds
from generation.sampling import Written, write
from serving.limits import LONGEST_STOP, MOST_STORIES
from tests.serving.servers import Running

PROMPTS = ["Once upon a time", "One day", "", "Tom saw a 🐸 in the grass"]
SHORT: dict[str, Any] = {"max_tokens": 24}
SECRET = "do-not-say-again"


def events(found: httpx.Response) -> Iterator[tuple[str | None, str]]:
    """Name and data of each event."""
    assert found.headers["content-type"].startswith("text/event-stream")
    assert found.text.endswith("\n\n")
    for event in found.text[:-2].split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        yield lines.get("event"), lines["data"]


def streamed(found: httpx.Response) -> tuple[list[str], list[dict[str, Any]]]:
    """The text of each choice, and all events but [DONE]."""
    *parts, (_, last) = events(found)
    assert last == "[DONE]"
    assert all(name is None for name, _ in parts)
    bodies = [json.loads(data) for _, data in parts]
    texts: dict[int, str] = {}
    for choice in (choice for body in bodies for choice in body["choices"]):
        texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
    return [texts[index] for index in sorted(texts)], bodies


def by_hand(bundle: Path, prompts: list[str], seed: int, max_tokens: int, **options: float) -> list[Written]:
    """What `encore generate` writes."""
    reader = TextIds(bundle, limit=None)
    [written] = [
        write(
            OnnxDecoder(bundle, threads=2, rows_apart=False),
            ids := [reader.of(prompt, ends=False).ids for prompt in prompts],
            seeds=[(seed, number) for number in range(len(prompts))],
            end=reader.id_of("<|endoftext|>"),
            max_length=max_tokens + len(ids[0]),
            **{"temperature": 0.8, "top_p": 0.95, "repetition_penalty": 1.0, **options},  # type: ignore[arg-type]
        )
    ]
    return written


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize(
    "options", [{}, {"temperature": 1.3, "top_p": 0.7, "repetition_penalty": 1.2}], ids=str
)
def test_it_is_the_story_that_the_writer_of_runs_writes(
    story_server: Running, story_bundle: Path, prompt: str, options: dict[str, float]
) -> None:
    reader = TextIds(story_bundle, limit=None)
    expected = by_hand(story_bundle, [prompt] * 3, 7, 24, **options)
    found = story_server.complete(prompt, n=3, seed=7, echo=True, **SHORT, **options).json()
    assert [choice["text"] for choice in found["choices"]] == [reader.text_of(one.ids) for one in expected]
    assert [choice["finish_reason"] for choice in found["choices"]] == [
        "stop" if one.ended else "length" for one in expected
    ]
    read = len(reader.of(prompt, ends=False).ids)
    drawn = sum(len(one.ids) - read + one.ended for one in expected)
    assert found["usage"] == {"prompt_tokens": read, "completion_tokens": drawn, "total_tokens": read + drawn}


@pytest.mark.parametrize("prompt", [*PROMPTS, PROMPTS[:3]], ids=str)
@pytest.mark.parametrize("more", [{}, {"n": 2, "echo": True}, {"stop": ["e", "th"]}], ids=str)
def test_the_texts_of_a_stream_joined_are_the_whole_texts(
    story_server: Running, prompt: object, more: dict[str, Any]
) -> None:
    whole = story_server.complete(prompt, **SHORT, **more).json()
    found = story_server.complete(
        prompt, **SHORT, **more, stream=True, stream_options={"include_usage": True}
    )
    texts, bodies = streamed(found)
    assert texts == [choice["text"] for choice in whole["choices"]]
    *parts, counted = bodies
    assert (counted["choices"], counted["usage"]) == ([], whole["usage"])
    assert all(part["usage"] is None for part in parts)
    reasons = {
        choice["index"]: choice["finish_reason"]
        for part in parts
        for choice in part["choices"]
        if choice["finish_reason"]
    }
    assert [reasons[index] for index in sorted(reasons)] == [
        choice["finish_reason"] for choice in whole["choices"]
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_equal_requests_are_equal_bytes_whatever_else_is_asked(story_server: Running, stream: bool) -> None:
    def ask(seed: int) -> bytes:
        return story_server.complete(
            "One day", seed=seed, n=1 + seed % 2, max_tokens=40, stream=stream
        ).content

    alone = [ask(seed) for seed in range(8)]
    assert len(set(alone)) == 8
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, list(range(8)) * 4)) == alone * 4


def test_the_form_is_the_one_that_openais_clients_read(story_server: Running) -> None:
    [listed] = story_server.get("/v1/models").json()["data"]
    found = story_server.complete("One day", model=listed["id"], max_tokens=3).json()
    assert found.keys() == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
    assert (found["object"], found["model"], found["created"]) == ("text_completion", listed["id"], 0)
    assert found["id"].startswith("cmpl-")
    [choice] = found["choices"]
    assert choice.keys() == {"index", "text", "logprobs", "finish_reason"}
    plain = story_server.complete("One day", max_tokens=3, stream=True)
    assert all("usage" not in body for body in streamed(plain)[1])


def test_a_text_is_cut_before_a_stop_string(story_server: Running) -> None:
    asked: dict[str, Any] = {"seed": 3, "max_tokens": 60}
    free = story_server.complete("Once", **asked).json()["choices"][0]["text"]
    stop = free[20:25]
    found = story_server.complete("Once", **asked, stop=stop, n=2, echo=True).json()["choices"]
    assert found[0]["text"] == "Once" + free.partition(stop)[0]
    assert found[0]["finish_reason"] == "stop"


def test_no_temperature_takes_the_likeliest_tokens(story_server: Running, story_bundle: Path) -> None:
    golden = json.loads((story_bundle / "golden.json").read_text())["answers"][1]
    found = story_server.complete(golden["text"], temperature=0, seed=5, max_tokens=len(golden["greedy"]))
    reader = TextIds(story_bundle, limit=None)
    written = [token for token in golden["greedy"] if token != golden["ids"][0]]
    assert (
        found.json()["choices"][0]["text"]
        == reader.text_of(golden["ids"][1:] + written)[len(golden["text"]) :]
    )


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "prompt"),
        ({"prompt": 7}, 422, "prompt"),
        ({"prompt": []}, 422, "prompt"),
        ({"prompt": ["a", 7]}, 422, "prompt.1"),
        ({"prompt": [[1, 2]]}, 422, "prompt.0"),
        ({"prompt": ["a"] * (MOST_STORIES + 1)}, 422, "prompt"),
        ({"prompt": ["a"] * 3, "n": 3}, 422, "n"),
        ({"prompt": "a", "n": 10**9}, 422, "n"),
        ({"prompt": "a", "n": 0}, 422, "n"),
        ({"prompt": "a" * 20_001}, 422, "prompt"),
        ({"prompt": "a z " * 2_000}, 422, "prompt"),
        ({"prompt": ["a", "a z " * 2_000]}, 422, "prompt.1"),
        ({"prompt": f"{SECRET} <|endoftext|>"}, 422, "prompt"),
        ({"prompt": "a", "max_tokens": 0}, 422, "max_tokens"),
        ({"prompt": "a", "max_tokens": 512}, 422, "max_tokens"),
        ({"prompt": "a", "max_tokens": 10**12}, 422, "max_tokens"),
        ({"prompt": "a", "temperature": -1}, 422, "temperature"),
        (b'{"prompt": "a", "temperature": NaN}', 422, "temperature"),
        ({"prompt": "a", "top_p": 0}, 422, "top_p"),
        ({"prompt": "a", "repetition_penalty": 0.5}, 422, "repetition_penalty"),
        ({"prompt": "a", "seed": -1}, 422, "seed"),
        ({"prompt": "a", "seed": 2**32}, 422, "seed"),
        ({"prompt": "a", "stop": ""}, 422, "stop"),
        ({"prompt": "a", "stop": ["a"] * 5}, 422, "stop"),
        ({"prompt": "a", "stop": ["b", "a" * (LONGEST_STOP + 1)]}, 422, "stop.1"),
        ({"prompt": "a", "stream": "yes"}, 422, "stream"),
        ({"prompt": "a", "stream": False, "stream_options": {"include_usage": True}}, 422, "stream_options"),
        ({"prompt": "a", "stream": True, "stream_options": {"other": 1}}, 422, "stream_options"),
        ({"prompt": "a", "model": SECRET}, 404, "model"),
        ({"prompt": "a", SECRET: 1}, 422, None),
        *(
            ({"prompt": "a", key: value}, 422, key)
            for key, value in {
                "logprobs": 1, "best_of": 2, "top_k": 5, "suffix": SECRET, "logit_bias": {"5": 1},
                "presence_penalty": 0.5, "frequency_penalty": -1,
            }.items()
        ),
        (b'{"prompt": "\\ud800"}', 400, None),
        (b"[" * 100_000, 400, None),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_told_with_its_field_and_never_said_again(
    story_server: Running, body: Any, status: int, field: str | None, stream: bool
) -> None:
    found = story_server.post(
        "/v1/completions", {"stream": stream, **body} if isinstance(body, dict) else body
    )
    assert found.status_code == status, found.text
    error = found.json()["error"]
    assert error["field"] == field
    assert error["message"]
    assert error["cure"]
    assert SECRET not in found.text


def test_what_asks_for_nothing_is_taken(story_server: Running) -> None:
    plain = story_server.complete("One day", max_tokens=3)
    neutral = {
        "best_of": 1,
        "presence_penalty": 0.0,
        "frequency_penalty": 0,
        "suffix": "",
        "logit_bias": {},
        "user": SECRET,
        **dict.fromkeys(
            ("logprobs", "n", "temperature", "top_p", "repetition_penalty", "seed", "echo", "stop")
        ),
    }
    found = story_server.complete("One day", max_tokens=3, **neutral)
    assert SECRET not in found.text
    assert found.content == plain.content


def test_a_prompt_may_fill_the_context_but_for_one_token(story_server: Running, story_bundle: Path) -> None:
    reader = TextIds(story_bundle, limit=None)
    prompt = next(text for n in range(2_000) if len(reader.of(text := " a" * n, ends=False).ids) == 511)
    found = story_server.complete(prompt).json()
    assert found["usage"]["completion_tokens"] == 1
    refused = story_server.complete(prompt + " a").json()["error"]
    assert refused["field"] == "prompt"
    assert "512" in refused["message"]
