"""The page and picture of vectors that were made from a corpus, from the findings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.studies.word_plane import plane_figure, plane_picture
from pages.rendering import page
from pages.sections import Fact, Section
from pages.tables import Column, table
from pages.texts import label

_NAMES = {
    "dimensions": "numbers of a vector",
    "window": "words to each side",
    "least": "times that a word stands there",
    "negative": "words drawn beside each pair",
    "epochs": "epochs",
    "seed": "seed",
}


def skipgram_page(found: Mapping[str, Any]) -> str:
    """What was read, how it was trained, and what is near to frequent words."""
    facts = (
        Fact("texts", f"{found['texts']:,}", large=True),
        Fact("tokens", f"{found['tokens']:,}", large=True),
        Fact("words with a vector", f"{found['words']:,}", large=True),
        *(Fact(name, f"{found['settings'][key]:,}") for key, name in _NAMES.items()),
        *_of_both(found.get("extends")),
        Fact("digest", found["digest"], "sha256 over words and numbers"),
    )
    rows = [
        (one["word"], ", ".join(f"{near['word']} {near['similarity']:.2f}" for near in one["neighbours"]))
        for one in found["neighbours"]
    ]
    columns = [Column("word", "code"), Column("nearest", "prose", "with the cosine")]
    sections = [
        Section("made", "What they were made from", facts=facts),
        Section(
            "near",
            "Frequent words and their neighbours",
            figures=(plane_figure(found["plane"]),),
            tables=(table("near", "The most frequent words of at least four letters", columns, rows),),
        ),
    ]
    return page(
        label(found["origin"], 80),
        sections,
        kicker="Word vectors by skip-gram",
        lead=f"Vectors of {found['words']:,} words, made from {found['texts']:,} texts.",
        foot="Made by `encore study vectors --train`.",
    )


def _of_both(extends: Mapping[str, Any] | None) -> list[Fact]:
    if extends is None:
        return []
    return [
        Fact(f"words added to {extends['file']}", f"{extends['added']:,}", f"of {extends['words']:,} then"),
        Fact("words of both", f"{extends['shared']:,}", "the map is fitted to them"),
        Fact(
            "variance explained", f"{100 * extends['explained']:.1f} %", "of words that it was not fitted to"
        ),
    ]


def skipgram_pictures(found: Mapping[str, Any]) -> dict[str, bytes]:
    """As on the page, in PNG."""
    return {"plane.png": plane_picture(found["plane"])}
