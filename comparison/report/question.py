"""The question: what was varied, what was held, and what else differs between the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from comparison.report.values import as_count, listed, setting, spread
from errors import UserError
from pages.sections import Fact, Section
from pages.tables import Column, table
from pages.texts import SHORT, label
from runs.differences import find_causes
from runs.environment import recorded_environment
from runs.layout import SWEEP_FILE, ran_tag

if TYPE_CHECKING:
    from comparison.report.subject import Subject
    from runs.environment import RunEnvironment

_MOST_NAMED = 6
_DIGEST = 64  # hex digits of a sha256


def question(subject: Subject) -> Section:
    """What was asked of the runs."""
    return Section(
        "question",
        "The question",
        paragraphs=(_varied(subject), _held(subject)),
        facts=tuple(_facts(subject)),
    )


def _varied(subject: Subject) -> str:
    space = space_of(subject)
    said = [
        f"{key} ({_range(space[key]) if key in space else _values(subject, key)})" for key in subject.varied
    ]
    count = len(subject.runs)
    if not said:
        return "One run, by itself." if count == 1 else f"{count} runs of the same settings."
    more = f" and {len(said) - _MOST_NAMED} more settings" if len(said) > _MOST_NAMED else ""
    return f"{count} runs, which differ in {'; '.join(said[:_MOST_NAMED])}{more}."


def _values(subject: Subject, key: str) -> str:
    return listed([run.params[key] for run in subject.runs if key in run.params])


def _held(subject: Subject) -> str:
    metric = f"{subject.task.metric.replace('_', ' ')} of a slice held out of the training rows"
    selected = f"Runs are selected by the {metric}; the official split is scored once, after the training, and selects"
    all_else = f"All else was held: {len(subject.held)} settings are the same in every run. "
    return f"{all_else if len(subject.runs) > 1 else ''}{selected} nothing."


def _facts(subject: Subject) -> Iterator[Fact]:
    run = subject.winner or subject.runs[0]
    yield Fact("Experiment", run.params.get("name", run.experiment), run.params.get("description", ""))
    rows = run.tags.get(ran_tag("train_examples"), "")
    origin = run.tags.get(ran_tag("data_origin"), "")
    to_train_on = f"{as_count(rows)} rows to train on" if rows else ""
    yield Fact("Data", run.params.get("data.kind", ""), ", ".join(filter(None, [origin, to_train_on])))
    pretrained = run.params.get("model.pretrained", "None")
    yield Fact(
        "Model",
        run.params.get("model.kind", ""),
        "from random weights" if pretrained == "None" else pretrained,
    )
    device, threads = (run.tags.get(ran_tag(name), "") for name in ("device_name", "threads"))
    yield Fact("Ran on", device, f"{threads} thread{'' if threads == '1' else 's'}")


def held_settings(subject: Subject) -> Section | None:
    """The settings that were not varied; what one wants to know last."""
    if not subject.held:
        return None
    rows = [(key, label(value)) for key, value in sorted(subject.held.items())]
    single = len(subject.runs) == 1
    caption = f"The {len(rows)} settings" + ("" if single else " that are the same in every run")
    return Section(
        "held",
        "The settings" if single else "What was held",
        folded=(table("settings", caption, ["setting", "value"], rows),),
    )


_CONDITIONS = ("data", "config", "code", "threads", "flag", "library", "lock", "python", "hardware", "system")
"""The kinds of `find_causes`."""


def differences(subject: Subject) -> Section | None:
    """Only what differs between the runs: settings, data, code and what they ran on. Nothing for a single run."""
    if len(subject.runs) < 2:
        return None
    rows, unread = _differing(subject)
    columns = [Column("kind"), Column("what"), Column("values", "prose", "in brackets: how many runs")]
    same = [kind for kind in _CONDITIONS if kind not in {row[0] for row in rows}]
    notes = [f"The same in all runs: {', '.join(same)}."] if same else []
    if unread:
        notes.append(f"Without a record that can be read: {', '.join(unread)}.")
    caption = "Settings and conditions in which at least two runs differ"
    tables = (table("differing", caption, columns, rows),) if rows else ()
    return Section("differences", "What differs", paragraphs=tuple(notes), tables=tables)


def _differing(subject: Subject) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(kind, what, values) of each difference from the first run, by kind; and whose record is gone."""
    environments: list[RunEnvironment] = []
    unread: list[str] = []
    for run in subject.runs:
        try:
            environments.append(recorded_environment(subject.files(run)))
        except UserError:
            unread.append(subject.name_of(run))  # one that died at once, or that was altered
    found: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], str] = {}
    for environment in environments:
        for cause in find_causes(environments[0], environment):
            place = (cause.kind, cause.name)
            first[place] = _short(cause.recorded or "none")
            found.setdefault(place, []).append(_short(cause.actual or "none"))
    rows = [
        (kind, name, spread([*others, *[first[kind, name]] * (len(environments) - len(others))]))
        for (kind, name), others in found.items()
    ]
    return sorted(rows, key=lambda row: _CONDITIONS.index(row[0]) if row[0] in _CONDITIONS else 99), unread


def _short(value: str) -> str:
    return value[:SHORT] if len(value) == _DIGEST and " " not in value else value


def space_of(subject: Subject) -> Mapping[str, Any]:
    """The space of the sweep, as it was recorded; nothing where there is none that can be read."""
    if subject.parent is None:
        return {}
    files = subject.files(subject.parent)
    if not files.has(SWEEP_FILE):
        return {}
    space = files.read(dict[str, Any], SWEEP_FILE).get("space", {})
    return {key: value for key, value in space.items() if isinstance(value, dict)}


def _range(dimension: Mapping[str, Any]) -> str:
    if "options" in dimension:
        return ", ".join(setting(str(option)) for option in dimension["options"])
    scale = ", logarithmic" if dimension.get("log") else ""
    return f"{setting(str(dimension.get('low')))} to {setting(str(dimension.get('high')))}{scale}"
