"""Digests of whole splits: every row counts, in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable


def fingerprint(rows: Iterable[tuple[object, ...]]) -> str:
    """sha256 (64 hex digits) over the canonical JSON of every row, each ended by a newline.

    Two splits have the same fingerprint only if they hold the same rows in the same order.
    """
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def short_digest(*parts: str) -> str:
    """First 32 hex digits of the sha256 over `parts`: the name of a cache entry."""
    return fingerprint([parts])[:32]
