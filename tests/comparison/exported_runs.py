"""Runs with exports whose figures their maker decides: reports, answers and files, without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from export.report import REPORT_FILE
from runs.layout import (
    CONFIG_FILE,
    EXPORT_FOLDER,
    EXPORT_GATE,
    EXPORT_PREDICTIONS,
    MODEL_FOLDER,
    PASSED,
)
from tests.comparison.made_runs import Made, Rows, classes, make, reviews, spoilt
from tracking.store import Store

ROWS = reviews(200)
HERE = {
    "export/processor": "a processor",
    "export/instruction_set": "avx2",
    "export/threads": "1",
    "export/latency_tokens": "12",
    "export/runtime": "onnxruntime 1",
    "export/scored_examples": "200",
}
FORMS = {
    "torch": {"wrong": 20, "latency_b1_p50_ms": 9.0},
    "fp32": {"wrong": 20, "latency_b1_p50_ms": 4.0, "size_mib": 80.0},
    "int8": {"wrong": 21, "latency_b1_p50_ms": 1.0, "size_mib": 20.0},
    "int8-rows": {"wrong": 21, "latency_b1_p50_ms": 1.5, "size_mib": 20.0},
    "int4": {"wrong": 24, "latency_b1_p50_ms": 2.0, "size_mib": 12.0},
}
"""By default INT8 and INT4 are on the front, and FP32 as the most accurate."""


def exported_run(
    store: Store,
    forms: Mapping[str, Mapping[str, float]] | None = None,
    *,
    params: Mapping[str, str] | None = None,
    rows: Rows = ROWS,
    made: Made | None = None,
) -> str:
    """The ID of a run each of whose forms answers the first `wrong` of its rows wrong; made: what else it is."""
    found = FORMS if forms is None else forms
    right = {
        name: spoilt(np.ones(len(rows.texts), bool), lost=int(of["wrong"]), won=0)
        for name, of in found.items()
    }
    run_id = make(store, rows, made or Made(right["torch"], held_out_right=[True, False]))
    log = store.attach(run_id)
    log.log_json({"data": {"max_tokens": 48}}, CONFIG_FILE)
    with log.folder(MODEL_FOLDER) as folder:
        for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_text(f"{name} of {run_id}")
    metrics: dict[str, float] = {}
    table: dict[str, Any] = {"index": np.arange(len(rows.texts))}
    for name, of in found.items():
        figures = {key: value for key, value in of.items() if key != "wrong"}
        figures |= {
            "accuracy": float(right[name].mean()),
            "changed_answers": int((right[name] != right["torch"]).sum()),
        }
        metrics |= {f"export/{name}/{key}": value for key, value in figures.items()}
        own = classes(rows, right[name], 2.0)
        table |= {"label": own["label"], f"{name}_prediction": own["prediction"]}
        table |= {f"{name}_{key}": own[key] for key in ("logit_0", "logit_1")}
    with log.folder(EXPORT_FOLDER) as folder:
        pq.write_table(pa.table(table), folder / EXPORT_PREDICTIONS.removeprefix(f"{EXPORT_FOLDER}/"))
        report = {"metrics": metrics, "params": {**HERE, **(params or {})}, "digests": {}, "failures": []}
        (folder / REPORT_FILE).write_text(json.dumps(report))
        for name in set(found) - {"torch"}:
            (folder / name).mkdir()
            for file in ("model.onnx", "config.json", "tokenizer.json", "golden.json"):
                (folder / name / file).write_text(f"{file} of {name} of {run_id}")
    log.set_tags({EXPORT_GATE: PASSED})
    log.log_summary(metrics)
    log.close()
    return run_id
