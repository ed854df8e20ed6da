"""The base of every description, and the texts that a record and a file system can hold."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator

_MAX_PATH_BYTES = 4095  # PATH_MAX of Linux, without the NUL
_MAX_NAME_BYTES = 255  # NAME_MAX of every common file system


class Strict(BaseModel):
    """Frozen; unknown keys, values of another type and numbers that are not finite are errors.

    Without `strict`, pydantic makes 1.0 of true, 2 of "2" and 1 of 1.0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _none(cls, values: Any) -> Any:
        """The word `none` is none where none is possible, in files as on the command line."""
        if not isinstance(values, dict) or "none" not in values.values():
            return values
        return {
            key: None if value == "none" and cls._optional(key) else value for key, value in values.items()
        }

    @classmethod
    def _optional(cls, key: object) -> bool:
        field = cls.model_fields.get(str(key))
        return field is not None and NoneType in get_args(field.annotation)


def absolute(path: str) -> str:
    """`path` from the root, `~` resolved. ValueError when `~name` is nobody here, or no file system has such a path."""
    check_line(path)
    try:
        whole = str(Path(path).expanduser().absolute())
    except RuntimeError as error:
        raise ValueError(f"{path.split('/')[0]} is no user of this machine") from error
    if len(whole.encode()) > _MAX_PATH_BYTES:
        raise ValueError(f"a path of {len(whole.encode()):,} bytes; {_MAX_PATH_BYTES:,} are possible")
    longest = max(len(part.encode()) for part in whole.split("/"))
    if longest > _MAX_NAME_BYTES:
        raise ValueError(f"a folder's name of {longest:,} bytes; {_MAX_NAME_BYTES} are possible")
    return whole


def check_text(text: str) -> str:
    """`text`. ValueError for what no record can hold: NUL, and bytes of a command line that are no UTF-8."""
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds bytes that are no UTF-8")
    return text


def check_line(text: str) -> str:
    """`text`. ValueError unless it is one line without control characters, as folders and IDs are."""
    check_text(text)
    for character in text:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise ValueError(f"it holds the control character U+{ord(character):04X}")
    return text
