"""What does not fit is told in sentences of our own, for every error that the models of bodies can come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from serving.asking import CompletionRequest
from serving.classify import ClassifyRequest
from serving.invalid import first_error, invalid
from serving.problems import Problem

SECRET = "do-not-say-again"
VALUES: tuple[Any, ...] = (
    None, True, 1, 0, -1, 1.5, 10**30, 1e300, -1e300, "", SECRET, SECRET * 9_000, [], [SECRET], [1], [""], [None],
    [SECRET] * 70, [SECRET * 9_000], {}, {SECRET: 1}, [[SECRET]], {"include_usage": SECRET}, {SECRET: {SECRET: 1}},
)  # fmt: skip
WHOLE = (b"[]", b"3", b"null", b"{", b"{}", b"\xff", b'{"do-not-say-again": 1}', b'{"do-not-say-again": NaN}')


def problems(asked: type[BaseModel], body: bytes) -> list[tuple[Problem, str]]:
    """Of each of pydantic's errors: what is told, and its own sentence."""
    try:
        asked.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [(invalid(dict(one), asked).problem, one["msg"]) for one in found]
    return []


@pytest.mark.parametrize("asked", [CompletionRequest, ClassifyRequest])
def test_no_sentence_is_pydantics_and_none_says_what_was_sent(asked: type[BaseModel]) -> None:
    needed = {"prompt": "a"} if asked is CompletionRequest else {"text": "a"}
    bodies = [
        json.dumps({**needed, field: value}).encode() for field in asked.model_fields for value in VALUES
    ]
    told = [one for body in (*bodies, *WHOLE) for one in problems(asked, body)]
    assert len(told) > 30
    for problem, pydantics in told:
        assert problem.message != pydantics
        assert problem.message != "it does not fit", pydantics
        assert "validation" not in problem.message
        assert SECRET not in problem.model_dump_json()
        assert "{" not in problem.message + problem.cure


TOLD = [
    ({"prompt": 7}, "prompt", "it is neither a text nor a list of texts", "Give one of the two."),
    ({"prompt": ["a", 7]}, "prompt.1", "it is no text", "Give a text in quotation marks."),
    ({"prompt": ["a"] * 9}, "prompt", "it has more than 8 entries", "Give at most 8 at once."),
    ({"prompt": "a", "stop": 7}, "stop", "it is neither a text nor a list of texts", "Give one of the two."),
    ({"prompt": "a", "top_p": 0}, "top_p", "it is too small", "Give more than 0."),
    ({"prompt": "a", "top_p": 1.5}, "top_p", "it is too large", "Give at most 1."),
    ({"prompt": "a", "temperature": -1}, "temperature", "it is too small", "Give at least 0."),
    ({"prompt": "a", "seed": 2**32}, "seed", "it is too large", "Give less than 4294967296."),
    ({"prompt": "a", "n": 1.5}, "n", "it is no whole number", "Give one, without a fraction or quotation marks."),
    ({"prompt": "a", "echo": 1}, "echo", "it is neither true nor false", "Give one of the two."),
    ({"prompt": "a", "logit_bias": {"5": 1}}, "logit_bias", "it is not offered",
     "Leave it out: /openapi.json names what is offered."),
    ({"prompt": "a", "suffix": "b"}, "suffix", "it is not offered",
     "Leave it out: /openapi.json names what is offered."),
    ({"prompt": "a", "best_of": 2}, "best_of", "it is not offered", "Give 1, or leave it out."),
    ({"prompt": "a", "best_of": True}, "best_of", "it is not offered", "Give 1, or leave it out."),
    ({"prompt": "a", "top_k": False}, "top_k", "it is not offered", "Give 0 or -1, or leave it out."),
    ({"prompt": "a", "presence_penalty": False}, "presence_penalty", "it is not offered", "Give 0, or leave it out."),
    ({"prompt": "a", "top_k": 5}, "top_k", "it is not offered", "Give 0 or -1, or leave it out."),
    ({"prompt": "a", "stream_options": {"x": 1}}, "stream_options", "it has a key that is not known",
     "Leave it out; known are include_usage."),
    ({"prompt": "a", "stream_options": 1}, "stream_options", "it is no object",
     "Send one with keys and values; known are include_usage."),
]  # fmt: skip


UNLIKE = [
    (
        b'{"prompt": "\\ud800\\ud800"}',
        "it has half of a surrogate pair (line 1 column 24), which is no character",
    ),
    (b'{"prompt": "\\udc00"}', "it has half of a surrogate pair (line 1 column 18), which is no character"),
    (b'{"prompt": "\\ud800"}', "it has half of a surrogate pair (line 1 column 19), which is no character"),
    (b'{"prompt":\n}', "the body is not JSON (line 2 column 1)"),
    (b"", "the body is not JSON (line 1 column 0)"),
]


@pytest.mark.parametrize(("body", "message"), UNLIKE, ids=str)
def test_what_cannot_be_read_has_its_place(body: bytes, message: str) -> None:
    [(problem, _)] = problems(CompletionRequest, body)
    assert problem.message == message


def test_of_very_many_keys_none_is_looked_at() -> None:
    told = []
    for count in (1, 5_000):
        keys = {f"{SECRET} {number}": 0 for number in range(count)}
        with pytest.raises(ValidationError) as caught:
            ClassifyRequest.model_validate_json(json.dumps({"text": "a", **keys}))
        told.append(invalid(first_error(caught.value), ClassifyRequest).problem)
    assert told[0] == told[1]


@pytest.mark.parametrize(("body", "field", "message", "cure"), TOLD, ids=str)
def test_the_cure_has_the_bounds_and_the_keys_of_the_model(
    body: dict[str, Any], field: str, message: str, cure: str
) -> None:
    [(problem, _), *_] = problems(CompletionRequest, json.dumps(body).encode())
    assert (problem.field, problem.message, problem.cure) == (field, message, cure)


def test_of_a_key_that_is_not_known_the_known_ones_are_told() -> None:
    [(problem, _)] = problems(ClassifyRequest, b'{"text": "a", "do-not-say-again": 1}')
    assert (problem.field, problem.cure) == (None, "Leave it out; known are text, truncate.")
    [(problem, _)] = problems(ClassifyRequest, b"[]")
    assert (problem.field, problem.message) == (None, "it is no object")
