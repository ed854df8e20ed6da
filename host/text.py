"""Names and values from outside as they are shown in a line: nothing of them is hidden or squeezed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from errors import visible

_SHOWN = 60
_NAMES = 8


def shown(value: object) -> str:
    """`value` as a literal of at most about 60 characters, in which several spaces in a row can be counted."""
    text = repr(value[: _SHOWN + 1] if isinstance(value, str) else value)
    text = text if len(text) <= _SHOWN + 2 else f"{text[:_SHOWN]}…"
    return re.sub(r" {2,}", lambda spaces: r"\x20" * len(spaces[0]), text)


def shortened(text: str, characters: int) -> str:
    """`text` on one line of at most so many characters."""
    seen = visible(text[: characters + 1])
    return seen if len(seen) <= characters else f"{seen[: characters - 1]}…"


def shown_list(names: Iterable[str]) -> str:
    """The first eight of `names`, as literals."""
    rest = iter(names)
    some = [shown(name) for name in islice(rest, _NAMES)]
    return ", ".join([*some, *(["…"] if next(rest, None) is not None else [])])


def root_option(root: Path) -> str:
    """What a command to type next needs, to find the store under `root`."""
    return "" if root.absolute() == Path("mlruns").absolute() else f" --root {shlex.quote(str(root))}"
