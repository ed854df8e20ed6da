"""The verbs of studies, and what they found in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from analysis.tokens.comparing import Marks
from cli.console import print_json
from cli.headline import print_commands
from cli.session import FAILED, OK, open_store, outputs
from cli.study_attention import head_weights, print_attention, print_head
from cli.study_sentiment import classifier_run, print_answers, printing
from cli.study_vectors import print_skipgram, print_vectors
from cli.tables import SHORT, fitted
from experiments.checkout import check_own_checkout
from experiments.entrance import refuse_secrets
from host.markup import literal
from host.text import root_option
from runs.layout import STUDIED_TAG, STUDY_FINDINGS, STUDY_PAGE, STUDY_VECTORS
from runs.seals import check_listed
from schema.validation import parse

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.studies.study import Studied
    from host.terminal import TerminalReporter
    from runs.files import RunFiles

_FRAMES = ("on blue", "on magenta")  # of pieces, in turn
_MARKED = "underline bold"
_VERBS = {"skipgram": "vectors --train"}  # of studies that have another name


def tokens_verb(
    text: str | None,
    tokenizers: Sequence[str] | None,
    corpus: Mapping[str, Any] | None,
    root: Path,
    *,
    again: bool,
    as_json: bool,
) -> int:
    from experiments.studies.tokens import KIND, USUAL, named_tokenizer

    named = [named_tokenizer(source) for source in tokenizers or USUAL]
    asked = {"text": text, "corpus": corpus, "tokenizers": named}
    return study_verb(KIND, asked, root, again=again, as_json=as_json)


def sentiment_verb(
    given: Mapping[str, Any], run_id: str | None, root: Path, *, again: bool, as_json: bool
) -> int:
    """run_id: none: the newest classifier of the store, where no model is given."""
    from experiments.studies.sentiment import KIND

    run = classifier_run(run_id, root) if run_id is not None or given["model"] is None else None
    asked = {**given, "run": run}
    how = {} if as_json else {"on_answer": printing(outputs()[0])}
    return study_verb(KIND, asked, root, again=again, as_json=as_json, how=how)


def study_verb(
    kind: str,
    asked: Mapping[str, Any],
    root: Path,
    *,
    again: bool,
    as_json: bool,
    how: Mapping[str, Any] | None = None,
) -> int:
    """how: of the study's own, beside its request."""
    studied = _studied(kind, asked, root, again=again, how=how or {})
    if as_json:
        print_json({"run_id": studied.run.record.run_id, **studied.content})
    else:
        _print_study(studied, kind, root, printed="on_answer" in (how or {}))
    return OK


def attention_verb(
    given: Mapping[str, Any],
    run_id: str | None,
    chosen: tuple[int, int] | None,
    root: Path,
    *,
    again: bool,
    as_json: bool,
) -> int:
    """chosen: the layer and head that are shown; none: what each word counts for."""
    from experiments.studies.attention import KIND

    run = classifier_run(run_id, root) if run_id is not None or given["model"] is None else None
    studied = _studied(KIND, {**given, "run": run}, root, again=again, how={"chosen": chosen})
    if chosen is None and not as_json:
        _print_study(studied, KIND, root, printed=False)
        return OK
    weights = None if chosen is None else head_weights(studied.run, *chosen)
    if as_json:
        shown = {} if weights is None else {"weights": weights}
        print_json({"run_id": studied.run.record.run_id, **studied.content, **shown})
        return OK
    assert chosen is not None
    out, _ = outputs()
    print_head(out, studied.content, weights, *chosen)
    _print_ending(out, studied.run, root)
    return OK


def _studied(
    kind: str, asked: Mapping[str, Any], root: Path, *, again: bool, how: Mapping[str, Any]
) -> Studied:
    where = f"encore study {_VERBS.get(kind, kind)}"
    from experiments.studies.kinds import KINDS, prepared
    from experiments.studies.study import study

    wanted = parse(KINDS[kind].request, asked, where=where)
    refuse_secrets(asked, where=where)
    check_own_checkout()
    _, reporter = outputs()
    found = prepared(kind, wanted, root=root.absolute(), reporter=reporter, **how)
    studied = study(found, open_store(root, reporter), again=again, reporter=reporter)
    if studied.reused:
        reporter.say("Studied before; --again computes it anew.", "faint")
    return studied


def _print_study(studied: Studied, kind: str, root: Path, *, printed: bool) -> None:
    """printed: what was found was shown while it was."""
    out, _ = outputs()
    if studied.reused or not printed:
        _PRINTED[kind](out, studied.content)
    _print_ending(out, studied.run, root)


def _print_ending(out: Console, run: RunFiles, root: Path) -> None:
    command = f"encore reproduce {run.record.run_id[:SHORT]}{root_option(root)}"
    print_commands(out, {command: "make this study again, and compare every byte"})
    files = {"page": STUDY_PAGE, "vectors": STUDY_VECTORS}
    for name in (name for name in files if run.has(files[name])):
        out.print(f"[dim]{name}: {literal(str(run.path(files[name])))}[/]", highlight=False, soft_wrap=True)


def _print_tokens(out: Console, content: Mapping[str, Any]) -> None:
    if "text" in content:
        _print_text(out, content)
    else:
        _print_corpus(out, content)


def _print_text(out: Console, content: Mapping[str, Any]) -> None:
    marks = Marks([(one["start"], one["end"]) for one in content["disagreements"]])
    for tokenizer in content["tokenizers"]:
        out.print(
            f"[bold]{literal(tokenizer['name'])}[/]  {len(tokenizer['pieces']):,} tokens", highlight=False
        )
        out.print(_coloured(tokenizer["pieces"], marks))
        if any(piece["id"] is not None for piece in tokenizer["pieces"]):
            numbers = " ".join(str(piece["id"]) for piece in tokenizer["pieces"])
            out.print(f"[dim]{numbers}[/]", highlight=False)
    rows = [
        {
            "word": literal(one["word"]),
            "pieces": literal(" | ".join(way["pieces"])),
            "by": literal(", ".join(way["names"])),
        }
        for one in content["disagreements"]
        for way in one["ways"]
    ]
    if rows:
        out.print(
            fitted(
                out,
                rows,
                spare=[],
                title=f"Words that are not split alike{' (underlined above)' if out.is_terminal else ''}",
                squeezed="by",
            )
        )
    else:
        out.print("All of them split it alike.")


def _coloured(pieces: Sequence[Mapping[str, Any]], marks: Marks) -> Text:
    found = Text()
    for number, piece in enumerate(pieces):
        differs = marks.touch(piece["start"], piece["end"])
        style = f"{_FRAMES[number % 2]} {_MARKED if differs else ''}"
        found.append(piece["text"], style=style.strip())
        found.append(" ")
    return found


def _print_corpus(out: Console, content: Mapping[str, Any]) -> None:
    out.print(
        f"{content['corpus']}, {content['split']} split: {content['texts']:,} texts, {content['words']:,} words,"
        f" {content['bytes'] / 1e6:.1f} MB",
        highlight=False,
    )
    rows = [
        {
            "tokenizer": literal(one["name"]),
            "tokens": f"{one['tokens']:,}",
            "a word": f"{one['tokens_a_word']:.3f}",
            "words whole": f"{100 * one['whole_words']:.1f} %",
            "bytes a token": f"{one['bytes_a_token']:.2f}",
            "unknown": f"{one['unknown']:,}",
            "texts changed": "" if one["not_restored"] is None else f"{one['not_restored']:,}",
            "median": f"{one['lengths']['50']:,.0f}",
            "99 %": f"{one['lengths']['99']:,.0f}",
            "longest": f"{one['lengths']['longest']:,.0f}",
            **{f"kept at {cut}": f"{100 * kept['tokens']:.1f} %" for cut, kept in one["kept"].items()},
        }
        for one in content["tokenizers"]
    ]
    out.print(fitted(out, rows, spare=["median", "unknown", "bytes a token", "99 %"], squeezed="tokenizer"))


_PRINTED: Mapping[str, Callable[[Console, Mapping[str, Any]], None]] = {
    "tokens": _print_tokens,
    "sentiment": print_answers,
    "attention": print_attention,
    "vectors": print_vectors,
    "skipgram": print_skipgram,
}


def show_study(out: Console, run: RunFiles, root: Path) -> None:
    """Of `encore show`."""
    kind = run.record.tags.get(STUDIED_TAG, "")
    if kind in _PRINTED and run.has(STUDY_FINDINGS):
        check_listed(run, STUDY_FINDINGS)
        _PRINTED[kind](out, run.read(dict[str, Any], STUDY_FINDINGS))
        _print_ending(out, run, root)


def replay_verb(run: RunFiles, out: Console, reporter: TerminalReporter, *, as_json: bool) -> int:
    """Of `encore reproduce`, for a study."""
    from experiments.studies.replay import replay

    found = replay(run, reporter=reporter)
    if as_json:
        print_json({**asdict(found), "verdict": "identical" if found.same else "different"})
        return OK if found.same else FAILED
    colour, verdict = ("bold green", "identical") if found.same else ("bold red", "different")
    out.print(
        f"[{colour}]{verdict}[/]: run [bold]{found.run_id[:SHORT]}[/] makes study"
        f" [bold]{run.record.run_id[:SHORT]}[/] again; {found.files} files compared",
        highlight=False,
    )
    for one in found.differences:
        out.print(
            f"  {one.of} {literal(one.name)}: {one.then or 'none'} then, {one.now or 'none'} now",
            highlight=False,
        )
    return OK if found.same else FAILED
