"""The manifest of a run: the sha256 of every file that it hands out, by path, sealed by a tag.

It is the artifact `run/manifest.json`; its own sha256 is in the tracking store. What a run's folder holds and its
manifest does not name is a stranger. A seal tells what was changed later by somebody who does not write the store;
it proves nothing about who does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import UserError
from host.bounded_json import OddJsonError, read_json
from host.files import file_digest, is_plain_file

MANIFEST_FILE = "run/manifest.json"
_SCHEMA = 1
_HEX = frozenset("0123456789abcdef")
_DIGEST_CHARACTERS = 64


def seal_tag(file: str) -> str:
    """The tag that holds the sha256 of an artifact as it was written, apart from the artifacts."""
    return f"encore.sha256/{file}"


MANIFEST_SEAL = seal_tag(MANIFEST_FILE)
# Of a manifest that is being written: who dies then leaves the one or the other.
MANIFEST_NEXT = f"{MANIFEST_SEAL}.next"


def manifest_text(files: Mapping[str, str]) -> str:
    """The artifact's content."""
    content = {"schema": _SCHEMA, "files": dict(sorted(files.items()))}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def lost_seal(where: str) -> UserError:
    """Of a run that was recorded with a manifest and has no seal of it."""
    return UserError(
        f"{MANIFEST_FILE} has lost its seal, a tag of the run",
        where=where,
        cure="The tracking store was altered; restore it.",
    )


def read_manifest(file: Path | None, tags: Mapping[str, str], *, where: str) -> dict[str, str] | None:
    """The digests by path; none for a run that was recorded before there were manifests.

    file: where the artifact is; none: it is gone. tags: of the run. UserError when it is gone or not the one that was
    sealed, or no manifest.
    """
    if MANIFEST_SEAL not in tags:
        return None
    if file is None:
        raise _broken("is gone", where)
    if not is_plain_file(file) or file_digest(file) not in {tags[MANIFEST_SEAL], tags.get(MANIFEST_NEXT)}:
        raise _broken("is not what was recorded", where)
    try:
        return _files(read_json(file))
    except OddJsonError as error:
        raise _broken(str(error), where) from error


def _files(content: Any) -> dict[str, str]:
    files: Any = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(is_digest(digest) for digest in files.values()):
        raise OddJsonError("has no digests by path")
    return files


def is_digest(value: object) -> bool:
    """Whether it is a sha256 in hex."""
    return isinstance(value, str) and len(value) == _DIGEST_CHARACTERS and set(value) <= _HEX


def _broken(what: str, where: str) -> UserError:
    return UserError(f"{MANIFEST_FILE} {what}", where=where, cure="The artifact was altered; restore it.")
