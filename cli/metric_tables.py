"""A run's scores in a terminal: a row for each split, and one for each variant of its export."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from cli.figures import figure, heading, number
from cli.tables import fitted
from export.latency_grid import SHAPES
from export.variants import VARIANTS
from host.markup import literal
from scoring.tasks import TASKS, task_of_export

_SPLITS = {"held-out": "best/val/", "official": "test/"}
_OF_STORIES = ("stories/", "real/")
_LISTED = ("best/", "test/", "export/", *_OF_STORIES)
_BOUNDS = ("_low", "_high")
_CHANGED = "changed from PyTorch"
VARIANT_SPARE = ["b32 p50 ms", "p95 ms", "alone = batched", _CHANGED]
"""Columns of `variant_rows` that go where there is no room."""
LATENCIES = "Median latency in ms, by rows x tokens of a call"


def print_metrics(console: Console, metrics: Mapping[str, float], *, whole: bool = False) -> None:
    """Nothing where there are none. whole: then every figure, with all its digits."""
    exports = (variant_rows(metrics), VARIANT_SPARE)
    for rows, spare in (_splits(metrics), exports, _stories(metrics)):
        if rows:
            console.print(fitted(console, rows, spare=spare))
    if latencies := latency_rows(metrics):
        console.print(fitted(console, latencies, spare=["peak MiB", "32x16 /s"], title=LATENCIES))
    if whole:
        for key in sorted(metrics):
            if key.startswith(_LISTED):
                console.print(f"  {literal(key)} {metrics[key]!r}", highlight=False, soft_wrap=True)


def _splits(metrics: Mapping[str, float]) -> tuple[list[dict[str, str]], list[str]]:
    """The metric that selects first, then its interval, then the others by name."""
    found = {
        split: {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
        for split, prefix in _SPLITS.items()
    }
    names = sorted({name for scores in found.values() for name in scores if not name.endswith(_BOUNDS)})
    first = [task.metric for task in TASKS if task.metric in names]
    order = [*first, *(name for name in names if name not in first)]
    rows = [
        {
            "split": split,
            **{heading(name): figure(name, scores[name]) if name in scores else "" for name in order[:1]},
            "95 % interval": _interval(scores, first),
            **{heading(name): figure(name, scores[name]) if name in scores else "" for name in order[1:]},
        }
        for split, scores in found.items()
        if scores
    ]
    return rows, [heading(name) for name in reversed(order[1:])]


def _interval(scores: Mapping[str, float], metrics: list[str]) -> str:
    for metric in metrics:
        low, high = scores.get(f"{metric}_low"), scores.get(f"{metric}_high")
        if low is not None and high is not None:
            return f"{figure(metric, low).removesuffix(' %')} to {figure(metric, high)}"
    return ""


def variant_rows(
    metrics: Mapping[str, float], gates: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """A row for each variant that was measured. gates: what the gate says, as markup, by the variant's name."""
    rows: list[dict[str, str]] = []
    for variant in VARIANTS:
        prefix = f"export/{variant.name}/"
        of = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
        if of:
            gate = {} if gates is None else {"gate": gates.get(variant.name, "")}
            rows.append({"variant": variant.label, **_variant(of, metrics), **gate})
    return rows


def _variant(of: Mapping[str, float], metrics: Mapping[str, float]) -> dict[str, str]:
    """of: the variant's figures by name; metrics: of the run, which tell its task."""
    task = next((found for v in VARIANTS if (found := task_of_export(metrics, v.name)) is not None), None)
    names = [] if task is None else dict.fromkeys([task.metric, "loss", task.export_figure])
    present = [name for name in names if any(f"export/{v.name}/{name}" in metrics for v in VARIANTS)]
    shown = {heading(name): figure(name, of[name]) if name in of else "" for name in present}
    changed = of.get("changed_answers")
    return {
        **shown,
        _CHANGED: "" if changed is None else figure("changed_answers", changed),
        "alone = batched": _invariant(of.get("batch_invariant")),
        "MiB": number(of.get("size_mib")),
        "p50 ms": number(of.get("latency_b1_p50_ms")),
        "p95 ms": number(of.get("latency_b1_p95_ms")),
        "b32 p50 ms": number(of.get("latency_b32_p50_ms")),
    }


def latency_rows(metrics: Mapping[str, float]) -> list[dict[str, str]]:
    """A row for each form that was timed at several shapes, PyTorch at both its precisions; nothing where none was."""
    named = [
        (f"export/{variant.name}", name, label)
        for variant in VARIANTS
        for name, label in (("latency", variant.label), ("latency_medium", f"{variant.label}, medium"))
    ]
    found = [
        (prefix, f"{prefix}/{name}", label)
        for prefix, name, label in named
        if any(f"{prefix}/{name}_{shape.key}_p50_ms" in metrics for shape in SHAPES)
    ]
    return [
        {
            "variant": label,
            **{
                f"{shape.batch}x{shape.tokens}": number(metrics.get(f"{of}_{shape.key}_p50_ms"))
                for shape in SHAPES
            },
            "32x16 /s": number(metrics.get(f"{of}_b32_t16_examples_per_s"), 0),
            "peak MiB": number(metrics.get(f"{prefix}/peak_memory_mib"), 0) if of.endswith("latency") else "",
        }
        for prefix, of, label in found
    ]


def _invariant(value: float | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _stories(metrics: Mapping[str, float]) -> tuple[list[dict[str, str]], list[str]]:
    """A row for the stories that were written, and one for the real ones that they are held against."""
    names = sorted({key.split("/", 1)[1] for key in metrics if key.startswith(_OF_STORIES)})
    rows = [
        {
            "stories": label,
            **{
                heading(name): figure(name, metrics[f"{prefix}{name}"])
                if f"{prefix}{name}" in metrics
                else ""
                for name in names
            },
        }
        for label, prefix in (("written", "stories/"), ("real", "real/"))
        if any(key.startswith(prefix) for key in metrics)
    ]
    return rows, [heading(name) for name in reversed(names)]
