"""The certificate of a reproduction: what was compared, what it showed, when, on what and with which code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from experiments.reproduction.verdict import Comparison, Tolerance
from runs.differences import Cause, libraries_of, machine_of, named_commit
from runs.layout import NONDETERMINISTIC, RECIPE_TAG, ran_tag
from tracking.notes import plain

if TYPE_CHECKING:
    from runs.environment import RunEnvironment
    from tracking.entities import RunRecord

SCHEMA = 1
JSON_FILE, MARKDOWN_FILE = "certificate.json", "certificate.md"
_OWN = ("run", "started")  # in which two runs always differ


@dataclass(frozen=True)
class Played:
    """A run that was played: its record, under what it ran, and the digests that were compared, by name."""

    record: RunRecord
    environment: RunEnvironment
    digests: Mapping[str, str]


def certificate(
    recorded: Played,
    actual: Played,
    comparison: Comparison,
    causes: Sequence[Cause],
    tolerance: Tolerance,
) -> dict[str, Any]:
    """As docs/reproducing.md describes it."""
    return {
        "schema": SCHEMA,
        "verdict": comparison.verdict,
        "recorded": _run(recorded),
        "actual": _run(actual),
        "tolerance": asdict(tolerance),
        "compared": asdict(comparison),
        "differences": [asdict(cause) for cause in causes],
        NONDETERMINISTIC: _operations(recorded.record, actual.record),
    }


def _operations(*records: RunRecord) -> list[str]:
    """Operations without a deterministic version that ran in one of them."""
    named = [record.tags.get(ran_tag(NONDETERMINISTIC), "") for record in records]
    return sorted({name for names in named for name in names.split(", ") if name})


def _run(played: Played) -> dict[str, Any]:
    record, environment = played.record, played.environment
    provenance, machine = environment.provenance, machine_of(environment)
    return {
        "run_id": record.run_id,
        "name": record.name,
        "recipe_id": record.tags.get(RECIPE_TAG),
        "started_ms": record.start_ms,
        "started": datetime.fromtimestamp(record.start_ms / 1000, UTC).isoformat(timespec="seconds"),
        "machine": {name: machine.get(name) for name in ("processor", "GPUs", "device")},
        "system": provenance["platform"],
        "commit": provenance["code"]["commit"],
        "code": named_commit(provenance["code"]),
        "versions": {"python": provenance["python"], **libraries_of(environment)},
        "digests": dict(sorted(played.digests.items())),
    }


def as_markdown(content: dict[str, Any]) -> str:
    """The same for a reader; no text of a record is read as Markdown or HTML."""
    recorded, actual = content["recorded"], content["actual"]
    results = comparison_rows(content["compared"], ("then", "now"))
    parts = [
        f"# {content['verdict'].capitalize()}",
        f"Run {plain(actual['run_id'])} plays {plain(recorded['run_id'])} ({plain(recorded['name'])}) again.",
        _table(("", "then", "now"), _circumstances(recorded, actual)),
        "## What was compared",
        _table(
            ("what", "result"),
            [
                (plain(what), plain(result) if same else f"**{plain(result)}**")
                for what, result, same in results
            ],
        ),
        "## What differs in the environment, the likeliest cause first",
        "\n".join(f"- {plain(_cause(cause))}" for cause in content["differences"])
        or "None of those recorded.",
        *([plain(operations_line(content))] if content[NONDETERMINISTIC] else []),
        "## Digests of what was compared",
        _table(("sha256 of", "then", "now"), _pairs(recorded["digests"], actual["digests"])),
    ]
    return "\n\n".join(parts) + "\n"


def _circumstances(recorded: Mapping[str, Any], actual: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """When, on what and with which code each of the two ran."""
    then, now = (
        {
            "run": run["run_id"],
            "started": run["started"],
            **run["machine"],
            "system": run["system"],
            "commit": run["code"],
            **run["versions"],
        }
        for run in (recorded, actual)
    )
    return _pairs(then, now)


def _pairs(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each name that one of them has; what differs stands out."""
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys([*then, *now]):
        one, other = (plain(str(found.get(name) or "none")) for found in (then, now))
        rows.append((plain(name), one, other if one == other or name in _OWN else f"**{other}**"))
    return rows


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def operations_line(content: dict[str, Any]) -> str:
    """A sentence on the operations that have no deterministic version."""
    names = ", ".join(content[NONDETERMINISTIC])
    return f"Without a deterministic version ran: {names}. Such a run is the same within tolerance only."


def comparison_rows(compared: Mapping[str, Any], names: tuple[str, str]) -> list[tuple[str, str, bool]]:
    """Of a comparison as plain values: what was compared, what it showed, and whether it is equal."""
    rows = [
        (name, "equal" if equal else "differs", bool(equal)) for name, equal in compared["digests"].items()
    ]
    steps = f"{compared['values_compared']} values of {compared['steps_compared']} steps"
    rows.append((steps, _steps(compared, names), compared["first_difference"] is None))
    for key, (then, now) in compared["metrics"].items():
        rows.append((key, _pair(then, now, names), False))
    if not compared["metrics"]:
        rows.append(("final metrics", "equal to the bit", True))
    for split, answers in compared["answers"].items():
        rows.append((f"answers, {split}", _answers(answers), False))
    return rows


def _answers(answers: Mapping[str, Any]) -> str:
    if answers["largest"] is None:
        return "of other rows or of another task, so they are not compared"
    share = f"{100 * answers['equal_share']:.2f} % of {answers['examples']} equal"
    return f"{share}, largest difference {answers['largest']:.3g}"


def _pair(then: float | None, now: float | None, names: tuple[str, str]) -> str:
    """Both values, with as many digits as it takes to tell them apart."""
    short = [_figure(value, 9) for value in (then, now)]
    shown = short if short[0] != short[1] else [_figure(value, 17) for value in (then, now)]
    return f"{shown[0]} {names[0]}, {shown[1]} {names[1]}"


def _figure(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:.{digits}g}"


def _steps(compared: Mapping[str, Any], names: tuple[str, str]) -> str:
    first = compared["first_difference"]
    if first is None:
        return "equal to the bit"
    return (
        f"step {first['step']} is the first that differs: {first['metric']} "
        f"{_pair(first['recorded'], first['actual'], names)}; largest difference of a loss "
        f"{compared['largest_loss_difference']:.3g} nats"
    )


def _cause(cause: dict[str, Any]) -> str:
    return str(Cause(**cause))
