"""The verbs of stories: writing some, and writing one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.tables import SHORT, fitted, number, percent, print_story
from cli.verbs import FAILED, OK, consoles, named_run, open_existing, print_json
from errors import UserError
from experiments.config import DecodingConfig
from experiments.loading import parse

if TYPE_CHECKING:
    from experiments.generate import Generated
    from experiments.replay import Replay
    from experiments.writing import Story
    from sweeps.config import DecodingSweepConfig
    from sweeps.decoding import DecodingReport, SettingRow


def generate_verb(
    run_id: str,
    prompts: Sequence[str],
    n: int,
    given: Mapping[str, object],
    variant: str,
    root: Path,
    *,
    as_json: bool,
) -> int:
    options = {key: value for key, value in given.items() if value is not None}
    decoding = parse(DecodingConfig, options, where="encore generate")
    out, progress, store, record = named_run(run_id, root)
    from experiments.generate import generate, source_of, variant_named
    from experiments.machine import usable_cores

    source = source_of(store, record, variant_named(variant), threads=usable_cores())
    wanted = [prompt.strip() for prompt in prompts for _ in range(n)]
    generated = generate(source, wanted, decoding, console=progress)
    if as_json:
        print_json(asdict(generated))
    else:
        _print_stories(out, progress, generated)
    return OK


def _print_stories(out: Console, progress: Console, generated: Generated) -> None:
    short = generated.run_id[:SHORT]
    for story in generated.stories:
        out.print(f"[dim]{short}#{story.number}, {_length(story)}[/]", highlight=False)
        print_story(out, story.prompt, story.text, ended=story.ended)
    progress.print(
        f"{generated.tokens_per_s:,.0f} tokens/s. `encore story {short}#0` writes the first one again.",
        highlight=False,
    )


def _length(story: Story) -> str:
    return f"{story.tokens} tokens" + ("" if story.ended else ", broken off at the limit")


def story_verb(story_id: str, root: Path, *, as_json: bool) -> int:
    run_id, _, number = story_id.partition("#")
    if not run_id or not number.isdecimal():
        raise UserError("names no story", where=story_id, cure="Write ID#NUMBER, as in 3f2a91c0#12.")
    out, progress, store, record = named_run(run_id, root)
    from experiments.replay import replay

    with progress.status("writing the story again"):
        found = replay(store, record, int(number))
    if as_json:
        print_json({**asdict(found), "same": found.same})
    else:
        _print_replay(out, progress, found)
    return OK if found.same else FAILED


def _print_replay(out: Console, progress: Console, found: Replay) -> None:
    again, logged = found.again, found.logged
    print_story(out, again.prompt, again.text, ended=again.ended)
    if found.same:
        progress.print("[green]the same[/] as it was logged, to the character", highlight=False)
        return
    progress.print("[red]not the same[/]: it was logged as", highlight=False)
    print_story(progress, logged.prompt, logged.text, ended=logged.ended)


def decoding_sweep_verb(
    sweep: DecodingSweepConfig, rest: Sequence[str], root: Path, *, again: bool, as_json: bool, dry_run: bool
) -> int:
    if again:
        raise UserError(
            "a decoding sweep trains nothing",
            where="--again",
            cure="Leave it out; seed=1 draws other settings.",
        )
    if rest:
        raise UserError(
            "no such key of a decoding sweep", where=rest[0], cure="`--dry-run` prints every key."
        )
    if dry_run:
        print_json({"sweep": sweep.model_dump(mode="json")})
        return OK
    out, progress = consoles()
    store = open_existing(root, progress)
    from sweeps.decoding import run_decoding_sweep

    report = run_decoding_sweep(
        sweep, store, console=progress, on_setting=lambda row: _print_setting(progress, row)
    )
    if as_json:
        print_json(asdict(report))
    else:
        _print_settings(out, report)
    return OK


_MISSED = ("all held", "1 missed", "2 missed", "3 missed")
_PERCENT = {
    "coherent": "coherent",
    "ended": "ended",
    "loops": "loops",
    "copied_13grams": "copied",
    "names_kept": "names kept",
}


def _print_setting(progress: Console, row: SettingRow) -> None:
    values = " ".join(f"{key}={_short(value)}" for key, value in row.values.items())
    shown = ", ".join(
        f"{title} {percent(row.metrics[f'stories/{name}'])}" for name, title in _PERCENT.items()
    )
    progress.print(f"{row.run_id[:SHORT]}  {values}  {shown}", highlight=False)


def _print_settings(out: Console, report: DecodingReport) -> None:
    """The settings, best first; then the best one from the official split's beginnings, and the real stories."""
    from sweeps.decoding import worth

    trials = [row for row in report.rows if row.stage == "search"]
    trials.sort(key=lambda row: (-worth(row), row.trial))
    others = [row for row in report.rows if row.stage != "search"]
    rows = [_cells(row, str(row.trial)) for row in trials] + [_cells(row, "official") for row in others]
    real = {f"stories/{name}": value for name, value in report.real.items()}
    rows.append({**dict.fromkeys(rows[0], ""), "setting": "real stories", **_figures(real)})
    spare = ["words", "distinct 2", "perplexity", "names kept"]
    out.print(
        fitted(out, rows, spare=spare, title=f"Sweep {report.name}: stories of {report.model_run[:SHORT]}")
    )
    out.print(
        f"Best by the held-out beginnings: setting {report.best.trial}, run [bold]{report.best.run_id[:SHORT]}[/]; "
        f"`encore story {report.best.run_id[:SHORT]}#0` writes its first story again.",
        highlight=False,
    )


def _cells(row: SettingRow, setting: str) -> dict[str, str]:
    values = {key: _short(value) for key, value in row.values.items()}
    return {"setting": setting, "run": row.run_id[:SHORT], **values, **_figures(row.metrics)}


def _figures(metrics: Mapping[str, float]) -> dict[str, str]:
    return {
        **{title: percent(metrics[f"stories/{name}"]) for name, title in _PERCENT.items()},
        "distinct 2": percent(metrics["stories/distinct_2"]),
        "perplexity": number(metrics["stories/perplexity"]),
        "words": number(metrics["stories/words"], 0),
        "limits": "" if (missed := metrics.get("stories/limits_missed")) is None else _MISSED[int(missed)],
    }


def _short(value: str) -> str:
    return value if value == "None" else f"{float(value):.3g}"
