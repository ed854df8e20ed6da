"""A page from its sections: everything that is put into it is escaped, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pages.sections import Section
from pages.texts import readable
from pages.widgets import script_sources

if TYPE_CHECKING:
    from jinja2 import Environment


def page(
    title: str, sections: Sequence[Section], *, kicker: str, lead: str, foot: str, notes: Sequence[str] = ()
) -> str:
    """The whole page; the same content gives the same text.

    kicker: what kind of page it is, above the title. lead, notes: below it. foot: the last line.
    """
    template = _environment().get_template("page.html")
    widgets = [section.widget for section in sections if section.widget is not None]
    return template.render(
        title=title,
        sections=sections,
        kicker=kicker,
        lead=lead,
        foot=foot,
        notes=notes,
        widgets=widgets,
        script_sources=script_sources(widgets),
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    """What a `{{ … }}` gives: markup as it is, any text in a form that can be seen."""
    return readable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
