"""What is asked of a run and may not be written down: refused before anything is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from errors import UserError
from tracking.redaction import redacted_value

_CURE = (
    "Leave it out, or call a folder otherwise: the record keeps what was asked, and a run cannot be played again with "
    "a word missing. Libraries read their tokens from the environment, as HF_TOKEN."
)


def refuse_secrets(asked: Mapping[str, Any], *, where: str) -> None:
    """UserError that names the dotted key of a value that looks like a credential, and not the value.

    The record would hold it, and masked there it could not be asked again. What no entrance refuses, such as an
    exception's text, loses its secrets where it is written.
    """
    key = _first_secret(asked, "")
    if key is not None:
        raise UserError("looks like a credential", where=f"{where}: {key}", cure=_CURE)


def _first_secret(value: Any, path: str) -> str | None:
    if isinstance(value, Mapping):
        inner = ((f"{path}.{key}" if path else str(key), each) for key, each in value.items())
        found = (_first_secret(each, key) for key, each in inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = (_first_secret(each, path) for each in value)
    else:
        return path if redacted_value(value, path) != value else None
    return next((key for key in found if key is not None), None)
