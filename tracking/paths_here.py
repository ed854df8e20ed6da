"""Telling the names of files and folders of this disk from credentials that have the same form."""

from __future__ import annotations

import os
import re

_LONGEST = 4096  # characters of a path
_OF_A_PATH = re.compile(r"[^\s\"'`<>|;,(){}\[\]]*")
_REST_OF_NAME = re.compile(r"[^\s\"'`<>|;,(){}\[\]/]*")


def is_path_here(text: str) -> bool:
    """Whether all of `text` names something on this disk by its whole path."""
    return text.startswith(("/", "~/")) and "\n" not in text and len(text) <= _LONGEST and _is_here(text)


def is_in_path_here(text: str, begin: int, end: int) -> bool:
    """Whether `text[begin:end]` belongs to the path of something on this disk, as in `data.path=/models/sk-…/train`.

    A word without a slash is none, nor is an address: what stands before its host is a user and a password.
    """
    before = _OF_A_PATH.match(
        text[max(0, begin - _LONGEST) : begin][::-1]
    )  # backwards, to take no longer than it is
    rest = _REST_OF_NAME.match(text, end)
    name = f"{before[0][::-1] if before else ''}{text[begin:end]}{rest[0] if rest else ''}"
    if "/" not in name or "://" in name or "@" in name or len(name) > _LONGEST:
        return False
    paths = {name, name.partition("=")[2]}
    return any("/" in path and _is_here(path) for path in paths | {path.rstrip(".:") for path in paths})


def _is_here(path: str) -> bool:
    try:
        return os.path.lexists(os.path.expanduser(path))
    except ValueError:  # a NUL
        return False
