"""The rules by which one exported form is picked, as they are typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from errors import UserError
from host.text import shown
from schema.numbers import decimal

Cost = Literal["size", "latency"]
MOST = {True: 100.0, False: 1e6}  # points of accuracy; nats/token, as much as a gate may allow
EXAMPLES = "Give most-accurate, or smallest-within or fastest-within with what may be lost, as in smallest-within 0.5."


@dataclass(frozen=True)
class Kind:
    """word: what it is the most of. cost: that decides, the least first; none: the score alone."""

    word: str
    cost: Cost | None


KINDS = {
    "smallest-within": Kind("smallest", "size"),
    "fastest-within": Kind("fastest", "latency"),
    "most-accurate": Kind("most accurate", None),
}

TAKE_A_NUMBER = tuple(name for name, kind in KINDS.items() if kind.cost is not None)


@dataclass(frozen=True)
class Rule:
    """name: of `KINDS`. within: how far below the best score of the table a form may lie, in points of accuracy or
    nats/token; 0 where the best is asked for."""

    name: str
    within: float = 0.0

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]


def rule_of(text: str) -> Rule:
    """Of `RULE` or `RULE VALUE`. UserError for what is none."""
    name, _, value = text.strip().partition(" ")
    where = "--pick"
    if name not in KINDS:
        raise UserError(f"{shown(name)} is no rule", where=where, cure=EXAMPLES)
    if KINDS[name].cost is None:
        if value.strip():
            raise UserError(f"{name} takes no number", where=where, cure=EXAMPLES)
        return Rule(name)
    try:
        within = decimal(value.strip())
    except ValueError as error:
        raise UserError(f"{shown(value)}: {error}", where=where, cure=EXAMPLES) from error
    if within is None or not 0 <= within <= max(MOST.values()):
        what = (
            f"{shown(value)} is no amount that may be lost"
            if value
            else f"{name} says not how much may be lost"
        )
        raise UserError(what, where=where, cure=EXAMPLES)
    return Rule(name, within)
