"""What MLflow takes for a name, and how long a value may be."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping

from tracking.redaction import redacted_value

MAX_PARAM_CHARACTERS = 6000
MAX_TAG_CHARACTERS = 8000
_NAME = re.compile(r"[\w\-. :/]{1,230}")  # MLflow takes 250; our own tags prefix a metric's name


def check_names(names: Iterable[str]) -> None:
    """Refuse, before anything is recorded, a name of a metric, a param or a tag that MLflow would refuse.

    Raises:
        ValueError: it has other characters, or would as a path mean something else (`a//b`, `../a`).
    """
    for name in names:
        plain = posixpath.normpath(name) == name and not name.startswith(("/", ".."))
        if not plain or name == "." or not _NAME.fullmatch(name):
            raise ValueError(f"MLflow takes letters, digits and _-. :/ in a name, as in a/b, not {name!r}")


def recordable(values: Mapping[str, object], limit: int) -> dict[str, str]:
    """Tags or params as texts that the store takes, without secrets. Everything of that kind goes through here."""
    return {key: cut_to(redacted_value(str(value), key), limit) for key, value in values.items()}


def cut_to(text: str, limit: int) -> str:
    """`text`, or its beginning with the sha256 of the whole at the end, in at most `limit` characters.

    What a database cannot hold (lone surrogates, NUL) is written as an escape.
    """
    text = text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
    if len(text) <= limit:
        return text
    mark = f" … cut, sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return text[: limit - len(mark)] + mark
