"""From a trained Hugging Face folder to measured ONNX files: export, quantize, score, time, judge."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import LibraryError
from export.golden import GOLDEN_FILE, write_golden
from export.invariance import measured
from export.latency import latency_tokens, measure_latency
from export.latency_grid import SHAPES, Grid, measure_grid, possible_shapes
from export.materials import Materials
from export.model_folder import check_length, check_scoring_set, private_tokenizer
from export.onnx_protobuf import opset_of
from export.options import FLOAT32_NODES, LIMIT, ExportOptions, ScoringSet
from export.original import MODEL_FILE, Original
from export.peak_memory import peak_memories
from export.report import REPORT_FILE, ExportReport, gates, limit_p_values
from export.scoring import LoadedVariant, torch_logits
from export.session import OnnxModel
from export.tasks import EXPORT_TASKS, ExportTask
from export.variants import ORIGINAL, Variant, chosen
from export.whole_folder import written_whole
from host.boundary import boundary
from host.cpu import instruction_set, read_cpu
from host.disk import disk_errors
from host.files import file_digest
from host.model_folder import CONFIG, TOKENIZER, WEIGHTS
from host.progress import OnProgress, silent

if TYPE_CHECKING:
    from lightning_modules.families import Family
    from lightning_modules.text_model import TextModel

__all__ = ["ExportOptions", "ExportReport", "ScoringSet", "export_model"]

_MIB = 2**20
_SHARE_WRITTEN = 8  # bytes on the disk per byte of weights, at most: a file of every variant
_CURE = "Look at the versions of onnx, onnxruntime and optimum: those of requirements.lock are tested."


def export_model(
    model_dir: Path,
    out_dir: Path,
    *,
    family: Family,
    scoring: ScoringSet,
    options: ExportOptions,
    on_progress: OnProgress = silent,
) -> ExportReport:
    """Write a folder for each variant, report.json and predictions.parquet into `out_dir` and return the report.

    A missed limit is in the report's `failures` and raises nothing. `out_dir` appears, or is replaced, only
    when everything in it is written. Raises UserError for a folder, a scoring set or weights that cannot be
    exported.
    """
    row = EXPORT_TASKS[family.task.name]
    tell = on_progress
    tell("loading the model", 0, 0)
    with boundary("the model cannot be loaded again", where=str(model_dir), cure="Look at the files there."):
        model = family.read(model_dir)
    check_scoring_set(scoring, row, model, model_dir)
    check_length(latency_tokens(scoring, row, options), model, model_dir)
    writing = _SHARE_WRITTEN * sum(weight.nbytes for weight in model.network.parameters()) + _MIB
    # Inside, so that the disk is looked at while what was written is still there.
    with (
        written_whole(out_dir, marker=REPORT_FILE, kind="an export") as folder,
        disk_errors(out_dir.parent, writing=writing),
    ):
        exported, skipped = _written(model, model_dir, folder, row, scoring, options, tell)
        _keep_golden(folder, exported, row, scoring, options)
        variants = [LoadedVariant(ORIGINAL, model_dir / WEIGHTS, torch_logits(model)), *exported]
        report = _measured(variants, model, folder, row, scoring, options, skipped, tell)
        with boundary("the report cannot be written", where=str(out_dir.parent), cure=_CURE):
            report.write(folder)
    return report


def _measured(
    variants: Sequence[LoadedVariant],
    model: TextModel,
    folder: Path,
    task: ExportTask,
    scoring: ScoringSet,
    options: ExportOptions,
    skipped: Mapping[str, str],
    tell: OnProgress,
) -> ExportReport:
    """Scores, sizes, latencies and the verdict on the variants in `folder`."""
    import torch

    exported = [loaded.variant for loaded in variants if loaded.variant.is_exported]
    tokens = latency_tokens(scoring, task, options)
    scores = task.score(
        variants, scoring, outputs=model.outputs, workers=torch.get_num_threads(), on_progress=tell
    )
    tell(f"timing at {options.asked.threads} thread(s), {tokens} tokens", 0, 0)
    latencies, calls = measure_latency(variants, scoring, tokens=tokens, options=options)
    limits = limit_p_values(scores.predictions, exported, task=task, options=options)
    alike: dict[str, float] = {}
    if task.keeps_past:
        folders = {variant.name: folder / variant.name for variant in exported}
        alike = measured(folders, scoring.input_ids, threads=options.asked.threads)
    table = Grid()
    if options.asked.latency_seconds:
        tell(f"timing at {options.asked.threads} thread(s), {len(SHAPES)} shapes", 0, 0)
        table = _table(variants, model, task, scoring, options)
    metrics = _sizes(folder, exported) | scores.metrics | latencies | table.metrics | limits | alike
    params = (
        _conditions(tokens, len(scoring.input_ids), task, options) | _made(folder, exported, task) | calls
    )
    params |= table.params
    params |= {f"export/{name}/skipped": why for name, why in skipped.items()}
    found = gates(metrics, exported, task=task, options=options)
    return ExportReport(metrics, params, scores.predictions, _digests(folder), found)


def _table(
    variants: Sequence[LoadedVariant],
    model: TextModel,
    task: ExportTask,
    scoring: ScoringSet,
    options: ExportOptions,
) -> Grid:
    """Latencies at every shape that the model takes, and what memory the largest of them needs."""
    per_token = 0 if task.longest_timed is None else model.outputs
    shapes, skipped = possible_shapes(positions=model.positions, logits_per_token=per_token)
    table = measure_grid(variants, scoring, shapes, options=options)
    table.params |= skipped
    if shapes:
        exported = [variant for variant in variants if variant.variant.is_exported]
        table.metrics |= peak_memories(exported, max(shapes, key=lambda shape: shape.ids), options=options)
    return table


def _written(
    model: TextModel,
    model_dir: Path,
    folder: Path,
    task: ExportTask,
    scoring: ScoringSet,
    options: ExportOptions,
    tell: OnProgress,
) -> tuple[list[LoadedVariant], dict[str, str]]:
    """A folder for each variant, loaded; why, of those that this machine's runtime cannot load, which are left out."""
    loaded: list[LoadedVariant] = []
    skipped: dict[str, str] = {}
    with private_tokenizer(model_dir) as tokenizer:
        original = Original(model, task.optimum_name, task.keeps_past, model_dir / CONFIG, tokenizer)
        materials = Materials(folder, scoring.calibration_ids, options.asked.float32_nodes)
        for variant in chosen(options.asked.variants, task.task.name):
            tell(f"writing the {variant.label} model", 0, 0)
            what = f"the model cannot be written as {variant.label} ONNX"
            with boundary(what, where=str(folder.parent), cure=_CURE):
                variant.writers[task.task.name].write(original, materials, folder / variant.name)
            try:
                read = OnnxModel(folder / variant.name, threads=options.asked.threads)
            except LibraryError as error:
                if variant.limit == "parity":  # the others are made from it
                    raise
                skipped[variant.name] = error.what
                shutil.rmtree(folder / variant.name)
            else:
                loaded.append(LoadedVariant(variant, read.path, read.logits))
    return loaded, skipped


def _keep_golden(
    folder: Path,
    exported: Sequence[LoadedVariant],
    task: ExportTask,
    scoring: ScoringSet,
    options: ExportOptions,
) -> None:
    """Beside each variant its answers to a few texts, where it has a tokenizer that reads texts."""
    for variant in exported:
        if scoring.golden is not None and (folder / variant.name / TOKENIZER).exists():
            threads = options.asked.threads
            write_golden(folder / variant.name, variant.name, scoring.golden, task.golden, threads=threads)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted([*folder.rglob("*.onnx"), *folder.rglob(GOLDEN_FILE)])
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def _sizes(folder: Path, exported: Sequence[Variant]) -> dict[str, float]:
    """Of each file, and of one that was made from another its share of that."""
    sizes = {variant.name: (folder / variant.name / MODEL_FILE).stat().st_size for variant in exported}
    metrics = {f"export/{name}/size_mib": size / _MIB for name, size in sizes.items()}
    for variant in exported:
        if variant.base in sizes:
            metrics[f"export/{variant.name}/size_ratio"] = sizes[variant.name] / sizes[variant.base]
    return metrics


def _made(folder: Path, exported: Sequence[Variant], task: ExportTask) -> dict[str, str]:
    """How each variant's numbers are made, and the version of ONNX's operators."""
    made = {f"export/{variant.name}/recipe": variant.writers[task.task.name].recipe for variant in exported}
    return made | {
        f"export/{variant.name}/opset": str(opset_of(folder / variant.name / MODEL_FILE))
        for variant in exported
    }


def _conditions(tokens: int, examples: int, task: ExportTask, options: ExportOptions) -> dict[str, str]:
    import onnxruntime
    import torch

    asked = options.asked

    return {
        "export/runtime": f"onnxruntime {onnxruntime.__version__}, CPUExecutionProvider",
        "export/processor": read_cpu().model,
        "export/instruction_set": instruction_set(),
        "export/threads": str(asked.threads),
        "export/torch_scoring_threads": str(torch.get_num_threads()),
        "export/scored_examples": str(examples),
        "export/scored_in": "PyTorch in unpadded batches of equal length, exports one text at a time",
        "export/latency_tokens": str(tokens),
        FLOAT32_NODES: " ".join(asked.float32_nodes),
        LIMIT: str(asked.max_loss_increase if task.task.writes else asked.max_accuracy_drop),
    }
