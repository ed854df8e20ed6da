"""Figures of a variant in plain words, for people who read of them where no program does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_SMALLEST_P = 1e-4


@dataclass(frozen=True)
class Told:
    """name: in words. value: with its unit."""

    name: str
    value: str


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _number(unit: str) -> Callable[[float], str]:
    return lambda value: f"{value:.4g} {unit}".strip()


def _p_value(value: float) -> str:
    return f"{value:.2g}" if value >= _SMALLEST_P else f"below {_SMALLEST_P:g}"


def _yes(value: float) -> str:
    return "yes" if value == 1 else "no"


_PLAIN: dict[str, tuple[str, Callable[[float], str]]] = {
    "accuracy": ("right answers on the official split", _percent),
    "accuracy_low": ("that share is at least, at 95 % confidence", _percent),
    "accuracy_high": ("that share is at most, at 95 % confidence", _percent),
    "loss": ("loss on the official split", _number("nats a token")),
    "perplexity": ("perplexity on the official split", _number("")),
    "accuracy_drop_points": ("accuracy below that of {base}", _number("points")),
    "loss_increase": ("loss above that of {base}", _number("nats a token")),
    "answers_lost": ("answers that {base} has right and this form wrong", _count),
    "answers_won": ("answers that {base} has wrong and this form right", _count),
    "accuracy_drop_p_value": ("p-value: that {base} is right as often (McNemar, mid-p)", _p_value),
    "limit_p_value": ("p-value: that as much as the gate allows is lost, or more", _p_value),
    "changed_answers": ("{answers} that are not those of the trained model", _count),
    "equal_predictions": ("{answers} that are those of the trained model", _percent),
    "max_logit_difference": ("largest difference of a logit from the trained model's", _number("")),
    "rows_alike_in_company": ("texts with the same bits in a batch as alone", _count),
    "batch_invariant": ("same bits in a batch as alone", _yes),
    "size_mib": ("size of the file", _number("MiB")),
    "size_ratio": ("size, as a share of that of {base}", _percent),
    "peak_memory_mib": ("most memory that a process took", _number("MiB")),
}
"""Name and format by the machine's name, in the order in which people read of them. {base}: what the variant is held
against. {answers}: what a model of the task gives."""
_LATENCY = re.compile(
    r"latency_b(?P<rows>\d+)(?:_t(?P<tokens>\d+))?_(?:p(?P<share>\d+)_ms|(?P<rate>examples_per_s))"
)


def in_words(figures: Mapping[str, float], base: str) -> list[Told]:
    """All of them: quality, then size, then how long calls take, short ones first. What has no name here keeps that of
    the machine. base: what the variant is held against."""
    answers = "likeliest next tokens" if "perplexity" in figures else "answers"
    known = [
        Told(name.format(base=base, answers=answers), form(figures[key]))
        for key, (name, form) in _PLAIN.items()
        if key in figures
    ]
    latencies = sorted(_latencies(figures), key=lambda found: found[0])
    named = {*_PLAIN, *(key for _, key, _ in latencies)}
    others = [Told(key, f"{value:.6g}") for key, value in figures.items() if key not in named]
    return [*known, *(told for *_, told in latencies), *others]


def _latencies(figures: Mapping[str, float]) -> Iterator[tuple[tuple[int, int, int], str, Told]]:
    """With what they are ordered by, and the machine's name."""
    for key, value in figures.items():
        found = _LATENCY.fullmatch(key)
        if found is None:
            continue
        rows, tokens, share = (int(found[name] or 0) for name in ("rows", "tokens", "share"))
        of = f"{rows} text{'' if rows == 1 else 's'} of {f'{tokens} tokens' if tokens else 'the median length'}"
        order = (tokens, rows, share or 100)
        if found["rate"]:
            yield order, key, Told(f"texts a second, {of} a call", _count(value))
        else:
            what = "median" if share == 50 else f"{share}th percentile"
            yield order, key, Told(f"time of a call of {of}, {what}", f"{value:.3g} ms")
