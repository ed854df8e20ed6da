"""The recorded lock: pins, and nothing that pip would obey."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from errors import UserError

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,. -]*\])?\s*==\s*(?P<version>[\w.!+]+)(?:\s*;(?P<marker>[^@#]*?))?"
    r"(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
_SHOWN = 80


@dataclass(frozen=True)
class Lock:
    """versions: by normalised name; of one pinned for several Pythons or systems, every one. hashed: all of them."""

    versions: dict[str, frozenset[str]]
    hashed: bool


def read_lock(file: Path) -> Lock:
    """UserError for a line that is no pin: another index, a file, an address, an option of pip."""
    versions: dict[str, set[str]] = {}
    hashed = True
    for line in _lines(file.read_text(encoding="utf-8", errors="replace")):
        pin = _PIN.fullmatch(line)
        if pin is None:
            raise UserError(
                f"the recorded lock has a line that is no pin ({line[:_SHOWN]!r})",
                where=str(file),
                cure="Only NAME==VERSION lines, with hashes or without, are installed; leave --at-commit out.",
            )
        versions.setdefault(normal_name(pin["name"]), set()).add(pin["version"])
        hashed = hashed and bool(pin["hashes"])
    return Lock({name: frozenset(found) for name, found in versions.items()}, hashed and bool(versions))


def pins_of(text: str) -> frozenset[str]:
    """Every line that says something, without hashes, to be compared."""
    return frozenset(re.sub(r"\s+--hash=\S+", "", line) for line in _lines(text))


def normal_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(text: str) -> list[str]:
    """Logical lines, as pip reads them: a backslash joins the next one, ` #` begins a comment."""
    whole = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(?:^|\s)#.*", "", line).strip() for line in whole.splitlines())
    return [line for line in lines if line]
