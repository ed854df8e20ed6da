"""One run in a terminal: what it is, its scores, what differs from the catalog, and at the end what it came to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.data import print_recorded
from cli.figures import typed
from cli.headline import print_headline
from cli.lineage import print_lineage
from cli.metric_tables import print_metrics
from cli.tables import fitted, styled
from host.markup import literal
from host.text import shortened
from runs.states import state_of
from tracking.tags import NOTE_TAG

if TYPE_CHECKING:
    from runs.data_record import DataRecord
    from runs.files import RunFiles

_SHOWN_TAGS = tuple(
    f"encore.{name}"
    for name in ("killed_because", "failed_because", "resumed_at", "resumed_under", "resumed_otherwise",
                 "begins_with_knows", "teacher_knows",
                 "forked_from", "forked_under", "reuses", "reproduces", "verdict", "stories_of")
)  # fmt: skip
_RECIPE = "encore.recipe_id"
_MARKS, _LINK = re.compile(r"\*\*|`"), re.compile(r" · \[[^\[\]]*\]\(#[^()]*\)")  # of MLflow's own pages
_NOTE_LINES, _SETTINGS, _KEY, _VALUE, _NOTICES = 5, 8, 40, 60, 3


@dataclass(frozen=True)
class Shown:
    """What is printed of a run. catalogued: the settings of `experiment` in the catalog; the run's own are then only
    those that differ. whole: all of everything."""

    run: RunFiles
    experiment: str
    catalogued: Mapping[str, str] | None
    data: DataRecord | None
    whole: bool


def print_run(console: Console, shown: Shown, root: Path) -> None:
    """A run that trained, or that stories are logged on."""
    record = shown.run.record
    print_title(console, shown)
    print_lineage(console, shown.run)
    print_metrics(console, record.metrics, whole=shown.whole)
    _print_settings(console, shown)
    if shown.data is not None:
        _print_data(console, shown.data, whole=shown.whole)
    artifacts = shown.run.store.artifacts(record)
    console.print(f"artifacts: {literal(', '.join(artifacts))}", highlight=False)
    print_headline(console, shown.run, shown.data, artifacts, root)


def print_title(console: Console, shown: Shown, *, note_lines: int = _NOTE_LINES) -> None:
    """Its ID, state, name, lineage, and what it says of itself, each line in a line of the terminal."""
    record = shown.run.record
    console.print(f"Run [bold]{record.run_id}[/]  {styled(record.status, state_of(record))}", highlight=False)
    _print_line(console, record.name, whole=shown.whole)
    for tag in (*_SHOWN_TAGS, *([_RECIPE] if shown.whole else [])):
        if tag in record.tags:
            _print_line(console, f"{tag.removeprefix('encore.')}: {record.tags[tag]}", whole=shown.whole)
    lines = _sentences(record.tags.get(NOTE_TAG, ""))
    kept = lines if shown.whole else lines[:note_lines]
    for line in kept:  # indented, or one of its lines could pass for one of ours
        _print_line(console, f"  {line}", whole=shown.whole)
    if len(lines) > len(kept):
        more = len(lines) - len(kept)
        console.print(f"  and {more} more line{'' if more == 1 else 's'}; `--all` shows them", style="dim")


def _sentences(note: str) -> list[str]:
    """The lines of a description as a terminal shows them: without Markdown's marks, links into MLflow, tables."""
    lines = [line for line in note.split("\n") if line.strip(" -|") and not line.startswith("|")]
    return [_LINK.sub("", _MARKS.sub("", line)) for line in lines]


def _print_line(console: Console, text: str, *, whole: bool) -> None:
    console.print(literal(text if whole else shortened(text, console.width)), highlight=False, soft_wrap=True)


def _print_settings(console: Console, shown: Shown) -> None:
    params, catalogued = shown.run.record.params, shown.catalogued
    known = catalogued is not None and bool(catalogued.keys() & params.keys())
    of = (catalogued or {}) if known and not shown.whole else {}
    other = [key for key in sorted(params) if of.get(key) != params[key]]
    some = other if shown.whole else other[:_SETTINGS]
    if some:
        rows = [_setting_row(key, params[key], of, shown) for key in some]
        console.print(fitted(console, rows, spare=(), squeezed="of this run"))
    if len(other) > len(some):
        console.print(f"and {len(other) - len(some)} more settings; `--all` lists them", style="dim")
    if known and not shown.whole:
        same = f"{len(params) - len(other)} settings are those of {literal(shown.experiment)} in the catalog"
        console.print(f"{same}; `--all` lists them.", highlight=False)


def _setting_row(key: str, value: str, of: Mapping[str, str], shown: Shown) -> dict[str, str]:
    cut = len(value) if shown.whole else _VALUE
    row = {
        "setting": literal(key if shown.whole else shortened(key, _KEY)),
        "of this run": literal(shortened(value if shown.whole else typed(value), cut)),
    }
    if of:
        row[f"of {literal(shown.experiment)}"] = literal(shortened(typed(of.get(key, "")), _VALUE))
    return row


def _print_data(console: Console, data: DataRecord, *, whole: bool) -> None:
    """A line where all is well; what was left out and what is odd in any case."""
    if whole:
        print_recorded(console, data)
        return
    rows = ", ".join(
        f"{split.rows:,} {_SPLIT_WORDS.get(split.split, split.split)}" for split in data.summary.used
    )
    console.print(f"data: {literal(rows)} rows from {literal(data.summary.origin)}", highlight=False)
    told = [f"warning: {warning}" for warning in data.summary.warnings]
    told += [f"left out: {notice}" for notice in data.notices]
    for sentence in told[:_NOTICES]:
        _print_line(console, sentence, whole=False)
    if len(told) > _NOTICES:
        console.print(f"and {len(told) - _NOTICES} more warnings; `--all` shows them", style="yellow")


_SPLIT_WORDS: Mapping[str, str] = {"val": "held out", "test": "official"}
