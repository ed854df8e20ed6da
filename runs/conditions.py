"""Conditions on runs, as `encore runs --where` takes them: a small language of its own, of which nothing is executed.

    condition  = both { "or" both }
    both       = not { "and" not }
    not        = "not" not | "(" condition ")" | NAME [ OPERATOR VALUE ]
    OPERATOR   = "=" "==" "!=" "<" "<=" ">" ">=" "contains" "~"

A NAME alone asks whether a run has it. Names and values stand as they are, or in quotes where they hold blanks,
brackets or operators. `90%` is 0.9. A time without a zone is this machine's; `started = 2026-11-26` is the whole day.
A comparison with what a run has not is false, `!=` too.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from errors import UserError, one_line
from host.text import shown
from runs.fields import Field, Value, field_named
from schema.numbers import decimal
from tracking.entities import Keys

if TYPE_CHECKING:
    from tracking.entities import RunRecord

_MOST_CHARACTERS, _DEEPEST = 4000, 40
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign><=|>=|==|!=|[<>=~()])|(?P<word>[^\s<>=~()"'!]+))"""
)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUAL, _HOLDS = {"=", "==", "!="}, {"contains", "~"}
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOW = 'Write it as in `test/accuracy > 0.9 and (status = finished or name contains "small")`.'


@dataclass(frozen=True)
class Condition:
    """holds: whether it is true of a run. keys: what must be read of the run to tell."""

    holds: Callable[[RunRecord], bool]
    keys: Keys


def condition(text: str, keys: Keys) -> Condition:
    """What `text` says of runs that have these `keys`. UserError for what is no condition, or names what no run has."""
    if len(text) > _MOST_CHARACTERS:
        raise _wrong(f"has {len(text):,} characters, and {_MOST_CHARACTERS:,} are read", text)
    return _Parser(text, keys).whole()


def _wrong(what: str, text: str) -> UserError:
    return UserError(what, where=f"--where {one_line(text, 80)!r}", cure=_HOW)


@dataclass(frozen=True)
class _Token:
    text: str
    quoted: bool = False

    def says(self, word: str) -> bool:
        return not self.quoted and self.text.lower() == word


class _Parser:
    """Recursive descent, at most so deep as `_DEEPEST` says."""

    def __init__(self, text: str, keys: Keys) -> None:
        self._text = text
        self._keys = keys
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._any()
        if self._at < len(self._tokens):
            raise self._wrong(f"{shown(self._tokens[self._at].text)} stands where `and` or `or` belongs")
        return found

    def _any(self) -> Condition:
        return self._joined("or", self._all, any)

    def _all(self) -> Condition:
        return self._joined("and", self._one, all)

    def _joined(
        self, word: str, part: Callable[[], Condition], together: Callable[[list[bool]], bool]
    ) -> Condition:
        parts = [part()]
        while self._taken(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        keys = Keys()
        for one in parts:
            keys |= one.keys
        return Condition(lambda run: together([one.holds(run) for one in parts]), keys)

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"is more than {_DEEPEST} brackets deep")
        try:
            if self._taken("not"):
                inner = self._one()
                return Condition(lambda run: not inner.holds(run), inner.keys)
            return self._bracketed() if self._taken("(") else self._comparison()
        finally:
            self._depth -= 1

    def _bracketed(self) -> Condition:
        inner = self._any()
        if not self._taken(")"):
            raise self._wrong("has a bracket that is not closed")
        return inner

    def _comparison(self) -> Condition:
        field = field_named(self._next("a name").text, self._keys)
        sign = self._tokens[self._at] if self._at < len(self._tokens) else _Token("")
        if sign.quoted or sign.text.lower() not in {*_ORDERS, *_EQUAL, *_HOLDS}:
            return Condition(lambda run: field.of(run) is not None, field.keys)
        self._at += 1
        return self._compared(field, sign.text.lower(), self._next("a value").text)

    def _compared(self, field: Field, sign: str, text: str) -> Condition:
        if sign in _HOLDS:
            part = text.casefold()
            return Condition(lambda run: part in _words(field.of(run)).casefold(), field.keys)
        value = _value(text)
        if sign in _EQUAL:
            wanted = sign != "!="
            return Condition(lambda run: _equal(field.of(run), value, text) is wanted, field.keys)
        if isinstance(value, str):
            raise self._wrong(f"{shown(text)} is no number and no date, after {field.name} {sign}")
        if field.is_time is not isinstance(value, datetime) and field.kind in {"attribute", "metric"}:
            what = "date, such as 2026-11-26" if field.is_time else "number"
            raise self._wrong(f"{shown(text)} is no {what}, after {field.name} {sign}")
        order, limit = _ORDERS[sign], value
        return Condition(lambda run: _ordered(order, field.of(run), limit), field.keys)

    def _taken(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].says(word)
        self._at += found
        return found

    def _next(self, what: str) -> _Token:
        if self._at >= len(self._tokens):
            raise self._wrong(f"ends where {what} belongs")
        token = self._tokens[self._at]
        if not token.quoted and token.text.lower() in {*_ORDERS, *_EQUAL, *_HOLDS, "(", ")", "and", "or"}:
            raise self._wrong(f"{shown(token.text)} stands where {what} belongs")
        self._at += 1
        return token

    def _wrong(self, what: str) -> UserError:
        return _wrong(what, self._text)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"cannot be read from {shown(text[at:].strip())} on", text)
        quoted = match["quoted"]
        found.append(_Token(quoted[1:-1], True) if quoted else _Token(match["sign"] or match["word"]))
        at = match.end()
    return found


def _value(text: str) -> Value:
    """A number, a share in percent, a day or a time; else the text."""
    share = text.endswith("%")
    try:
        number = decimal(text.removesuffix("%"))
    except ValueError:
        number = None
    if number is not None:
        return number / 100 if share else number
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is None else found.astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError):  # such as the first day of the year 1 in another zone
        return text


def _words(value: Value | None) -> str:
    return "" if value is None else str(value)


def _equal(value: Value | None, wanted: Value, text: str) -> bool | None:
    """None where there is nothing to compare. Texts as they are written, but for upper and lower case."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.casefold() == text.casefold()
    if isinstance(value, datetime) and _DAY.fullmatch(text):
        return value.date().isoformat() == text
    return type(value) is type(wanted) and value == wanted


def _ordered(order: Callable[[Any, Any], bool], value: Value | None, limit: float | datetime) -> bool:
    """False where the one is no number, or no date, as the other is."""
    return type(value) is type(limit) and order(value, limit)
