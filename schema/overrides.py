"""KEY=VALUE: what a value means is decided by what its key takes, never guessed from its text.

| the key takes | the value |
|---|---|
| text (folders, IDs) | as typed, to the character; `none` where none is possible, `./none` for such a folder |
| a whole number | decimal digits: 8, 008, -1; not 1e3, 0x10, 12:30 or yes |
| a number | a finite decimal: 0.1, 5, 2e-5 |
| true or false | these two words |
| a list or a table | YAML: [a, b], {low: 1, high: 2} |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from errors import UserError
from schema.fields import Taken, taken_at
from schema.numbers import decimal, whole
from schema.strict import check_text
from schema.validation import not_allowed, unknown_key
from schema.yaml_files import yaml_value

_FLAGS = {"true": True, "false": False}
_LIKE_NONE = {"none", "null", "nil"}


def overridden(
    config_class: type[BaseModel], mapping: Mapping[str, Any], overrides: Sequence[str]
) -> dict[str, Any]:
    """A copy of `mapping`, a config of this class, with dotted `KEY=VALUE` set.

    Raises:
        UserError: a key that there is not, one given twice, or a value that its key does not take.
    """
    given = [split(override) for override in overrides]
    check_once([key for key, _ in given])
    values = {key: _value(config_class, key, text, mapping) for key, text in given}
    return with_values(mapping, values)


def split(override: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise UserError(
            "not KEY=VALUE", where=repr(override[:200]), cure="Write e.g. optim.learning_rate=3e-5."
        )
    if key != key.strip():
        raise UserError("white space around the key", where=repr(override[:200]), cure="Write it without.")
    return key, text


def check_once(keys: Sequence[str]) -> None:
    """UserError when a key is given twice, or a table and a key in it: one of the two would be lost."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise UserError("given twice", where=key, cure="Give it once.")
        seen.add(key)
    for key in keys:
        tables = [key[:place] for place, character in enumerate(key) if character == "."]
        if (table := next((table for table in tables if table in seen), None)) is not None:
            raise UserError(f"given beside {key}, which lies in it", where=table, cure="Give one of the two.")


def with_values(mapping: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `mapping` with the values of dotted keys set; tables that lack on the way are made."""
    result = _deep_copy(mapping)
    for dotted, value in values.items():
        *parents, last = dotted.split(".")
        table = result
        for parent in parents:
            child = table.get(parent)
            if child is None:
                child = table[parent] = {}
            if not isinstance(child, dict):
                raise UserError(
                    f"{parent!r} is a value, not a table", where=dotted, cure=f"Set {parent} itself."
                )
            table = child
        table[last] = value
    return result


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep_copy(inner) for key, inner in value.items()}
    return value


def _value(config_class: type[BaseModel], key: str, text: str, mapping: Mapping[str, Any]) -> Any:
    taken = taken_at(config_class, key, mapping)
    if taken is None:
        raise unknown_key(key, config_class, mapping, key)
    if not text:
        raise UserError(
            "is empty, as an unset shell variable is", where=f"{key}=", cure=f"Give {taken.words}."
        )
    if taken.optional and text == "none":
        return None
    try:
        check_text(text)
        return _typed(key, text, taken)
    except ValueError as error:
        raise UserError(f"{text[:80]!r}: {error}", where=key, cure=f"Give {taken.words}.") from error


def _typed(key: str, text: str, taken: Taken) -> Any:
    match taken.kind:
        case "text" | "choice":
            if taken.optional and text.lower() in _LIKE_NONE:
                raise UserError(
                    f"{text!r} may mean none or a name",
                    where=key,
                    cure=f"Write {key}=none, or ./{text} for a folder.",
                )
            return text
        case "structure":
            value = yaml_value(
                text, where=f"{key}={text[:80]}", cure="Quote it for the shell, as in 'KEY=[a, b]'."
            )
        case "flag":
            value = _FLAGS.get(text)
        case "whole":
            value = whole(text)
        case "decimal":
            value = decimal(text)
    if value is None:
        raise not_allowed(text, key, taken)
    return value


def flat_mapping(mapping: Mapping[str, Any]) -> dict[str, object]:
    """The leaves of nested mappings by their dotted paths."""
    flat: dict[str, object] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else str(key), inner)
        else:
            flat[prefix] = value

    walk("", mapping)
    return flat
