"""What a classifier's server answers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from datamodules.cut import TextLimit
from export.session import OnnxModel
from export.text_ids import TextIds
from tests.serving.servers import Running

TEXTS = ["The film is lovely.", "The film is dull.", "I did not adore the twist."]


def test_it_is_what_the_model_gives_to_the_last_bit(int8_server: Running, int8_bundle: Path) -> None:
    model, reader = OnnxModel(int8_bundle, threads=1), TextIds(int8_bundle, limit=TextLimit(48))
    for text in TEXTS:
        ids = reader.of(text).ids
        logits = model.logits(np.array([ids], np.int64))[0]
        found = int8_server.classify(text).json()
        assert np.array(found["logits"], np.float32).tobytes() == logits.tobytes()
        assert found["tokens"] == len(ids)
        assert found["label"] == max(found["scores"], key=found["scores"].get)
        assert found["score"] == max(found["scores"].values())
        assert math.isclose(sum(found["scores"].values()), 1)
        odds = math.exp(float(logits[1]) - float(logits[0]))
        assert math.isclose(found["scores"]["positive"], odds / (1 + odds))


def test_a_list_is_what_each_is_alone_in_its_order(int8_server: Running) -> None:
    alone = [int8_server.classify(text).content for text in TEXTS]
    together = int8_server.classify(TEXTS).content
    assert together == b'{"answers":[' + b",".join(alone) + b"]}"


def test_equal_requests_are_equal_bytes_and_the_time_is_in_the_head(int8_server: Running) -> None:
    one, other = int8_server.classify(TEXTS[0]), int8_server.classify(TEXTS[0])
    assert one.content == other.content
    assert one.headers["server-timing"].startswith("queue;dur=")


def test_a_text_beyond_the_most_tokens_is_cut_or_refused(int8_server: Running) -> None:
    long = "The film is lovely. " * 40
    found = int8_server.classify(long).json()
    assert (found["tokens"], found["truncated"]) == (48, True)
    refused = int8_server.classify([TEXTS[0], long], truncate=False)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "text.1")
    assert int8_server.classify(TEXTS[0], truncate=False).json()["truncated"] is False


SECRET = "do-not-say-again"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"text": ""}, 422, "text"),
        ({"text": " \n\t"}, 422, "text"),
        ({"text": []}, 422, "text"),
        ({"text": ["good", " "]}, 422, "text.1"),
        ({"text": ["good", 7]}, 422, "text.1"),
        ({"text": 7}, 422, "text"),
        ({"text": None}, 422, "text"),
        ({"text": ["a"] * 65}, 422, "text"),
        ({"text": "a" * 20_001}, 422, "text"),
        ({"text": {"a": SECRET}}, 422, "text"),
        ({"text": "good", "truncate": "yes"}, 422, "truncate"),
        ({"text": "good", SECRET: 1}, 422, None),
        ({}, 422, "text"),
        ([], 422, None),
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"text": NaN}', 422, "text"),
        (b'{"text": "\\ud800"}', 400, None),
        (b"[" * 100_000, 400, None),
        (b"1" * (2**20 + 1), 413, None),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_its_field_and_never_said_again(
    int8_server: Running, body: object, status: int, field: str | None
) -> None:
    found = int8_server.post("/v1/classify", body)
    assert found.status_code == status
    error = found.json()["error"]
    assert error["field"] == field
    assert error["message"]
    assert error["cure"]
    assert SECRET not in found.text


def test_a_control_character_is_text_like_any_other(int8_server: Running) -> None:
    found = int8_server.post("/v1/classify", json.dumps({"text": "good \x00\x1b[31m\x7f film"}).encode())
    assert found.status_code == 200
