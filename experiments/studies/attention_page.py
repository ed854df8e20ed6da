"""The page and the pictures of one text's attention, from its findings and weights.

Legend: R layers, H heads, T tokens.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datamodules.cut import told_cut
from pages.figures import BLUE, GRID, SURFACE, VERMILION
from pages.pictures import drawing, light
from pages.rendering import page
from pages.sections import Fact, Section
from pages.tables import Column, Row, Table, table
from pages.texts import label
from pages.widgets import Widget

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_FOOT = "Made by encore study attention; encore reproduce with the ID of its run makes it again, to the byte."
_NOT_AN_EXPLANATION = (
    "A weight says where a head looks, not what the answer rests on. Weight x norm (Kobayashi et al. 2020) counts what"
    " is carried from there: a head may look at a token whose value is nearly nothing. Rollout (Abnar & Zuidema 2020)"
    " follows the weights through all layers. Integrated gradients and the fall of the probability without a word are"
    " of the answer itself."
)


def text_page(found: Mapping[str, Any], weights_RHTT: NDArray[np.float32], norms_RHT: Any) -> str:
    """Every layer and head, and what each word counts for the answer by each method."""
    answer, left_out = found["answer"], found["left_out"]
    notes = [told_cut(left_out, len(found["tokens"]), found["cut"])] if left_out else []
    facts = (
        Fact(answer["kind"], answer["name"], f"probability {answer['probability']:.4f}", large=True),
        Fact("layers x heads", f"{found['layers']} x {found['heads']}", large=True),
        Fact("tokens", f"{len(found['tokens']):,}", f"{len(found['words']):,} words", large=True),
    )
    sections = [
        Section(
            "attention-section",
            "Every layer and head",
            facts=facts,
            notes=tuple(notes),
            widget=Widget("attention", _data(found, weights_RHTT, norms_RHT)),
            across=True,
        ),
        Section(
            "words",
            "What each word counts for the answer",
            paragraphs=(_NOT_AN_EXPLANATION,),
            tables=(_word_table(found),),
        ),
        Section("heads", "What the heads look at", folded=(_head_table(found),)),
    ]
    lead = f"{answer['kind']}: {answer['name']}, with probability {answer['probability']:.4f}."
    return page(label(found["text"], 80), sections, kicker="Study of attention", lead=lead, foot=_FOOT)


def _data(found: Mapping[str, Any], weights_RHTT: NDArray[np.float32], norms_RHT: Any) -> dict[str, Any]:
    import numpy as np

    largest_RH = np.max(
        norms_RHT, -1
    )  # of each head: those that carry little are shares of their own sum, too
    return {
        "layers": found["layers"],
        "heads": found["heads"],
        "names": [label(token["text"], 24) for token in found["tokens"]],
        "words": [label(word, 24) for word in found["words"]],
        "word_of": [token["word"] for token in found["tokens"]],
        "weights": _coded(weights_RHTT),
        "norms": np.rint(1000 * norms_RHT / np.where(largest_RH > 0, largest_RH, 1)[..., None])
        .astype(int)
        .tolist(),
        "rollout": _coded(np.array(found["rollout"])),
    }


def _coded(shares: NDArray[np.floating]) -> str:
    """A byte for each share, its root in 255 steps: small shares are told to a thousandth, large ones to 0.4 %."""
    import numpy as np

    return base64.b64encode(np.rint(255 * np.sqrt(shares)).astype(np.uint8).tobytes()).decode()


def _word_table(found: Mapping[str, Any]) -> Table:
    methods = found["importance"]
    columns = [Column("word", "code"), *(Column(one["method"], "number") for one in methods)]
    rows = [
        Row((word, *(f"{one['words'][at]:z.4f}" for one in methods)))
        for at, word in enumerate(found["words"])
    ]
    told = found["gradients"]
    caption = (
        f"Attention, x norm and rollout as shares of 1; integrated gradients of the answer's logit, which add up to"
        f" {told['reached']:.4f} of {told['difference']:.4f} above a text of {told['baseline']}; leave one out as the"
        " fall of the answer's probability"
    )
    return table("word-importance", caption, columns, rows)


def _head_table(found: Mapping[str, Any]) -> Table:
    figures = list(found["figures"])
    columns = [Column("layer, head"), *(Column(name, "number") for name in figures)]
    rows = [
        (
            f"{layer}, {head}",
            *(f"{found['figures'][name][layer][head]:.3f}" for name in figures),
        )
        for layer in range(found["layers"])
        for head in range(found["heads"])
    ]
    caption = (
        "Entropy in nats, distance in tokens; the share of a token's attention on the text's first and last token, on"
        " the token before, on itself and on the one after"
    )
    return table("head-figures", caption, columns, rows)


def heads_picture(weights_RHTT: NDArray[np.float32]) -> bytes:
    """A small map of every layer (row) and head (column), in PNG."""
    layers, heads = weights_RHTT.shape[:2]
    size = (1.0 + 0.8 * heads, 0.8 + 0.8 * layers)
    return drawing("heads", size, lambda canvas: _draw_heads(canvas, weights_RHTT))


def _draw_heads(canvas: Figure, weights_RHTT: NDArray[np.float32]) -> None:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    layers, heads, tokens = weights_RHTT.shape[:3]
    gap = max(1, tokens // 12)
    side = tokens + gap
    whole = np.full((layers * side - gap, heads * side - gap), np.nan)
    for layer in range(layers):
        for head in range(heads):
            top, left = layer * side, head * side
            whole[top : top + tokens, left : left + tokens] = np.sqrt(weights_RHTT[layer, head])
    axes = canvas.subplots()
    shades = LinearSegmentedColormap.from_list("shades", [light(GRID), light(BLUE)])
    axes.imshow(whole, cmap=shades, vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([tokens / 2 + side * head for head in range(heads)], [str(head) for head in range(heads)])
    axes.set_yticks(
        [tokens / 2 + side * layer for layer in range(layers)], [str(one) for one in range(layers)]
    )
    axes.set(xlabel="head", ylabel="layer")


def words_picture(found: Mapping[str, Any]) -> bytes:
    """What each word (column) counts by each method (row), each as a share of its largest, in PNG."""
    size = (max(5.0, 2.2 + 0.34 * len(found["words"])), 1.4 + 0.34 * len(found["importance"]))
    return drawing("words", size, lambda canvas: _draw_words(canvas, found))


def _draw_words(canvas: Figure, found: Mapping[str, Any]) -> None:
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    methods = [one["method"] for one in found["importance"]]
    values = np.array([one["words"] for one in found["importance"]])
    largest = np.abs(values).max(1, keepdims=True)
    axes = canvas.subplots()
    colours = [light(VERMILION), light(SURFACE), light(BLUE)]
    shades = LinearSegmentedColormap.from_list("signed", colours)
    axes.imshow(values / np.where(largest > 0, largest, 1), cmap=shades, vmin=-1, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.set_yticks(range(len(methods)), methods)
    words: Sequence[str] = [label(word, 16) for word in found["words"]]
    axes.set_xticks(range(len(words)), words, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_title("blue: for the answer, red: against it; each row against its largest", fontsize=8)
