"""Findings of a study of one text's attention, made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def made_findings(
    words: Sequence[str], layers: int, heads: int, *, answer: str = "POSITIVE"
) -> tuple[dict[str, Any], Any, Any]:
    """Content, weights (layers, heads, tokens, tokens) and norms (layers, heads, tokens); each word is one piece but
    the second, which is two."""
    names = ["[CLS]", words[0], words[1], f"##{words[1]}", *words[2:], "[SEP]"]
    word_of = [0, 1, 2, 2, *range(3, len(names) - 1)]
    tokens = len(names)
    draw = np.random.default_rng(0)
    weights = draw.random((layers, heads, tokens, tokens)) ** 8
    weights = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    count = word_of[-1] + 1
    return (
        {
            "text": " ".join(words),
            "left_out": 3,
            "cut": "tail",
            "layers": layers,
            "heads": heads,
            "causal": False,
            "tokens": [
                {"text": name, "id": at, "start": 0, "end": 1, "word": word, "special": at in (0, tokens - 1)}
                for at, (name, word) in enumerate(zip(names, word_of, strict=True))
            ],
            "words": ["[CLS]", *words, "[SEP]"],
            "answer": {"kind": "label", "name": answer, "probability": 0.9},
            "importance": [
                {"method": name, "words": draw.normal(size=count).tolist()}
                for name in ("attention", "rollout", "leave one out")
            ],
            "gradients": {
                "of": f"the logit of {answer}",
                "baseline": "[PAD]",
                "reached": 2.0,
                "difference": 2.01,
                "steps": 32,
            },
            "figures": {name: np.ones((layers, heads)).tolist() for name in ("entropy", "distance")},
            "rollout": weights[0, 0].tolist(),
        },
        weights,
        draw.random((layers, heads, tokens)),
    )
