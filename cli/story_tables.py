"""How stories look in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from cli.figures import number, percent, setting
from cli.tables import SHORT, fitted
from host.markup import literal
from host.text import root_option

if TYPE_CHECKING:
    from experiments.stories.generate import Generated
    from experiments.stories.rewrite import Replay
    from generation.writer import Story
    from runs.result import RunResult
    from sweeps.decoding.rows import DecodingReport, SettingRow
    from tracking.store import Store


def print_sample(console: Console, store: Store, result: RunResult, root: Path) -> None:
    """How to have stories of a language model, and the first that it wrote after its last validation."""
    from runs.files import run_named
    from runs.samples import read_samples

    rows = read_samples(run_named(store, result.run_id))
    if not rows:
        return
    last = next(row for row in rows if row.step == rows[-1].step)
    prompt = shlex.quote(last.prompt)
    command = f"encore generate {result.run_id[:SHORT]} --prompt {prompt}{root_option(root)}"
    console.print(
        f"\nA story of it; `{literal(command)}` has it write more:\n", highlight=False, soft_wrap=True
    )
    print_story(console, last.prompt, last.story, ended=last.ended)


def print_story(console: Console, prompt: str, text: str, *, ended: bool) -> None:
    """The prompt in bold, the rest as it was written; only on a terminal it is broken into lines."""
    rest = text.removeprefix(prompt)
    begun = text[: len(text) - len(rest)]
    told = f"[bold]{escape(begun)}[/]{escape(rest)}{'' if ended else ' [red]…[/]'}\n"
    console.print(told, highlight=False, soft_wrap=not console.is_terminal)


def print_stories(out: Console, progress: Console, generated: Generated, root: Path) -> None:
    short = generated.run_id[:SHORT]
    for story in generated.stories:
        out.print(f"[dim]{short}#{story.number}, {_length(story)}[/]", highlight=False)
        print_story(out, story.prompt, story.text, ended=story.ended)
    again = f"encore story {short}#0{root_option(root)}"
    progress.print(
        f"{generated.tokens_per_s:,.0f} tokens/s. `{literal(again)}` writes the first one again.",
        highlight=False,
    )


def _length(story: Story) -> str:
    return f"{story.tokens} tokens" + ("" if story.ended else ", broken off at the limit")


def print_replay(out: Console, progress: Console, found: Replay) -> None:
    again, logged = found.again, found.logged
    print_story(out, again.prompt, again.text, ended=again.ended)
    if found.same:
        progress.print("[green]the same[/] as it was logged, to the character", highlight=False)
        return
    progress.print("[red]not the same[/]: it was logged as", highlight=False)
    print_story(progress, logged.prompt, logged.text, ended=logged.ended)


_NARROW = {"max_length": "tokens", "temperature": "temp.", "repetition_penalty": "penalty"}
_MISSED = ("all held", "1 missed", "2 missed", "3 missed")
_PERCENT = {
    "coherent": "coherent",
    "ended": "ended",
    "loops": "loops",
    "copied_13grams": "copied",
    "names_kept": "names kept",
}


def print_setting(progress: Console, row: SettingRow) -> None:
    values = " ".join(f"{key}={literal(setting(value))}" for key, value in row.values.items())
    shown = ", ".join(
        f"{title} {percent(row.metrics[f'stories/{name}'])}" for name, title in _PERCENT.items()
    )
    what = "official" if row.stage == "official" else f"setting {row.trial}"
    progress.print(f"{what}  {row.run_id[:SHORT]}  {values}  {shown}", highlight=False)


def print_settings(out: Console, report: DecodingReport, root: Path) -> None:
    """The settings, best first; then the best one from the official split's beginnings, and the real stories."""
    from sweeps.decoding.rows import MISSED, rank

    trials = [row for row in report.rows if row.stage == "search"]
    trials.sort(key=rank, reverse=True)
    others = [row for row in report.rows if row.stage != "search"]
    rows = [_cells(row, str(row.trial)) for row in trials] + [_cells(row, "official") for row in others]
    real = {f"stories/{name}": value for name, value in report.real.items()}
    rows.append({**dict.fromkeys(rows[0], ""), "setting": "real", **_figures(real)})
    spare = ["words", "distinct 2", "perplexity", "names kept", "limits", "copied", "loops"]
    out.print(
        fitted(
            out,
            rows,
            spare=spare,
            title=f"Sweep {literal(report.name)}: stories of {report.model_run[:SHORT]}",
        )
    )
    out.print(f"Limits: {_limits(report.limits)}.", highlight=False)
    if missed := int(report.best.metrics[MISSED]):
        out.print(f"[yellow]No setting keeps all limits; the best one misses {missed}.[/]", highlight=False)
    sweep = f"encore runs --sweep {report.parent_id[:SHORT]}{root_option(root)}"
    out.print(f"All settings: `{literal(sweep)}`", highlight=False, soft_wrap=True)
    out.print(
        f"Best by the held-out beginnings: setting {report.best.trial}, run [bold]{report.best.run_id[:SHORT]}[/]; "
        f"`encore story {report.best.run_id[:SHORT]}#0{literal(root_option(root))}` writes its first story again.",
        highlight=False,
    )


def _limits(limits: Mapping[str, float]) -> str:
    return (
        f"at least {limits['min_ended']:.0%} ended, at most {limits['max_loops']:.0%} loops and "
        f"{limits['max_copied']:.0%} copied 13-grams"
    )


def _cells(row: SettingRow, named: str) -> dict[str, str]:
    values = {_NARROW.get(key, key): literal(setting(value)) for key, value in row.values.items()}
    return {"setting": named, "run": row.run_id[:SHORT], **values, **_figures(row.metrics)}


def _figures(metrics: Mapping[str, float]) -> dict[str, str]:
    return {
        **{title: percent(metrics[f"stories/{name}"]) for name, title in _PERCENT.items()},
        "distinct 2": percent(metrics["stories/distinct_2"]),
        "perplexity": number(metrics["stories/perplexity"]),
        "words": number(metrics["stories/words"], 0),
        "limits": "" if (missed := metrics.get("stories/limits_missed")) is None else _MISSED[int(missed)],
    }
