"""The pages and pictures of the study of tokens, from its findings alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.tokens.comparing import Marks
from pages.figures import MARKERS, SERIES, Figure, drawn_wide, logarithmic_y
from pages.pictures import light, picture, text_boxes
from pages.rendering import page
from pages.sections import Fact, PieceRow, Section, ShownPiece
from pages.tables import Column, Table, table
from pages.texts import label

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_KICKER = "Study of tokens"
_FOOT = "Made by encore study tokens; encore reproduce with the ID of its run makes it again, to the byte."
_MOST_PIECES = 2_000  # of a row of the page; the table of tokens has all
_RANKS = ("5", "25", "50", "75", "95", "99")


def text_page(found: Mapping[str, Any]) -> str:
    """How each tokenizer splits the text, words marked on which they do not agree."""
    rows = _rows(found)
    sections = [
        Section(
            "pieces",
            "Pieces and their numbers",
            paragraphs=(
                "Below each piece is its number in the tokenizer's vocabulary. A thick frame marks words that the"
                " tokenizers do not all split alike.",
            ),
            pieces=tuple(PieceRow(row.heading, row.note, row.pieces[:_MOST_PIECES]) for row in rows),
            folded=(_token_table(found),),
        )
    ]
    if found["disagreements"]:
        sections.append(Section("disagreements", "Where they disagree", tables=(_disagreement_table(found),)))
    counts = ", ".join(f"{row.heading} {len(row.pieces):,}" for row in rows)
    return page(label(found["text"], 80), sections, kicker=_KICKER, lead=f"Tokens: {counts}.", foot=_FOOT)


def text_picture(found: Mapping[str, Any]) -> bytes:
    """The same rows as a PNG."""
    rows = [
        (row.heading, [(piece.text, piece.under, piece.marked) for piece in row.pieces])
        for row in _rows(found)
    ]
    return text_boxes(rows)


def _rows(found: Mapping[str, Any]) -> list[PieceRow]:
    text, marks = found["text"], Marks([(one["start"], one["end"]) for one in found["disagreements"]])
    rows: list[PieceRow] = []
    for tokenizer in found["tokenizers"]:
        shown: list[ShownPiece] = []
        for piece in tokenizer["pieces"]:
            start, end = piece["start"], piece["end"]
            shown.append(
                ShownPiece(
                    piece["text"],
                    "" if piece["id"] is None else str(piece["id"]),
                    apart=bool(shown) and text[start - 1 : start].isspace(),
                    marked=marks.touch(start, end),
                )
            )
        rows.append(PieceRow(tokenizer["name"], f"{len(shown):,} tokens", tuple(shown)))
    return rows


def _token_table(found: Mapping[str, Any]) -> Table:
    columns = [
        Column("tokenizer"),
        Column("token", "code"),
        Column("number", "number"),
        Column("characters", "number"),
    ]
    rows = [
        (
            tokenizer["name"],
            piece["text"],
            "" if piece["id"] is None else str(piece["id"]),
            f"{piece['start']} to {piece['end']}",
        )
        for tokenizer in found["tokenizers"]
        for piece in tokenizer["pieces"]
    ]
    return table("tokens", "All tokens, with the characters that they stand for", columns, rows)


def _disagreement_table(found: Mapping[str, Any]) -> Table:
    rows = [
        (one["word"], " | ".join(way["pieces"]), ", ".join(way["names"]))
        for one in found["disagreements"]
        for way in one["ways"]
    ]
    caption = "Words that are split in more than one way, and who splits them so"
    return table("ways", caption, [Column("word", "code"), Column("pieces", "code"), "tokenizers"], rows)


def corpus_page(found: Mapping[str, Any]) -> str:
    """Figures of each tokenizer over the corpus."""
    facts = (
        Fact("texts", f"{found['texts']:,}", large=True),
        Fact(
            "words",
            f"{found['words']:,}",
            "between white space, without punctuation at their ends",
            large=True,
        ),
        Fact("MB", f"{found['bytes'] / 1e6:.1f}", "in UTF-8", large=True),
    )
    sections = [
        Section("counts", "What a text costs", facts=facts, tables=(_cost_table(found),)),
        Section(
            "lengths",
            "Tokens of a text",
            figures=(_length_figure(found),),
            tables=(_kept_table(found),),
        ),
    ]
    lead = f"{len(found['tokenizers'])} tokenizers over {found['texts']:,} texts."
    return page(f"{found['corpus']}, {found['split']} split", sections, kicker=_KICKER, lead=lead, foot=_FOOT)


def corpus_picture(found: Mapping[str, Any]) -> bytes:
    """Lengths of texts, as on the page."""
    return picture(
        [lambda axes: _draw_lengths(axes, found, light)], "png", legend=lambda: _legend(found, light)
    )


def _cost_table(found: Mapping[str, Any]) -> Table:
    columns = [
        Column("tokenizer"),
        Column("tokens", "number"),
        Column("tokens a word", "number"),
        Column("words in one piece", "number"),
        Column("bytes a token", "number"),
        Column("unknown", "number", "tokens for what the vocabulary lacks"),
        Column("texts changed", "number", "by way of their numbers and back"),
    ]
    rows = [
        (
            one["name"],
            f"{one['tokens']:,}",
            f"{one['tokens_a_word']:.3f}",
            f"{100 * one['whole_words']:.1f} %",
            f"{one['bytes_a_token']:.2f}",
            f"{one['unknown']:,}",
            "" if one["not_restored"] is None else f"{one['not_restored']:,}",
        )
        for one in found["tokenizers"]
    ]
    return table("costs", "Over all texts", columns, rows)


def _kept_table(found: Mapping[str, Any]) -> Table:
    cuts = list(found["tokenizers"][0]["kept"])
    columns = [Column("tokenizer")]
    for cut in cuts:
        columns += [
            Column(f"tokens at {cut}", "number", "share that is kept"),
            Column(f"texts at {cut}", "number", "share that stays whole"),
        ]
    rows = [
        (
            one["name"],
            *(f"{100 * one['kept'][cut][part]:.1f} %" for cut in cuts for part in ("tokens", "texts")),
        )
        for one in found["tokenizers"]
    ]
    return table("kept", "What a cut keeps, the model's special tokens counted", columns, rows)


def _length_figure(found: Mapping[str, Any]) -> Figure:
    wide, narrow = drawn_wide(
        lambda axes: _draw_lengths(axes, found, str, legend=True),
        name="lengths-of-texts",
        label="Tokens of a text, by percentile, for each tokenizer",
    )
    columns = [Column("tokenizer"), *(Column(name, "number") for name in ("mean", *_RANKS, "longest"))]
    rows = [
        (one["name"], *(f"{one['lengths'][name]:,.0f}" for name in ("mean", *_RANKS, "longest")))
        for one in found["tokenizers"]
    ]
    return Figure(
        "lengths-of-texts-figure",
        "Tokens of a text, by percentile",
        "Half of the texts have at most as many tokens as the 50th percentile says.",
        (wide,),
        table("length-numbers", "Tokens of a text: mean, percentiles, the longest", columns, rows),
        narrow=(narrow,),
    )


def _draw_lengths(
    axes: Axes, found: Mapping[str, Any], painted: Callable[[str], str], *, legend: bool = False
) -> None:
    ranks = [int(rank) for rank in _RANKS]
    for number, one in enumerate(found["tokenizers"]):
        lengths = [max(1.0, one["lengths"][rank]) for rank in _RANKS]
        axes.plot(ranks, lengths, label=one["name"], **_look(number, painted))
    logarithmic_y(axes)
    axes.set_xlabel("percentile of texts")
    axes.set_ylabel("tokens")
    if legend:
        axes.legend()


def _look(number: int, painted: Callable[[str], str]) -> dict[str, Any]:
    return {
        "color": painted(SERIES[number % len(SERIES)]),
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
    }


def _legend(found: Mapping[str, Any], painted: Callable[[str], str]) -> Sequence[Artist]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], label=one["name"], **_look(number, painted))
        for number, one in enumerate(found["tokenizers"])
    ]
