"""The texts that a description may hold."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from schema.strict import check_line, check_text

_NO_REVISION = re.compile(r"[\s~^:?*\[\\]")  # what git refuses in a branch's name


def _is_revision(revision: str) -> str:
    if _NO_REVISION.search(check_line(revision)):
        raise ValueError("no name of a branch, tag or commit")
    return revision


def _is_plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError("a name has small letters, digits and _, and begins with a letter")
    return name


Name = Annotated[str, StringConstraints(max_length=100), AfterValidator(_is_plain)]
"""Of an experiment or a sweep; files are named by it."""
Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(check_text)]
Revision = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_is_revision)]
"""Of a repository on the hub: branch, tag or commit."""
