"""What a run came to, in a line or two, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.figures import exported, number, score
from cli.tables import SHORT
from export.variants import DEPLOYED
from host.markup import literal
from host.text import root_option, shortened
from runs.data_record import no_better_told
from runs.layout import (
    CHECKPOINTS,
    EXPORT_GATE,
    GATE_TAG,
    NOT_EXPORTED,
    PASSED,
    UNTRAINED,
    RunKind,
    is_exported,
    kind_of,
    ran_tag,
)
from runs.states import PRUNED, state_of
from schema.numbers import counted
from scoring.tasks import task_of_metrics

if TYPE_CHECKING:
    from runs.data_record import DataRecord
    from runs.files import RunFiles
    from tracking.entities import RunRecord

_CELL = 300
_STEPS = "train/loss"


def print_headline(
    console: Console, run: RunFiles, data: DataRecord | None, artifacts: Sequence[str], root: Path
) -> None:
    """artifacts: the names at the top of the run's files."""
    record = run.record
    for line in (_scores(record), _baseline(record, data), _gate(record), *_ending(run, artifacts, root)):
        if line:
            console.print(line, highlight=False)
    commands = _next(record, root)
    if commands:
        print_commands(console, commands)


def print_commands(console: Console, commands: Mapping[str, str]) -> None:
    """What to type next, ready to be pasted, and what for."""
    console.print("Next:")
    for command, why in commands.items():
        console.print(
            f"  [bold]{literal(command)}[/]  [dim]# {literal(why)}[/]", highlight=False, soft_wrap=True
        )


def _scores(record: RunRecord) -> str:
    task = task_of_metrics(record.metrics, "test")
    if task is None:
        return ""
    told, remark = task.told(record.metrics, "test")
    held_out = score(record.metrics, "best/val")
    pruned = " of a run that was pruned" if state_of(record) == PRUNED else ""
    chosen = f"; held-out {held_out}" if held_out else ""
    return f"Official split{pruned}: [bold]{literal(told)}[/] {literal(remark)}{chosen}"


def _baseline(record: RunRecord, data: DataRecord | None) -> str:
    """That a classifier is not shown to be better than the commonest label; nothing of one that is."""
    counts = {} if data is None else data.label_counts("test")
    low = record.metrics.get("test/accuracy_low")
    rows = sum(counts.values())
    if rows <= 0 or low is None:
        return ""
    name, most = max(counts.items(), key=itemgetter(1))
    share = most / rows
    return "" if low > share else f"[yellow]It is {literal(no_better_told(shortened(name, _CELL), share))}[/]"


def _gate(record: RunRecord) -> str:
    """The deployed variant, whether it passed, and what it costs and saves."""
    gate = record.tags.get(EXPORT_GATE)
    if gate is None:
        return ""
    metrics = record.metrics
    size, speed = (
        metrics.get(f"export/{DEPLOYED.name}/{name}") for name in ("size_mib", "latency_b1_p50_ms")
    )
    figures = [exported(metrics), *([f"{number(size)} MiB"] if size is not None else [])]
    figures += [f"{number(speed)} ms a text"] if speed is not None else []
    passed = literal(record.tags.get(GATE_TAG, PASSED))
    word = f"[green]{passed}[/]" if gate == PASSED else f"[red]{literal(shortened(gate, _CELL))}[/]"
    told = "" if gate.startswith(NOT_EXPORTED) else f" ({', '.join(figure for figure in figures if figure)})"
    return f"{DEPLOYED.label} against FP32: {word}{told}"


def _ending(run: RunFiles, artifacts: Sequence[str], root: Path) -> list[str]:
    """Of a run that did not finish: where it stopped, and how it goes on."""
    record, state = run.record, state_of(run.record)
    if record.status == "FINISHED" or state == PRUNED or kind_of(record) in UNTRAINED:
        return []
    steps = (
        [step for step, _ in run.store.metric_history(record.run_id, _STEPS)]
        if _STEPS in record.metrics
        else []
    )
    total = record.tags.get(ran_tag("total_steps"))
    where = f"step {max(steps):,}" if steps else "no step yet"
    of = f" of {planned:,}" if (planned := counted(total or "")) is not None else ""
    if record.status == "RUNNING":
        return [f"It is going on: {where}{of}."]
    stopped = f"[yellow]{literal(state).capitalize()}[/]: it stopped at {where}{of}."
    if f"{CHECKPOINTS}/" not in artifacts and CHECKPOINTS not in artifacts:
        return [f"{stopped} It has no checkpoint to go on from."]
    again = f"encore resume {record.run_id[:SHORT]}{root_option(root)}"
    return [f"{stopped} `{literal(again)}` goes on from its last checkpoint."]


def _next(record: RunRecord, root: Path) -> dict[str, str]:
    short, option = record.run_id[:SHORT], root_option(root)
    kind = kind_of(record)
    if kind == RunKind.STORIES:
        return {f"encore story {short}#0{option}": "write its first story again"}
    if record.status != "FINISHED" or kind in (None, RunKind.STUDY):  # a study's findings end with theirs
        return {}
    commands = {f"encore reproduce {short}{option}": "train it again and see whether it is the same"}
    if not is_exported(record):
        return {f"encore export {short}{option}": "write and measure its ONNX and INT8 files", **commands}
    return {f"encore verify {short}{option}": "recompute its digests and scores", **commands}
