"""YAML as people write it by hand: text, decimal numbers, true, false, null, lists and tables of them.

The scalars are those of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema) as far as they are
decimal and in lower case: `yes`, `010`, `12:30`, `0x10` and `2024-01-01` are not what YAML 1.1 makes of them. What
builds other objects, repeats a part of the file or drops one (tags, anchors, aliases, merge keys, a key given twice, a
second document) is refused, so what is read is never larger than the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from errors import UserError
from host.boundary import boundary
from schema.numbers import decimal, whole
from schema.strict import check_text

_MAX_BYTES = 32 * 1024  # read in half a second; the largest of the catalogs has 2 KiB
_MAX_DEPTH = 20
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
# YAML 1.1 takes them for ends of lines, YAML 1.2 for characters of the text.
_BREAKS = {"\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029"}
_CURE = "Mend the file."
_SHOWN = 60


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; UserError, with the line where there is one, when it holds none."""
    with (
        boundary("cannot be read", where=str(path), cure="Name a YAML file that you may read."),
        path.open("rb") as file,
    ):
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise UserError(
            f"holds more than {_MAX_BYTES:,} bytes", where=str(path), cure="Name a file of settings."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"line {line} is not UTF-8 (byte {content[error.start]:#04x})",
            where=str(path),
            cure="Save the file as UTF-8.",
        ) from error
    value = yaml_value(text, where=str(path), cure=_CURE)
    if not isinstance(value, dict):
        raise UserError("not a mapping of keys to values", where=str(path), cure=_CURE)
    return value


def yaml_value(text: str, *, where: str, cure: str) -> Any:
    """What one YAML document says. UserError, with line and column, for what is no such document."""
    if len(text) > _MAX_BYTES:
        raise UserError(f"holds {len(text):,} characters, of at most {_MAX_BYTES:,}", where=where, cure=cure)
    for character, name in _BREAKS.items():
        if character in text:
            line = text[: text.index(character)].count("\n") + 1
            raise UserError(
                f"line {line} holds the line separator {name}",
                where=where,
                cure=f'Write it as "\\u{name[2:]}".',
            )
    with boundary("not valid YAML", where=where, cure=cure):
        return _Reader(text, where, cure).document()


class _Reader:
    """Builds plain values from the events of PyYAML's parser, which knows no types."""

    def __init__(self, text: str, where: str, cure: str) -> None:
        self._where, self._cure = where, cure
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.SafeLoader))

    def document(self) -> Any:
        """The only document; null when there is none."""
        self._next()  # the stream's start
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            return None
        if start.tags or start.version not in (None, (1, 2)):
            raise self._refusal(start, "holds a directive that changes how YAML is read")
        value = self._value(self._next(), 1)
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refusal(after, "begins a second document")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._check_plain(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > _MAX_DEPTH:
            raise self._refusal(event, f"nested more than {_MAX_DEPTH} deep")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._table(depth)

    def _list(self, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _table(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            line = event.start_mark.line + 1
            if key in values:
                raise self._refusal(event, f"the key {_shown(key)} stands here and in line {lines[key]}")
            values[key] = self._value(self._next(), depth + 1)
            lines[key] = line
        return values

    def _key(self, event: Any) -> str:
        self._check_plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refusal(event, "a key is a list or a table")
        if event.style is None and event.value == "<<":
            raise self._refusal(event, "a merge key (<<) repeats a part of the file")
        return self._text(event)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style is not None:
            return self._text(event)
        if text in _WORDS:
            return _WORDS[text]
        try:
            for number in (whole(text), decimal(text)):
                if number is not None:
                    return number
        except ValueError as error:
            raise self._refusal(event, str(error)) from error
        return self._text(event)

    def _text(self, event: Any) -> str:
        text = event.value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # JSON's pairs
        try:
            return check_text(text)
        except ValueError as error:
            raise self._refusal(event, f"a text cannot be kept: {error}") from error

    def _check_plain(self, event: Any) -> None:
        """UserError for what makes a value of something else than its own text."""
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refusal(event, "anchors and aliases (& and *) are not read")
        if event.tag is not None:
            raise self._refusal(event, f"the tag {_shown(event.tag)} asks for a type")

    def _next(self) -> Any:
        try:
            return next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
            raise UserError(
                f"{place}not valid YAML ({error.problem or error.context})",
                where=self._where,
                cure=self._cure,
            ) from error

    def _refusal(self, event: Any, what: str) -> UserError:
        mark = event.start_mark
        return UserError(
            f"line {mark.line + 1}, column {mark.column + 1}: {what}", where=self._where, cure=self._cure
        )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
