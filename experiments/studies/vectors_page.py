"""The pages and pictures of the study of word vectors, from its findings alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.studies.vectors_question import title
from experiments.studies.word_plane import plane_figure, plane_picture
from pages.figures import BLUE, VERMILION, Figure, drawn_wide, logarithmic_x
from pages.pictures import light, picture
from pages.rendering import page
from pages.sections import Fact, Section
from pages.tables import Column, Row, Table, table
from pages.texts import label

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_FOOT = "Made by `encore study vectors`."
_COSINE = Column("likeness", "number", "cosine of the angle between both vectors")
_WAYS = (("excluded", BLUE, "o"), ("included", VERMILION, "s"))


def vectors_page(found: Mapping[str, Any]) -> str:
    """What was asked of the vectors, and the answer."""
    vectors = found["vectors"]
    lead = f"{vectors['words']:,} words of {label(vectors['file'])}, {vectors['dimensions']} numbers each."
    sections = list(_SECTIONS.get(found["question"]["kind"], _word_sections)(found))
    return page(
        label(title(found["question"]), 80), sections, kicker="Study of word vectors", lead=lead, foot=_FOOT
    )


def vectors_pictures(found: Mapping[str, Any]) -> dict[str, bytes]:
    """As on the page, in PNG."""
    kind = found["question"]["kind"]
    if kind == "coverage":
        drawn = picture([lambda axes: _draw_kept(axes, found, light)], "png", legend=list)
        return {"coverage.png": drawn}
    if kind == "benchmarks":
        drawn = picture(
            [lambda axes: _draw_sections(axes, found, light)], "png", legend=lambda: _sections_legend(light)
        )
        return {"analogies.png": drawn}
    return {"plane.png": plane_picture(found["plane"])}


def _word_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    tables = _TABLES[found["question"]["kind"]](found)
    yield Section("answer", "Answer", tables=tuple(tables))
    yield Section("where", "Where they lie", figures=(plane_figure(found["plane"]),))


def near_table(name: str, caption: str, near: Sequence[Mapping[str, Any]], marked: str = "") -> Table:
    """Words and how alike they are. marked: the word whose row stands out."""
    rows = [
        Row((one["word"], f"{one['similarity']:.4f}"), "winner" if one["word"] == marked else "")
        for one in near
    ]
    return table(name, caption, [Column("word", "code"), _COSINE], rows)


def _pairs_table(found: Mapping[str, Any]) -> list[Table]:
    rows = [(one["left"], one["right"], f"{one['similarity']:.4f}") for one in found["pairs"]]
    columns = [Column("word", "code"), Column("and", "code"), _COSINE]
    return [table("pairs", "How alike every two are", columns, rows)]


def _analogy_tables(found: Mapping[str, Any]) -> list[Table]:
    return [
        near_table("excluded", "Nearest, the words that were given excluded", found["excluded"]),
        near_table("included", "Nearest of all words", found["included"]),
    ]


def _odd_table(found: Mapping[str, Any]) -> list[Table]:
    caption = "How alike each is to the mean of all: the last is the odd one out"
    return [near_table("centrality", caption, found["centrality"], found["centrality"][-1]["word"])]


_TABLES: Mapping[str, Callable[[Mapping[str, Any]], list[Table]]] = {
    "similarity": _pairs_table,
    "nearest": lambda found: [near_table("nearest", "Nearest words", found["neighbours"])],
    "analogy": _analogy_tables,
    "odd": _odd_table,
}


def _coverage_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    facts = (
        _share_fact("tokens with a vector", found["known_tokens"], found["tokens"]),
        _share_fact("different words with one", found["known_words"], found["words"]),
        _share_fact("texts whose every token has one", found["whole_texts"], found["texts"]),
    )
    lowered = f"{found['lowered']:,} tokens have their vector in lower case alone."
    missing = table(
        "missing",
        "The most frequent words without a vector",
        [Column("word", "code"), Column("times", "number")],
        [(one["word"], f"{one['count']:,}") for one in found["missing"]],
    )
    yield Section("coverage", label(found["origin"], 80), facts=facts, notes=(lowered,), tables=(missing,))
    yield Section("sizes", "Of the first words alone", figures=(_kept_figure(found),))


def _share_fact(name: str, part: int, whole: int) -> Fact:
    return Fact(name, f"{100 * part / max(whole, 1):.1f} %", f"{part:,} of {whole:,}", large=True)


def _kept_figure(found: Mapping[str, Any]) -> Figure:
    wide, narrow = drawn_wide(
        lambda axes: _draw_kept(axes, found, str),
        name="kept",
        label="Share of tokens that the first words of the vectors have",
    )
    rows = [(f"{one['words']:,}", f"{100 * one['tokens']:.1f} %") for one in found["kept"]]
    columns = [Column("first words", "number"), Column("tokens with a vector", "number")]
    return Figure(
        "kept-figure",
        "Tokens with a vector, by how many of the first words are kept",
        "The order is that of the file, in GloVe's by frequency.",
        (wide,),
        table("kept-numbers", "The same as numbers", columns, rows),
        narrow=(narrow,),
    )


def _draw_kept(axes: Axes, found: Mapping[str, Any], painted: Callable[[str], str]) -> None:
    sizes = [one["words"] for one in found["kept"]]
    axes.plot(
        sizes, [100 * one["tokens"] for one in found["kept"]], color=painted(BLUE), marker="o", markersize=4
    )
    logarithmic_x(axes)
    axes.set_ylim(0, 100)
    axes.set_xlabel("first words of the vectors")
    axes.set_ylabel("% of tokens")


def _benchmark_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    rows = [
        (
            one["name"],
            "" if one["correlation"] is None else f"{one['correlation']:.4f}",
            f"{one['pairs']:,}",
            f"{one['unknown']:,}",
        )
        for one in found["pairs"]
    ]
    columns = [
        Column("test"),
        Column("correlation", "number", "Spearman's, of the cosine with what people said"),
        Column("pairs", "number"),
        Column("left out", "number", "a word has no vector"),
    ]
    yield Section("pairs", "Likeness of pairs", tables=(table("pairs", "Pairs of words", columns, rows),))
    lead = (
        f"{found['total']['excluded']:,} of {found['total']['questions']:,} analogies are right where the words of a"
        f" question are no answers, {found['total']['included']:,} where they are; {found['unknown']:,} are left out,"
        " since a word of theirs has no vector."
    )
    asked = [one for one in found["sections"] if one["questions"]]
    figures = (_sections_figure(found),) if asked else ()
    yield Section("analogies", "Analogies", paragraphs=(lead,), figures=figures)


def _sections_figure(found: Mapping[str, Any]) -> Figure:
    wide, narrow = drawn_wide(
        lambda axes: _draw_sections(axes, found, str, legend=True),
        name="sections",
        label="Right answers to analogies, by section, with the words of the question excluded and included",
        height=4.4,
    )
    columns = [Column("section"), *(Column(name, "number") for name in ("excluded", "included", "questions"))]
    rows = [
        (one["section"], f"{one['excluded']:,}", f"{one['included']:,}", f"{one['questions']:,}")
        for one in [*found["sections"], found["total"]]
    ]
    return Figure(
        "sections-figure",
        "Right answers, by section",
        "Where the words of a question may be answers, the nearest is often one of them.",
        (wide,),
        table("sections-numbers", "The same as numbers", columns, rows),
        narrow=(narrow,),
    )


def _draw_sections(
    axes: Axes, found: Mapping[str, Any], painted: Callable[[str], str], *, legend: bool = False
) -> None:
    asked = [one for one in found["sections"] if one["questions"]]
    for way, colour, marker in _WAYS:
        shares = [100 * one[way] / one["questions"] for one in asked]
        look = _look(colour, marker, painted)
        axes.plot(shares, range(len(asked)), label=f"inputs {way}", **look)
    axes.set_yticks(range(len(asked)), [label(one["section"], 28) for one in asked])
    axes.set_ylim(len(asked) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("% right")
    if legend:
        axes.legend(loc="lower right")


def _look(colour: str, marker: str, painted: Callable[[str], str]) -> dict[str, Any]:
    return {"color": painted(colour), "marker": marker, "linestyle": "none", "markersize": 4.5}


def _sections_legend(painted: Callable[[str], str]) -> Sequence[Artist]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], label=f"inputs {way}", **_look(colour, marker, painted))
        for way, colour, marker in _WAYS
    ]


_SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Section]]] = {
    "coverage": _coverage_sections,
    "benchmarks": _benchmark_sections,
}
