"""What the sender of a body is told that does not fit: in sentences of our own, and with nothing of what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from serving.alternatives import MANY, ONE
from serving.problems import RefusedError

_UNKNOWN, _NO_JSON, _NO_OBJECT, _NO_TEXT = "extra_forbidden", "json_invalid", "model_type", "string_type"
_MANY_ERRORS = 1000  # more than all lists of a body have entries: only keys that are not known are so many
_SURROGATE = (
    "surrogate",
    "unexpected end of hex escape",
)  # as pydantic's reader of JSON calls half of a pair


class _Told(NamedTuple):
    message: str
    cure: str


_EMPTY = _Told("it is empty, or all spaces", "Give some text.")
_OTHER = _Told("it does not fit", "/openapi.json says what it may be.")
_NOT_OFFERED = _Told("it is not offered", "Leave it out: /openapi.json names what is offered.")
_HALF = _Told(
    "it has half of a surrogate pair ({place}), which is no character",
    "Write the character itself, or both halves.",
)
_EITHER = _Told(f"it is neither {ONE} nor {MANY}", "Give one of the two.")
_TOLD: Mapping[str, _Told] = {
    "missing": _Told("it is missing", "Give it."),
    _UNKNOWN: _Told("it has a key that is not known", "Leave it out; known are {keys}."),
    _NO_JSON: _Told("the body is not JSON ({place})", "Send one JSON value in UTF-8."),
    _NO_OBJECT: _Told("it is no object", "Send one with keys and values; known are {keys}."),
    _NO_TEXT: _Told("it is no text", "Give a text in quotation marks."),
    "string_too_short": _EMPTY,
    "string_pattern_mismatch": _EMPTY,
    "string_too_long": _Told("it has more than {max_length} characters", "Send less text."),
    "too_long": _Told("it has more than {max_length} entries", "Give at most {max_length} at once."),
    "too_short": _Told("it has no entry", "Give at least {min_length}."),
    "bool_type": _Told("it is neither true nor false", "Give one of the two."),
    "int_type": _Told("it is no whole number", "Give one, without a fraction or quotation marks."),
    "int_parsing_size": _Told("it is far too large", "Leave it out: /openapi.json names what is offered."),
    "float_type": _Told("it is no number", "Give one, without quotation marks."),
    "greater_than": _Told("it is too small", "Give more than {gt}."),
    "greater_than_equal": _Told("it is too small", "Give at least {ge}."),
    "less_than": _Told("it is too large", "Give less than {lt}."),
    "less_than_equal": _Told("it is too large", "Give at most {le}."),
    "literal_error": _Told("it is not offered", "Give {expected}, or leave it out."),
    "none_required": _NOT_OFFERED,
    "dict_type": _NOT_OFFERED,  # logit_bias alone is one
}
"""By pydantic's names of errors: all that the models of bodies can come to. In braces: bounds and values of those
models, which pydantic has beside its own sentence."""


def first_error(error: ValidationError) -> Mapping[str, Any]:
    """With its type, its place (`loc`) and what its sentence names (`ctx`); nothing of what was sent."""
    if error.error_count() > _MANY_ERRORS:  # making a list of them would hold up the event loop
        return {"type": _UNKNOWN, "loc": ("",)}
    return error.errors(include_url=False, include_input=False)[0]


def invalid(found: Mapping[str, Any], asked: type[BaseModel]) -> RefusedError:
    """Of one of pydantic's errors in reading a body as `asked`."""
    kind, place = str(found["type"]), found["loc"]
    inside = place[:-1] if kind == _UNKNOWN else place
    said = {key: _plain(value) for key, value in found.get("ctx", {}).items()}
    told = _told(kind, place, said)
    said["place"] = str(said.get("error", "")).rpartition(" at ")[2]  # of JSON: a line and a column
    return RefusedError(
        400 if kind == _NO_JSON else 422,
        "invalid_request",
        told.message.format(**said),
        field=_field(inside),
        cure=told.cure.format(**said, keys=", ".join(_keys(asked, inside))),
    )


def _told(kind: str, place: Sequence[str | int], said: Mapping[str, object]) -> _Told:
    if kind == _NO_TEXT and ONE in place:
        return _EITHER
    if kind == _NO_JSON and any(half in str(said.get("error")) for half in _SURROGATE):
        return _HALF
    return _NOT_OFFERED if said.get("max_length") == 0 else _TOLD.get(kind, _OTHER)


def _field(place: Sequence[str | int]) -> str | None:
    """Dotted, without the names of the alternatives of a union."""
    parts = [str(part) for part in place if isinstance(part, int) or part.isidentifier()]
    return ".".join(parts) or None


def _keys(asked: type[BaseModel], place: Sequence[str | int]) -> Iterator[str]:
    """Those of the model that is at the place; none where there is no model."""
    model: Any = asked
    for part in place:
        field = model.model_fields.get(part)
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return
    yield from model.model_fields


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
