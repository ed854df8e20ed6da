"""The certificate of a reproduction: what was compared, what it showed, and under what circumstances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from experiments.causes import Cause
from experiments.compare import Comparison, Tolerance
from experiments.determinism import NONDETERMINISTIC

if TYPE_CHECKING:
    from tracking.records import RunRecord

SCHEMA = 1
JSON_FILE, MARKDOWN_FILE = "certificate.json", "certificate.md"


def certificate(
    recorded: RunRecord,
    actual: RunRecord,
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
        NONDETERMINISTIC: _operations(recorded, actual),
    }


def _operations(*records: RunRecord) -> list[str]:
    """Operations without a deterministic version that ran in one of them."""
    named = [record.tags.get(f"encore.ran.{NONDETERMINISTIC}", "") for record in records]
    return sorted({name for names in named for name in names.split(", ") if name})


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "name": record.name,
        "recipe_id": record.tags.get("encore.recipe_id"),
        "started_ms": record.start_ms,
    }


def as_markdown(content: dict[str, Any]) -> str:
    """The same for a reader."""
    compared = content["compared"]
    lines = [
        f"# {content['verdict'].capitalize()}",
        "",
        f"Run `{content['actual']['run_id']}` plays `{content['recorded']['run_id']}` "
        f"({content['recorded']['name']}) again.",
        "",
        "| what | result |",
        "| --- | --- |",
        *(
            f"| {name} | {'equal' if equal else '**differs**'} |"
            for name, equal in compared["digests"].items()
        ),
        f"| {compared['values_compared']} values of {compared['steps_compared']} steps | {_steps(compared)} |",
        f"| final metrics | {_metrics(compared['metrics'])} |",
        *(f"| answers, {split} | {_answers(found)} |" for split, found in compared["answers"].items()),
        "",
        "## Circumstances that differ, the likeliest cause first",
        "",
        *([f"- {_cause(cause)}" for cause in content["differences"]] or ["None of those recorded."]),
        *(["", operations_line(content)] if content[NONDETERMINISTIC] else []),
    ]
    return "\n".join(lines) + "\n"


def operations_line(content: dict[str, Any]) -> str:
    """A sentence on the operations that have no deterministic version."""
    names = ", ".join(content[NONDETERMINISTIC])
    return f"Without a deterministic version ran: {names}. Such a run is the same within tolerance only."


def _steps(compared: dict[str, Any]) -> str:
    first = compared["first_difference"]
    if first is None:
        return "equal to the bit"
    return (
        f"**first difference at step {first['step']}**: {first['metric']} {first['recorded']} then, "
        f"{first['actual']} now; largest difference of a loss {compared['largest_loss_difference']:.3g} nats"
    )


def _metrics(different: dict[str, Any]) -> str:
    if not different:
        return "equal to the bit"
    return "; ".join(f"{key} {then} then, {now} now" for key, (then, now) in list(different.items())[:6])


def _answers(found: dict[str, Any]) -> str:
    return (
        f"{100 * found['equal_share']:.2f} % of {found['examples']} equal, largest difference of a figure "
        f"{found['largest']:.3g}"
    )


def _cause(cause: dict[str, Any]) -> str:
    return str(Cause(**cause))
