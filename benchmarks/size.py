"""INT8 file over FP32 file: the 66 M DistilBERT shape with random weights, and the offline encoder."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.results import table, write_section


def measure(real_data: Path) -> None:
    """Writes the section."""
    from transformers import AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification

    small = real_data / "models" / "minilm-distilbert"
    models = {
        ("66 M DistilBERT shape, random weights", 0.2524): DistilBertForSequenceClassification(
            DistilBertConfig()
        ),
        ("offline encoder, dim 384", 0.256): DistilBertForSequenceClassification.from_pretrained(small),
    }
    rows: list[list[object]] = []
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        for number, ((name, wanted), model) in enumerate(models.items()):
            folder = Path(scratch) / str(number)
            model.save_pretrained(folder / "model")
            AutoTokenizer.from_pretrained(small).save_pretrained(folder / "model")
            metrics = _export(folder)
            rows.append(
                [
                    name,
                    f"{metrics['export/fp32/size_mib']:.2f}",
                    f"{metrics['export/int8/size_mib']:.2f}",
                    f"{metrics['export/int8/size_ratio']:.4f}",
                    f"at most {wanted}",
                ]
            )
    headings = ["model", "FP32 MiB", "INT8 MiB", "ratio", "wanted"]
    write_section("Size of the INT8 export", "python -m benchmarks size", table(headings, rows))


def _export(folder: Path) -> dict[str, float]:
    from export.pipeline import ExportOptions, ScoringSet, export_model
    from lightning_modules.families import DISTILBERT

    ids = [[101, *range(2000, 2010), 102]] * 4
    scoring = ScoringSet(input_ids=ids, labels=np.array([0, 1, 0, 1]), pad_token_id=0)
    report = export_model(
        folder / "model",
        folder / "out",
        family=DISTILBERT,
        scoring=scoring,
        options=ExportOptions(),
    )
    return report.metrics
