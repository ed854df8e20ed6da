"""A part of a page that answers to pointer and keys: markup, what it shows as data, the one script that draws it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Widget:
    """name: of its files beside this one, NAME.html, NAME.css and NAME.js. data: what the script finds as JSON in the
    element `NAME-data`; texts in it are shown as texts."""

    name: str
    data: Mapping[str, Any]

    @cached_property
    def script(self) -> Markup:
        return self._file("js")

    @cached_property
    def style(self) -> Markup:
        return self._file("css")

    @cached_property
    def html(self) -> Markup:
        return self._file("html")

    @cached_property
    def json(self) -> Markup:
        """As it may stand inside a script element: nothing in it ends that."""
        from markupsafe import Markup

        text = json.dumps(self.data, separators=(",", ":"))
        return Markup(text.replace("<", "\\u003c"))  # noqa: S704 no element can begin or end in it

    def _file(self, kind: str) -> Markup:
        from markupsafe import Markup

        return Markup((_HERE / f"{self.name}.{kind}").read_text(encoding="utf-8"))  # noqa: S704 our own


def script_sources(widgets: Sequence[Widget]) -> str:
    """What the page's policy allows to run: these scripts, by their digests, and nothing else."""
    digests = [base64.b64encode(hashlib.sha256(one.script.encode()).digest()).decode() for one in widgets]
    return "".join(f" 'sha256-{digest}'" for digest in digests)
