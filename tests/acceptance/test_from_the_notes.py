"""Figures of the study notes that are of the hub's own weights (docs/from-the-notes.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes import inside

pytestmark = [pytest.mark.slow, pytest.mark.acceptance]
_SENTIMENT = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"


@pytest.fixture
def sentiment() -> str:
    """The hub's name of the model; skips where its weights are not in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    if not isinstance(try_to_load_from_cache(_SENTIMENT, "model.safetensors"), str):
        pytest.skip(
            f"the hub's weights of {_SENTIMENT} are not in the local cache; `hf download` fetches them"
        )
    return _SENTIMENT


def test_i_love_ai_is_positive(sentiment: str, root: Path) -> None:
    done = inside("study", "sentiment", "I love AI", "--model", sentiment, "--json", "--root", root)
    assert done.returncode == 0, done.stderr
    [answer] = json.loads(done.stdout)["answers"]
    assert answer["label"].lower() == "positive"
    assert answer["probability"] == pytest.approx(0.99983, abs=5e-6)


def test_every_head_of_it_is_shown(sentiment: str, root: Path) -> None:
    """The notes name neither layer nor head of their 0.21 to 0.24, so no figure can be held."""
    done = inside(
        "study", "attention", "I love AI", "--model", sentiment, "--layer", 0, "--head", 0, "--root", root
    )
    assert done.returncode == 0, done.stderr
    assert "Layer 0, head 0" in done.stdout
