"""What a finished SST-2 sweep reached, read from its store: nothing is trained here."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import table, write_section
from runs.layout import BEST_RUN_TAG, STAGE_TAG, ran_tag
from tracking.entities import KILLED_BECAUSE_TAG


def measure(root: Path, sweep_id: str) -> None:
    """Writes the section for the sweep whose parent run is `sweep_id`."""
    from tracking.store import Store

    store = Store.open(root)
    parent = store.find(sweep_id)
    runs = sorted(store.runs(parent_id=parent.run_id), key=lambda run: run.start_ms)
    best = store.find(parent.tags[BEST_RUN_TAG])
    runs_table = table(
        [
            "run",
            "stage",
            "status",
            "learning rate",
            "warm-up",
            "smoothing",
            "steps",
            "minutes",
            "held-out rows",
            "held-out",
            "official",
            "INT8",
        ],
        [_line(run) for run in runs],
    )
    write_section(
        "The SST-2 sweep",
        "encore sweep sst2_distilbert data.path=… model.pretrained=…; python -m benchmarks sweep ID",
        "Offline encoder (22.6 M parameters, dim 384); results are this encoder's.\n\n"
        + table(["what", "measured", "wanted"], _findings(parent, best, runs)) + "\n\n" + runs_table,
    )  # fmt: skip


def _findings(parent, best, runs) -> list[list[object]]:
    """What was found, measured and wanted, a row each."""
    finished = [run for run in runs if run.status == "FINISHED"]
    began = parent.start_ms
    counted = [run for run in runs if run.tags[STAGE_TAG] == "search" or run == best]
    minutes = sum(_seconds(run) for run in counted) / 60
    above = [run.end_ms for run in finished if run.metrics["best/val/accuracy"] > 0.85 and run.end_ms]
    metrics = best.metrics
    low, high = 100 * metrics["test/accuracy_low"], 100 * metrics["test/accuracy_high"]
    drops = [run.metrics["export/int8/accuracy"] - run.metrics["export/fp32/accuracy"] for run in finished]
    return [
        ["accuracy of the selected run, official validation split",
         f"{100 * metrics['test/accuracy']:.2f} % (95 % interval {low:.1f} to {high:.1f})", "at least 90 %"],
        ["its held-out accuracy", f"{100 * metrics['best/val/accuracy']:.2f} % of "
         f"{best.params['data.selection_examples']} rows", ""],
        ["time of the search and of the selected finale, data to export", f"{minutes:.1f} minutes",
         "at most 75 minutes"],
        ["until a first finished trial is above 85 % on the held-out slice",
         f"{(min(above) - began) / 60_000:.1f} minutes" if above else "never", "at most 6 minutes"],
        ["INT8 accuracy minus FP32 accuracy, selected run",
         f"{100 * (metrics['export/int8/accuracy'] - metrics['export/fp32/accuracy']):+.2f} points",
         "at least −0.5 points"],
        ["the same, worst of all finished runs", f"{100 * min(drops):+.2f} points", ""],
        ["INT8 latency at batch 1 against FP32 ONNX, p50",
         f"{metrics['export/int8/latency_b1_p50_ms']:.2f} against "
         f"{metrics['export/fp32/latency_b1_p50_ms']:.2f} ms", ""],
    ]  # fmt: skip


def _seconds(run) -> float:
    """From reading the data to the last export."""
    return sum(value for key, value in run.metrics.items() if key.startswith("time/"))


def _line(run) -> list[object]:
    def share(key: str) -> str:
        return f"{100 * run.metrics[key]:.2f} %" if key in run.metrics else ""

    return [
        run.run_id[:8],
        run.tags[STAGE_TAG],
        run.tags.get(KILLED_BECAUSE_TAG, run.status.lower()),
        f"{float(run.params['optim.learning_rate']):.2e}",
        f"{float(run.params['optim.warmup_ratio']):.3f}",
        run.params["model.label_smoothing"],
        run.tags[ran_tag("total_steps")],
        f"{_seconds(run) / 60:.1f}",
        run.params["data.selection_examples"],
        share("best/val/accuracy"),
        share("test/accuracy"),
        share("export/int8/accuracy"),
    ]
