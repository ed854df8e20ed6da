"""From a trained Hugging Face folder to measured ONNX files: export, quantize, score, time, judge."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from export.classification import score_classifier
from export.language import score_language_model
from export.latency import latency_tokens, measure_latency
from export.model_folder import check_length, check_scoring_set, load_checkpoint, private_tokenizer
from export.onnx_files import MODEL_FILE, RECIPE, write_fp32, write_int8
from export.options import ExportOptions, ScoringSet, Task
from export.report import REPORT_FILE, ExportReport, gate
from export.scoring import OnProgress, Scores, Variant, torch_logits
from export.session import OnnxModel
from host.boundary import boundary
from host.cpu import instruction_set
from host.disk import disk_errors
from host.files import file_digest
from host.model_folder import WEIGHTS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ExportOptions", "ExportReport", "ScoringSet", "Task", "export_model"]

_MIB = 2**20
_SHARE_WRITTEN = (
    8  # bytes on the disk per byte of weights, at most: two files and the quantizer's temporary ones
)
_CURE = "Look at the versions of onnx, onnxruntime and optimum: those of requirements.lock are tested."
_FP32_ROWS_PER_CALL = 8  # short enough to share a batch of 32 between threads


def export_model(
    model_dir: Path,
    out_dir: Path,
    *,
    task: Task,
    scoring: ScoringSet,
    options: ExportOptions,
    on_progress: OnProgress | None = None,
) -> ExportReport:
    """Write fp32/, int8/, report.json and predictions.parquet into `out_dir` and return the report.

    A missed limit is in the report's `failures` and raises nothing. `out_dir` appears, or is replaced, only
    when everything in it is written. Raises UserError for a folder, a scoring set or weights that cannot be
    exported.
    """
    tell = on_progress if on_progress is not None else _tell_nobody
    tell("loading the model", 0, 0)
    with boundary("the model cannot be loaded again", where=str(model_dir), cure="Look at the files there."):
        model = load_checkpoint(model_dir, task)
    check_scoring_set(scoring, task, model, model_dir)
    tokens = latency_tokens(scoring, task, options)
    check_length(tokens, model, model_dir)
    writing = _SHARE_WRITTEN * sum(weight.nbytes for weight in model.parameters()) + _MIB
    # Inside, so that the disk is looked at while what was written is still there.
    with _written_whole(out_dir) as folder, disk_errors(out_dir.parent, writing=writing):
        opset = _write_variants(model, model_dir, folder, task, tell)
        variants = _variants(model, model_dir, folder, options)
        scores = _score(variants, scoring, task, model, tell)
        tell(f"timing at {options.threads} thread(s), {tokens} tokens", 0, 0)
        latencies, calls = measure_latency(variants, scoring, tokens=tokens, options=options)
        metrics = _sizes(folder) | scores.metrics | latencies
        params = _conditions(opset, tokens, len(scoring.input_ids), options) | calls
        failures = gate(metrics, task=task, options=options)
        report = ExportReport(metrics, params, scores.predictions, _digests(folder), failures)
        with boundary("the report cannot be written", where=str(out_dir.parent), cure=_CURE):
            report.write(folder)
    return report


def _write_variants(
    model: PreTrainedModel, model_dir: Path, folder: Path, task: Task, tell: OnProgress
) -> int:
    """Write fp32/ and int8/ into `folder`; the ONNX opset."""
    where = str(folder.parent)
    tell("writing the FP32 model", 0, 0)
    with (
        boundary("the model cannot be written as ONNX", where=where, cure=_CURE),
        private_tokenizer(model_dir) as tokenizer,
    ):
        opset = write_fp32(model, folder / "fp32", task, tokenizer=tokenizer)
    tell("writing the INT8 model", 0, 0)
    with boundary("the ONNX model cannot be quantized", where=where, cure=_CURE):
        write_int8(folder / "fp32", folder / "int8")
    return opset


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(folder.rglob("*.onnx"))}


def _tell_nobody(_what: str, _done: int, _total: int) -> None:
    return


@contextlib.contextmanager
def _written_whole(out_dir: Path) -> Generator[Path]:
    """A folder to write into that takes the place of `out_dir` at the end, and is removed on an error."""
    if out_dir.exists() and not (out_dir / REPORT_FILE).is_file() and any(out_dir.iterdir()):
        raise UserError(
            "the folder holds something that is not an export",
            where=str(out_dir),
            cure="Name a new or an empty folder.",
        )
    partial = out_dir.with_name(out_dir.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if out_dir.exists():
            shutil.rmtree(out_dir)
        partial.rename(out_dir)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _variants(
    model: PreTrainedModel, model_dir: Path, folder: Path, options: ExportOptions
) -> tuple[Variant, Variant, Variant]:
    fp32 = OnnxModel(folder / "fp32", threads=options.threads)
    int8 = OnnxModel(folder / "int8", threads=options.threads)
    return (
        Variant("torch", model_dir / WEIGHTS, torch_logits(model)),
        Variant("fp32", fp32.path, fp32.logits, rows_per_call=_FP32_ROWS_PER_CALL),
        Variant("int8", int8.path, int8.logits, rows_per_call=1),
    )


def _score(
    variants: Sequence[Variant],
    scoring: ScoringSet,
    task: Task,
    model: PreTrainedModel,
    tell: OnProgress,
) -> Scores:
    import torch

    workers = torch.get_num_threads()
    if task == "sequence-classification":
        classes = int(model.config.num_labels)
        return score_classifier(variants, scoring, classes=classes, workers=workers, on_progress=tell)
    vocabulary = int(model.config.vocab_size)
    return score_language_model(variants, scoring, vocabulary=vocabulary, workers=workers, on_progress=tell)


def _sizes(folder: Path) -> dict[str, float]:
    fp32, int8 = ((folder / name / MODEL_FILE).stat().st_size for name in ("fp32", "int8"))
    return {
        "export/fp32/size_mib": fp32 / _MIB,
        "export/int8/size_mib": int8 / _MIB,
        "export/int8/size_ratio": int8 / fp32,
    }


def _conditions(opset: int, tokens: int, examples: int, options: ExportOptions) -> dict[str, str]:
    import onnxruntime
    import torch

    return {
        "export/quantization": RECIPE,
        "export/opset": str(opset),
        "export/runtime": f"onnxruntime {onnxruntime.__version__}, CPUExecutionProvider",
        "export/instruction_set": instruction_set(),
        "export/threads": str(options.threads),
        "export/torch_scoring_threads": str(torch.get_num_threads()),
        "export/scored_examples": str(examples),
        "export/scored_in": "unpadded batches of equal length; INT8 one text at a time",
        "export/latency_tokens": str(tokens),
    }
