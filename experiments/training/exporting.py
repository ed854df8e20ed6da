"""The ONNX and INT8 variants of a run, measured and logged on that same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datamodules.cut import TextLimit
from datamodules.tokenizers import pad_token_id
from errors import LibraryError, RunError, UserError
from experiments.config import ExperimentConfig
from experiments.torch_setup import full_matmul_precision
from experiments.training.inputs import data_of_run, recorded_config
from experiments.training.serving import keep_served
from export.golden import GOLDEN_TEXTS, spread
from export.options import FLOAT32_NODES, LIMIT, ExportConfig, GoldenTexts, calibration_rows, scored_rows
from export.variants import EXPORTED
from host.boundary import first_line
from host.disk import disk_errors
from host.progress import SILENT, Reporter
from runs.bundling import check_variant, is_bundled_as_it_is
from runs.checks import check_has_model
from runs.files import RunFiles, run_named
from runs.kept_files import checked_model
from runs.layout import EXPORT_GATE, GATE_TAG, NOT_EXPORTED, PASSED, is_exported
from runs.record_files import MALFORMED
from schema.validation import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datamodules.tokenized import TokenizedData
    from export.pipeline import ExportReport, ScoringSet
    from runs.result import RunResult
    from tracking.run_log import RunLog


class ExportFailedError(LibraryError):
    """A run was trained, scored and kept, and its export failed: `result` is whole but for that."""

    def __init__(self, result: RunResult, error: UserError) -> None:
        self.result = result
        short = result.run_id[:8]
        super().__init__(
            f"it is trained, scored and kept, but its export failed: {error.what}, at {error.where}",
            where=f"run {short}",
            cure=f"{error.cure} `encore export {short}` then writes it.",
        )


@dataclass
class Exporting:
    """The export of a run that has just been trained: what fails is kept here and costs the run nothing else.

    settings: none: those of the run's config.
    """

    settings: ExportConfig | None = None
    failed: Exception | None = None

    def __call__(
        self, log: RunLog, config: ExperimentConfig, data: TokenizedData, model: Path, reporter: Reporter
    ) -> tuple[dict[str, float], tuple[str, ...]]:
        """Metrics and missed limits. RunError for a model that is worth nothing, such as one of NaN."""
        asked = config if self.settings is None else config.model_copy(update={"export": self.settings})
        try:
            report = export_into(log, asked, data, model, reporter=reporter)
        except RunError:
            raise
        except Exception as error:  # noqa: BLE001 raised again when the rest of the run is in the record
            self.failed = error
            log.set_tags({EXPORT_GATE: NOT_EXPORTED + first_line(error)})
            return {}, ()
        return report.metrics, report.failures

    def check(self, result: RunResult) -> None:
        """Raise what the export failed with, now that `result` is in the record."""
        if isinstance(self.failed, UserError):
            raise ExportFailedError(result, self.failed) from self.failed
        if self.failed is not None:
            raise self.failed


def export_run(
    run: RunFiles,
    *,
    variants: Sequence[str] = (),
    gate: float | None = None,
    float32_nodes: Sequence[str] | None = None,
    reporter: Reporter = SILENT,
) -> ExportReport:
    """Export a finished run again, or for the first time: model and config come from its artifacts.

    variants: to write beside those that the run has, which are measured again under the same conditions. gate: how much
    quality may be lost, instead of the run's own limit, in the unit of that. float32_nodes: left in float32 by the
    quantized ones; none: those of the export that the run has. UserError for a variant or a node that there is not.
    """
    check_has_model(run)
    config = asked_export(run, recorded_config(run), variants, gate, float32_nodes)
    model_dir = checked_model(run)
    # Scored on the official rows, which are checked; an earlier version of Encore held out other rows of train, and any
    # of those can calibrate.
    data = data_of_run(run, config, splits=("test",), reporter=reporter)
    log = run.store.attach(run.record.run_id)
    try:
        with disk_errors(run.store.root):
            report = export_into(log, config, data, model_dir, reporter=reporter)
        log.log_summary(report.metrics)
    except UserError as error:
        if not is_exported(run.record):
            log.set_tags({EXPORT_GATE: NOT_EXPORTED + first_line(error)})
        raise
    finally:
        log.close()
    keep_served(run.store, run.record.run_id, reporter=reporter)
    return report


def asked_export(
    run: RunFiles,
    config: ExperimentConfig,
    variants: Sequence[str],
    gate: float | None,
    float32_nodes: Sequence[str] | None,
) -> ExperimentConfig:
    """The run's own settings with the variants that it has and those named, another limit and other nodes left."""
    name = config.task.name
    available = [variant.name for variant in EXPORTED if name in variant.writers]
    for asked in variants:
        if asked not in available:
            raise UserError(
                f"{asked!r:.40} is no variant of a {name}",
                where="--variants",
                cure=f"Give {', '.join(available)}.",
            )
    measured = [own for own in available if f"export/{own}/size_mib" in run.record.metrics]
    wanted = [own for own in available if own in {*variants, *(measured or config.export.variants)}]
    changed: dict[str, object] = {"variants": wanted}
    if gate is not None:
        changed["max_loss_increase" if config.task.writes else "max_accuracy_drop"] = gate
    left = run.record.tags.get(FLOAT32_NODES)
    if float32_nodes and config.task.writes:
        raise UserError(
            f"variants of a {name} leave no node in float32",
            where="--float32",
            cure="Of classifiers they do.",
        )
    if float32_nodes is not None:
        changed["float32_nodes"] = list(float32_nodes)
    elif left is not None:
        changed["float32_nodes"] = left.split()
    return config.model_copy(
        update={"export": parse(ExportConfig, config.export.model_dump() | changed, where="--gate")}
    )


def exported_with(run: RunFiles) -> ExportConfig:
    """What the run's last export was asked for, which need not be what its config asks for. UserError for a record that
    does not say."""
    text = run.record.tags.get(LIMIT)
    try:
        limit = None if text is None else float(text)
    except ValueError as error:
        raise UserError(f"its tag {LIMIT} is no number", where=run.where, cure=MALFORMED) from error
    return asked_export(run, recorded_config(run), (), limit, None).export


def export_into(
    log: RunLog, config: ExperimentConfig, data: TokenizedData, model_dir: Path, *, reporter: Reporter
) -> ExportReport:
    """Write and measure the variants of the model in `model_dir` as artifacts of `log`'s run.

    Logs everything but the metrics, which the caller logs with its own.
    """
    from export.pipeline import ExportOptions, export_model
    from lightning_modules.families import FAMILIES

    with log.folder("export") as folder, full_matmul_precision(), reporter.progress() as report_progress:
        report_progress("exporting to ONNX", 0, 0)
        report = export_model(
            model_dir,
            folder,
            family=FAMILIES[config.model.kind],
            scoring=scoring_set(config, data),
            options=ExportOptions(config.export),
            on_progress=report_progress,
        )
    # Tags, not params: an export made again elsewhere has other conditions, and a param cannot change.
    gate = PASSED if report.passed else "; ".join(report.failures)
    log.set_tags({**report.params, EXPORT_GATE: gate, GATE_TAG: report.verdict.value})
    return report


def scoring_set(config: ExperimentConfig, data: TokenizedData) -> ScoringSet:
    """The official split, or a seeded draw of `export.scored_examples` rows of it."""
    from export.pipeline import ScoringSet

    table, labels = data.tables["test"], data.rows["test"].labels
    rows = scored_rows(len(table), config.export.scored_examples)
    # A language model's block holds one id more than its context, the last target.
    input_ids = [table.sequence(int(row))[: config.data.max_tokens].tolist() for row in rows]
    return ScoringSet(
        input_ids=input_ids,
        labels=None if labels is None else np.array([labels[int(row)] for row in rows], dtype=np.int64),
        pad_token_id=pad_token_id(data.tokenizer),
        golden=_golden_texts(data, config.data.limit, rows, input_ids),
        calibration_ids=_calibration_ids(config, data),
    )


def _golden_texts(
    data: TokenizedData, limit: TextLimit, rows: NDArray[np.int64], input_ids: Sequence[list[int]]
) -> GoldenTexts:
    """Of labelled texts some of the scored ones, of all lengths; a story's sequence may be a part of it, so of stories
    the first, which prompts are cut from."""
    texts = data.rows["test"].texts
    if data.rows["test"].labels is None:
        return GoldenTexts(list(texts[:GOLDEN_TEXTS]), None, limit)
    chosen = spread([len(ids) for ids in input_ids])
    return GoldenTexts(
        [texts[int(rows[place])] for place in chosen], [input_ids[place] for place in chosen], limit
    )


def exported_with_golden(run: RunFiles, variant: str, *, reporter: Reporter = SILENT) -> RunFiles:
    """The run, exported first where it has no such variant with golden answers. UserError for an unknown variant."""
    check_variant(variant)
    check_has_model(run)
    if is_bundled_as_it_is(run, variant):
        return run
    reporter.say(f"{run.where} is exported first: it has no {variant} with golden answers.")
    export_run(run, variants=[variant], reporter=reporter)
    return run_named(run.store, run.record.run_id)


def _calibration_ids(config: ExperimentConfig, data: TokenizedData) -> list[list[int]]:
    """Texts of train for what measures activations; a language model's quantization needs none."""
    if config.task.writes:
        return []
    table = data.tables["train"]
    return [
        table.sequence(int(row))[: config.data.max_tokens].tolist() for row in calibration_rows(len(table))
    ]
