"""One text's attention: the content of findings.json.

Legend: R layers, H heads, T tokens, K width of a head.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.attention.flow import rollout, value_norms
from analysis.attention.heads import NAMES, head_figures
from analysis.attention.words import by_words
from experiments.studies.attention_importance import (
    METHODS,
    RANDOM,
    Answer,
    Importance,
    answer_of,
    importance,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.studies.attention_model import AttentionModel, Read

    Weights = NDArray[np.float32]

_LINKS = 12
_DIGITS = 6  # behind the point: float32 has no more, and the last ones differ between processors


def text_findings(model: AttentionModel, read: Read) -> tuple[dict[str, Any], Weights, Weights]:
    """Content, weights (R, H, T, T) and norms of the values (R, H, T)."""
    attended = model.attended(read.ids)
    norms_RHT = np.stack(
        [value_norms(values, out) for values, out in zip(attended.values_RHTK, model.outs(), strict=True)]
    )
    answer = answer_of(attended)
    counted = importance(model, read, attended, answer)
    figures = head_figures(attended.weights_RHTT)
    found = {
        "text": _as_far_as_read(read),
        "left_out": read.left_out,
        "cut": model.cut,
        "layers": model.layers,
        "heads": model.network.heads,
        "causal": model.network.causal,
        "tokens": _tokens(read),
        "words": read.word_texts,
        "answer": {**model.named(answer.number), "probability": answer.probability},
        "importance": [
            {"method": name, "words": counted.words_W[name].tolist()} for name in METHODS if name != RANDOM
        ],
        "gradients": _gradients(model, counted, answer),
        "links": _links(read, attended.weights_RHTT),
        "figures": {name: getattr(figures, name).tolist() for name in NAMES},
        "norms": norms_RHT.tolist(),
        "rollout": rollout(attended.weights_RHTT)[-1].tolist(),
    }
    return rounded(found), np.round(attended.weights_RHTT, _DIGITS), norms_RHT


def _links(read: Read, weights_RHTT: Weights) -> list[dict[str, Any]]:
    """The strongest between two words of the text, whichever head they are of; none to a special token or itself."""
    words_RHWW = by_words(weights_RHTT, read.words)
    own = read.own_words
    apart_WW = np.zeros(words_RHWW.shape[-2:], dtype=bool)
    apart_WW[np.ix_(own, own)] = True
    np.fill_diagonal(apart_WW, val=False)
    shares = np.where(apart_WW, words_RHWW, 0.0).ravel()
    order = np.argsort(-shares, kind="stable")[:_LINKS]
    places = zip(*np.unravel_index(order, words_RHWW.shape), strict=True)
    return [
        {
            "layer": int(layer),
            "head": int(head),
            "from": int(row),
            "to": int(column),
            "weight": float(shares[at]),
        }
        for at, (layer, head, row, column) in zip(order, places, strict=True)
        if shares[at] > 0
    ]


def _as_far_as_read(read: Read) -> str:
    """The given text up to the last token that was read; the tokens say what of it was."""
    return read.text[: max(end for _, end in read.spans)]


def _tokens(read: Read) -> list[dict[str, Any]]:
    columns = zip(read.texts, read.ids, read.spans, read.words, read.special, strict=True)
    return [
        {"text": text, "id": number, "start": span[0], "end": span[1], "word": word, "special": special}
        for text, number, span, word, special in columns
    ]


def _gradients(model: AttentionModel, counted: Importance, answer: Answer) -> dict[str, Any]:
    found = counted.gradients
    return {
        "of": f"the logit of {model.named(answer.number)['name']}",
        "baseline": model.nothing[0],
        "reached": found.reached,
        "difference": found.difference,
        "steps": found.steps,
    }


def rounded(found: Any) -> Any:
    """Every number that is not whole, to six digits."""
    if isinstance(found, float):
        return round(found, _DIGITS) + 0.0
    if isinstance(found, Mapping):
        return {key: rounded(value) for key, value in found.items()}
    return [rounded(one) for one in found] if isinstance(found, list | tuple) else found


def saved(array: NDArray[Any]) -> bytes:
    """A .npy file of it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def metrics(found: Mapping[str, Any]) -> dict[str, float]:
    """For the table of runs."""
    return {
        "study/tokens": float(len(found["tokens"])),
        "study/words": float(len(found["words"])),
        "study/probability": float(found["answer"]["probability"]),
        "study/left_out": float(found["left_out"]),
    }
