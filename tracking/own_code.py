"""What this machine itself has recorded, kept outside every store, so that a store cannot claim it.

Digests in a store say that its files belong together, not who wrote them. Whoever hands a store over can compute them
all anew; a line in this user's own state folder he cannot write.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

_HEX_DIGITS = 64


def code_digest(commit: str, folder: str, patch_digest: str, lock_digest: str | None) -> str:
    """sha256 over all that decides which code a record means. folder: of the sources in their repository."""
    content = json.dumps([commit, folder, patch_digest, lock_digest])
    return hashlib.sha256(content.encode()).hexdigest()


def remember(digest: str) -> None:
    """Keep that code with this digest was recorded here.

    Where the state folder cannot be written nothing is kept: the code then counts as somebody else's, and playing a
    run again with it asks first.
    """
    file = own_code_file()
    try:
        if is_remembered(digest):
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{digest}\n".encode())
        finally:
            os.close(descriptor)
    except OSError:
        return


def is_remembered(digest: str) -> bool:
    try:
        known = own_code_file().read_bytes()
    except OSError:
        return False
    return len(digest) == _HEX_DIGITS and digest.encode() in known.splitlines()


def own_code_file() -> Path:
    return _user_folder("XDG_STATE_HOME", ".local/state") / "recorded_code"


def cache_folder() -> Path:
    """Where environments and checked-out commits lie: this user's cache, never a store's."""
    return _user_folder("XDG_CACHE_HOME", ".cache")


def _user_folder(variable: str, default: str) -> Path:
    """By the XDG base directory specification, which has a relative path ignored."""
    named = Path(os.environ.get(variable, ""))
    return (named if named.is_absolute() else Path.home() / default) / "encore"
