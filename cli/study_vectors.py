"""What studies of word vectors found, in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.tables import fitted
from host.markup import literal
from host.text import shortened

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 40  # characters of a word


def print_vectors(out: Console, content: Mapping[str, Any]) -> None:
    """What was asked, answered."""
    vectors = content["vectors"]
    out.print(
        f"{literal(vectors['file'])}: {vectors['words']:,} words, {vectors['dimensions']} numbers each",
        highlight=False,
        soft_wrap=True,
    )
    _PRINTED[content["question"]["kind"]](out, content)


def _word(text: str) -> str:
    return literal(shortened(text, _SHOWN))


def _near(out: Console, near: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    rows = [{"word": _word(one["word"]), "likeness": f"{one['similarity']:.4f}"} for one in near]
    out.print(fitted(out, rows, spare=[], title=title, squeezed="word"))


def _print_pairs(out: Console, content: Mapping[str, Any]) -> None:
    rows = [
        {"word": _word(one["left"]), "and": _word(one["right"]), "likeness": f"{one['similarity']:.4f}"}
        for one in content["pairs"]
    ]
    out.print(fitted(out, rows, spare=[], squeezed="word"))


def _print_analogy(out: Console, content: Mapping[str, Any]) -> None:
    _near(out, content["excluded"], "Nearest, the words that were given excluded")
    _near(out, content["included"], "Nearest of all words")


def _print_odd(out: Console, content: Mapping[str, Any]) -> None:
    _near(out, content["centrality"], "Likeness to the mean of all")
    out.print(f"The odd one out is [bold]{_word(content['centrality'][-1]['word'])}[/].", highlight=False)


def _print_coverage(out: Console, content: Mapping[str, Any]) -> None:
    out.print(literal(content["origin"]), highlight=False, soft_wrap=True)
    shares = {
        "tokens with a vector": ("known_tokens", "tokens"),
        "different words with one": ("known_words", "words"),
        "texts whose every token has one": ("whole_texts", "texts"),
    }
    rows = [
        {
            "what": what,
            "share": f"{100 * content[part] / max(content[whole], 1):.1f} %",
            "of": f"{content[part]:,} of {content[whole]:,}",
        }
        for what, (part, whole) in shares.items()
    ]
    out.print(fitted(out, rows, spare=[], squeezed="what"))
    most = ", ".join(f"{_word(one['word'])} ({one['count']:,})" for one in content["missing"][:10])
    if most:
        out.print(f"Most frequent without: {most}", highlight=False)


def _print_benchmarks(out: Console, content: Mapping[str, Any]) -> None:
    rows = [
        {
            "test": literal(one["name"]),
            "correlation": "" if one["correlation"] is None else f"{one['correlation']:.4f}",
            "pairs": f"{one['pairs']:,}",
            "left out": f"{one['unknown']:,}",
        }
        for one in content["pairs"]
    ]
    out.print(fitted(out, rows, spare=[], squeezed="test"))
    rows = [
        {
            "analogies": literal(one["section"]),
            "right": f"{one['excluded']:,}",
            "inputs included": f"{one['included']:,}",
            "of": f"{one['questions']:,}",
        }
        for one in [*content["sections"], content["total"]]
        if one["questions"]
    ]
    if rows:
        out.print(fitted(out, rows, spare=[], squeezed="analogies"))
    out.print(
        f"{content['unknown']:,} analogies hold a word without a vector and are left out.", highlight=False
    )


_PRINTED: Mapping[str, Callable[[Console, Mapping[str, Any]], None]] = {
    "similarity": _print_pairs,
    "nearest": lambda out, content: _near(out, content["neighbours"]),
    "analogy": _print_analogy,
    "odd": _print_odd,
    "coverage": _print_coverage,
    "benchmarks": _print_benchmarks,
}


def print_skipgram(out: Console, content: Mapping[str, Any]) -> None:
    """What was made, and what is near to frequent words in it."""
    out.print(
        f"{literal(content['origin'])}: {content['words']:,} words with a vector, of {content['tokens']:,} tokens in"
        f" {content['texts']:,} texts",
        highlight=False,
        soft_wrap=True,
    )
    if (both := content.get("extends")) is not None:
        out.print(
            f"{both['added']:,} of them are added to {literal(both['file'])}: {100 * both['explained']:.1f} % of the"
            f" variance of words of both is explained that the map was not fitted to",
            highlight=False,
            soft_wrap=True,
        )
    rows = [
        {
            "word": _word(one["word"]),
            "nearest": ", ".join(_word(near["word"]) for near in one["neighbours"]),
        }
        for one in content["neighbours"]
    ]
    out.print(fitted(out, rows, spare=[], squeezed="nearest"))
