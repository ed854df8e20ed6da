"""Why a variant of a run's export answers otherwise than FP32, on the rows that it was scored on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from experiments.torch_setup import full_matmul_precision
from experiments.training.exporting import asked_export, exported_with_golden, scoring_set
from experiments.training.inputs import data_of_run, recorded_config
from export.golden import labels_of
from export.materials import Materials
from export.options import scored_rows
from export.original import MODEL_FILE
from export.variants import EXPORTED, FP32, Variant
from host.progress import SILENT, Reporter
from runs.bundling import check_variant
from runs.checks import check_has_model
from runs.kept_files import checked_run_folder
from runs.layout import EXPORT_FOLDER, EXPORT_REPORT
from runs.record_files import ReportFile

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from experiments.config import ExperimentConfig
    from export.blame import Blame
    from export.classifier_files import Planner
    from runs.files import RunFiles


@dataclass(frozen=True)
class Explanation:
    """texts: of the answers that changed, by their index. labels: by their numbers. as_recorded: what was drawn here is
    the run's own file. left: nodes that the run's export leaves in float32 already, and so does all that is drawn here.
    """

    blame: Blame
    texts: dict[int, str]
    labels: tuple[str, ...]
    as_recorded: bool
    left: tuple[str, ...]


def explained(
    run: RunFiles, variant: str, *, gate: float | None = None, reporter: Reporter = SILENT
) -> Explanation:
    """The run is exported first where it has no such variant. gate: accuracy that may be lost, as a share.

    UserError for a variant that is not drawn node by node, as float32 is none and language models have none.
    """
    import torch

    from export.blame import Suspect, blame

    check_variant(variant, "--explain")
    check_has_model(run)
    row, planner = _explainable(run, variant)
    run = exported_with_golden(run, variant, reporter=reporter)
    config = asked_export(run, recorded_config(run), (), gate, None)
    data = data_of_run(run, config, splits=("test",), reporter=reporter)
    scoring = scoring_set(config, data)
    materials = Materials(_export_folder(run, variant), scoring.calibration_ids, config.export.float32_nodes)
    with reporter.progress() as tell, full_matmul_precision():
        tell("measuring activations", 0, 0)
        suspect = Suspect(
            row,
            planner(materials),
            materials,
            scoring,
            config.export.max_accuracy_drop,
            torch.get_num_threads(),
        )
        found = blame(suspect, tell)
    digest = run.read(ReportFile, EXPORT_REPORT).digests.get(f"{variant}/{MODEL_FILE}")
    return Explanation(
        found,
        _texts(found, config, data),
        tuple(labels_of(materials.folder / variant, suspect.base.shape[1])),
        hashlib.sha256(suspect.as_it_is).hexdigest() == digest,
        config.export.float32_nodes,
    )


def _texts(found: Blame, config: ExperimentConfig, data: TokenizedData) -> dict[int, str]:
    rows = scored_rows(len(data.tables["test"]), config.export.scored_examples)
    texts = data.rows["test"].texts
    return {answer.index: texts[int(rows[answer.index])] for answer in found.changed}


def _explainable(run: RunFiles, variant: str) -> tuple[Variant, Planner]:
    task = recorded_config(run).task.name
    drawn = {
        row.name: (row, row.writers[task].planner)
        for row in EXPORTED
        if task in row.writers and row.writers[task].planner is not None
    }
    row, planner = drawn.get(variant, (None, None))
    if row is not None and planner is not None:
        return row, planner
    raise UserError(
        f"{variant} of a {task} is not drawn node by node",
        where="--explain",
        cure=f"Give {', '.join(drawn)}."
        if drawn
        else "Of classifiers int8, int8-rows, int8-static and int4 are.",
    )


def _export_folder(run: RunFiles, variant: str) -> Path:
    """The run's exports, of which those that are read are as recorded."""
    for name in (FP32.name, variant):
        checked_run_folder(run, f"{EXPORT_FOLDER}/{name}")
    return run.path(EXPORT_FOLDER)
