"""The consoles that all verbs print on: whatever a text holds, the terminal is steered by our own styles alone."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from host.markup import STEERING, harmless

_PIPE_WIDTH = 170


class PlainConsole(Console):
    """A console whose texts are shown as they are: control characters as escapes, `:bomb:` as these six letters.

    Strings are escaped before they are laid out, so that tables keep their columns, and what comes in any other way
    (a `Text`, a library's renderable) when it is drawn. Lines and tabs stay: who prints a name that may hold some says
    so with `host.markup.literal`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(emoji=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(harmless(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


def consoles() -> tuple[Console, Console]:
    """stdout for results, stderr for progress."""
    return PlainConsole(width=_width(sys.stdout)), PlainConsole(stderr=True, width=_width(sys.stderr))


def _width(stream: TextIO) -> int | None:
    """A pipe or a file has no width of its own; tables then get the room they need."""
    return None if stream.isatty() else _PIPE_WIDTH


def print_json(value: Any) -> None:
    """In letters where stdout can write all of them, else in JSON's own escapes; what steers a terminal in these, too.

    json itself leaves DEL, C1 (of which U+009B begins a command) and the marks of direction as they are.
    """
    escaped = "utf" not in sys.stdout.encoding.lower()
    text = json.dumps(_finite(value), indent=2, ensure_ascii=escaped, allow_nan=False)
    sys.stdout.write(STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity; they become null."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
