"""The model of a finished run as MLflow loads it: the exported variant that people serve, else the trained weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import export
from datamodules.cut import Cut
from errors import UserError
from export.options import ExportOptions
from export.variants import BY_NAME, DEPLOYED, ORIGINAL, Variant
from host.model_folder import CONFIG, TOKENIZER, TOKENIZER_CONFIG, ModelFolder
from runs.checks import check_has_model
from runs.files import RunFiles, plain_digest
from runs.kept_files import checked_model, checked_run_folder
from runs.layout import CONFIG_FILE, EXPERIMENT_TAG, EXPORT_FOLDER, EXPORT_REPORT, MODEL_FOLDER
from runs.record_files import MALFORMED, ConfigFile, ReportFile
from scoring.tasks import task_of_metrics
from tracking.entities import VARIANT_TAG
from tracking.logged_models import ServedModel, log_model

if TYPE_CHECKING:
    from scoring.task import Task

_CODE = Path(export.__file__).with_name("served_model.py")
_NEEDS = ["mlflow", "numpy", "pandas", "tokenizers"]
_NEEDS_OF_TORCH = [*_NEEDS, "torch", "transformers", "safetensors"]
_ANSWERS = {"label": "string", "probability": "double"}
_STORIES = {"text": "string", "tokens": "long", "ended": "boolean"}
# What `encore generate` asks where nothing is said.
_ASKED_OF_STORIES: dict[str, float | int] = {
    "max_length": 0,
    "temperature": 0.8,
    "top_p": 0.95,
    "repetition_penalty": 1.0,
    "seed": 0,
}


def log_served(run: RunFiles, variant: Variant | None = None) -> str:
    """The ID of a finished run's model among MLflow's; made, or made anew, where it has none of these weights.

    variant: which form of it; none: the usual one, see `served_model`. UserError for a run without a model, for files
    that are not what it left, and where the store takes none.
    """
    check_has_model(run)
    return log_model(run.store, run.record.run_id, served_model(run, variant))


def served_model(run: RunFiles, variant: Variant | None = None) -> ServedModel:
    """What there is to load. Where no variant is named, INT8 where it was exported and the gate holds it to be as good,
    FP32 where not; torch without an export, and where FP32 is not what was trained."""
    variant = variant or _usual(run)
    task = task_of_metrics(run.record.metrics, "test")
    if task is None:
        raise UserError("has no scores of a task", where=run.where, cure=MALFORMED)
    folder = _folder(run, variant)
    weights = Path(variant.weights(MODEL_FOLDER, EXPORT_FOLDER))
    prefix = f"export/{variant.name}/" if variant.is_exported else "test/"
    return ServedModel(
        name=f"{run.record.tags.get(EXPERIMENT_TAG, 'model')}-{variant.name}",
        code=_CODE,
        files={name: folder / name for name in (weights.name, CONFIG, TOKENIZER)},
        weights=plain_digest(run, weights.as_posix()),
        options=_options(run, folder, task),
        outputs=_STORIES if task.writes else _ANSWERS,
        packages=[*_NEEDS, "onnxruntime"] if variant.is_exported else _NEEDS_OF_TORCH,
        metrics=[key for key in sorted(run.record.metrics) if key.startswith(prefix)],
        params=_ASKED_OF_STORIES if task.writes else {},
        tags={VARIANT_TAG: variant.name},
    )


def _usual(run: RunFiles) -> Variant:
    if not run.has(EXPORT_REPORT):
        return ORIGINAL
    report = run.read(ReportFile, EXPORT_REPORT)
    if not report.failures and run.has(f"{EXPORT_FOLDER}/{DEPLOYED.name}"):
        return DEPLOYED
    base = BY_NAME[str(DEPLOYED.base)]
    apart = report.metrics.get(f"export/{base.name}/max_logit_difference", math.inf)
    return base if apart <= ExportOptions.max_parity_difference else ORIGINAL


def _folder(run: RunFiles, variant: Variant) -> Path:
    return (
        checked_run_folder(run, f"{EXPORT_FOLDER}/{variant.name}")
        if variant.is_exported
        else checked_model(run)
    )


def _options(run: RunFiles, folder: Path, task: Task) -> dict[str, str | int]:
    options: dict[str, str | int] = {"threads": 0}
    if task.writes:
        end = ModelFolder(folder, where=run.where).table(TOKENIZER_CONFIG).get("eos_token")
        return options | {"end_of_text": str(end["content"] if isinstance(end, dict) else end)}
    data = run.read(ConfigFile, CONFIG_FILE).get("data", {})
    longest = data.get("max_tokens")
    if not isinstance(longest, int):
        raise UserError(f"{CONFIG_FILE} has no data.max_tokens", where=run.where, cure=MALFORMED)
    if (cut := data.get("cut", "head")) not in get_args(Cut):
        raise UserError(f"{CONFIG_FILE} has an unknown data.cut", where=run.where, cure=MALFORMED)
    return options | {"max_tokens": longest, "cut": cut}
