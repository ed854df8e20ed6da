"""What studies of attention found, in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.tables import fitted
from host.boundary import boundary
from host.markup import literal
from host.text import shortened
from runs.layout import STUDY_WEIGHTS
from runs.seals import check_listed

if TYPE_CHECKING:
    from rich.console import Console

    from runs.files import RunFiles

_SHOWN = 20  # characters of a word
_LINKS = 12
_DIGITS = 6  # as the file has them
_WIDEST = 12  # tokens whose weights stand side by side


def head_weights(run: RunFiles, layer: int, head: int) -> list[list[float]]:
    """(T, T) of one head, from the file that the study left. UserError where that is not what was recorded."""
    import numpy as np

    check_listed(run, STUDY_WEIGHTS)
    with boundary("cannot be read", where=f"{run.where}, {STUDY_WEIGHTS}", cure="Study the text --again."):
        weights_RHTT = np.load(run.path(STUDY_WEIGHTS), allow_pickle=False)
    return [[round(float(one), _DIGITS) for one in row] for row in weights_RHTT[layer, head]]


def print_attention(out: Console, content: Mapping[str, Any]) -> None:
    """Of a text the answer and what each word counts for it; of a corpus its tables."""
    if "text" in content:
        _print_text(out, content)
    else:
        _print_corpus(out, content)


def _print_text(out: Console, content: Mapping[str, Any]) -> None:
    answer = content["answer"]
    out.print(
        f"{answer['kind']} [bold]{literal(answer['name'])}[/], probability {answer['probability']:.4f}; "
        f"{content['layers']} layers of {content['heads']} heads over {len(content['tokens'])} tokens",
        highlight=False,
        soft_wrap=True,
    )
    methods = content["importance"]
    rows = [
        {"word": _word(word), **{one["method"]: f"{one['words'][at]:z.4f}" for one in methods}}
        for at, word in enumerate(content["words"])
    ]
    out.print(fitted(out, rows, spare=[], title="What each word counts for the answer", squeezed="word"))
    rows = [
        {
            "layer": str(one["layer"]),
            "head": str(one["head"]),
            "from": _word(content["words"][one["from"]]),
            "to": _word(content["words"][one["to"]]),
            "weight": f"{one['weight']:.3f}",
        }
        for one in content["links"]
    ]
    if rows:
        out.print(fitted(out, rows, spare=[], title="Strongest links between its words", squeezed="to"))


def _print_corpus(out: Console, content: Mapping[str, Any]) -> None:
    from experiments.studies.attention_corpus_page import difference_cells, faithfulness_table

    told = faithfulness_table(content)
    headings = ["method", "comprehensiveness", "p", "sufficiency", "p (suff.)"]
    rows = [dict(zip(headings, row.cells, strict=True)) for row in told.rows]
    title = f"{content['sentences']:,} texts with words removed: how far the answer's probability falls"
    out.print(fitted(out, rows, spare=["p", "p (suff.)"], title=title, squeezed="method"))
    columns = (content["metric"], "difference", "95 % interval", "p")
    rows = [
        {
            "window": f"{row['window']}{', first token for all' if row['first'] else ''}",
            **dict(zip(columns, difference_cells(content, row), strict=True)),
        }
        for row in content["windows"]
    ]
    title = f"{content['texts']:,} texts, attention at most so many tokens away"
    out.print(fitted(out, rows, spare=[], title=title, squeezed="window"))
    worst = sorted(content["heads_off"], key=lambda row: (row["p_value"], -abs(row["difference"])))[:_LINKS]
    rows = [
        {
            "layer": f"{row['layer']}",
            "head": f"{row['head']}",
            **dict(zip(columns, difference_cells(content, row), strict=True)),
        }
        for row in worst
    ]
    title = f"One head off: the {len(worst)} of {len(content['heads_off'])} that matter most"
    out.print(fitted(out, rows, spare=[], title=title, squeezed="layer"))


def print_head(out: Console, content: Mapping[str, Any], weights_TT: Any, layer: int, head: int) -> None:
    """One head's weights as a table, of a long text its strongest links."""
    names = [token["text"] for token in content["tokens"]]
    title = f"Layer {layer}, head {head}: from a token (row) to others"
    if len(names) <= _WIDEST:
        rows = [
            {
                "from": _word(name),
                **{f"{at} {_word(to)}": f"{weights_TT[row][at]:.3f}" for at, to in enumerate(names)},
            }
            for row, name in enumerate(names)
        ]
        out.print(fitted(out, rows, spare=[], title=title, squeezed="from"))
        return
    out.print(fitted(out, _links(names, weights_TT), spare=[], title=title, squeezed="from"))


def _links(names: Sequence[str], weights_TT: Any) -> list[dict[str, str]]:
    pairs = [(float(weight), row, at) for row, its in enumerate(weights_TT) for at, weight in enumerate(its)]
    strongest = sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))[:_LINKS]
    return [
        {"from": _word(names[row]), "to": _word(names[at]), "weight": f"{weight:.3f}"}
        for weight, row, at in strongest
    ]


def _word(text: str) -> str:
    return literal(shortened(text, _SHOWN))
