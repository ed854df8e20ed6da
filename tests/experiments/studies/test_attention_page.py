"""The page of one text's attention: its size, and that it tells what the weights are."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np

from experiments.studies.attention_page import text_page
from tests.attentions import made_findings


def told(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="attention-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_of_a_large_model_is_small_and_tells_shares_to_what_a_byte_can() -> None:
    content, weights, norms = made_findings([f"word{at}" for at in range(61)], 12, 12)
    assert weights.shape == (12, 12, 64, 64)
    page = text_page(content, weights, norms)
    assert len(page.encode()) <= 1.1 * 2**20
    data = told(page)
    coded = np.frombuffer(base64.b64decode(data["weights"]), np.uint8).reshape(weights.shape)
    assert np.abs((coded / 255.0) ** 2 - weights).max() <= 0.004
    assert data["word_of"][:5] == [0, 1, 2, 2, 3]


def test_what_a_text_holds_ends_no_script() -> None:
    content, weights, norms = made_findings(["</script><script>alert(1)//", "<!--", "\u202eb"], 1, 2)
    page = text_page(content, weights, norms)
    assert "<script>alert" not in page
    assert page.count("</script>") == 2
    assert "\u202e" not in page


def test_a_head_that_carries_little_is_told_as_finely_as_any() -> None:
    content, weights, norms = made_findings(["a", "b"], 2, 2)
    plain = told(text_page(content, weights, norms))["norms"]
    norms[1, 1] *= 1e-6
    faint = told(text_page(content, weights, norms))["norms"]
    assert faint == plain
    assert max(faint[1][1]) == 1000
