"""The folder that is exported: its tokenizer, and whether the scoring set fits its model."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from export.options import ScoringSet
from export.tasks import ExportTask
from host.model_folder import CONFIG, ModelFolder, private_folder
from host.tokenizer_files import has_tokenizer, tokenizer_files

if TYPE_CHECKING:
    from lightning_modules.text_model import TextModel
    from scoring.task import Task


@contextlib.contextmanager
def private_tokenizer(model_dir: Path) -> Generator[Path]:
    """A folder with the checked files of the model's tokenizer, empty where it has none; gone at the block's end."""
    folder = ModelFolder(model_dir, where=str(model_dir))
    files = tokenizer_files(folder).files if has_tokenizer(folder) else {}
    with private_folder(files, {}) as private:
        yield private


def check_scoring_set(scoring: ScoringSet, task: ExportTask, model: TextModel, model_dir: Path) -> None:
    """Refuse a scoring set that `model` cannot have been trained for; see the messages for the rules."""
    lengths = [len(ids) for ids in scoring.input_ids]
    shortest = task.shortest
    if not lengths or min(lengths) < shortest:
        raise UserError(
            f"every example needs at least {shortest} token(s)" if lengths else "there is nothing to score",
            where="scoring set",
            cure="Score a split that has text in every row.",
        )
    if task.calibrated and not scoring.calibration_ids:
        raise UserError(
            "there are no texts of train to measure activations on",
            where="scoring set",
            cure="Give some texts that the model was trained on.",
        )
    _check_token_ids(scoring, model, model_dir)
    check_length(max(lengths), model, model_dir)
    _check_labels(scoring, task.task, model)


def check_length(tokens: int, model: TextModel, model_dir: Path) -> None:
    """Refuse an input longer than the model's table of positions."""
    positions = model.positions
    if positions is not None and tokens > positions:
        raise UserError(
            f"an input of {tokens} tokens was asked for and the model has {positions} positions",
            where=str(model_dir / CONFIG),
            cure=f"Truncate to {positions} tokens.",
        )


def _check_token_ids(scoring: ScoringSet, model: TextModel, model_dir: Path) -> None:
    vocabulary = model.vocabulary
    highest = max(max(ids) for ids in scoring.input_ids)
    lowest = min(min(ids) for ids in scoring.input_ids)
    if lowest < 0 or max(highest, scoring.pad_token_id) >= vocabulary:
        raise UserError(
            f"token ids run from {lowest} to {max(highest, scoring.pad_token_id)}"
            f" and the model knows 0 to {vocabulary - 1}",
            where=str(model_dir / CONFIG),
            cure="Score with the tokenizer that the model was trained with.",
        )


def _check_labels(scoring: ScoringSet, task: Task, model: TextModel) -> None:
    if not task.labelled:
        problem = None if scoring.labels is None else "a language model is scored without labels"
    elif scoring.labels is None:
        problem = "a classifier is scored against labels and there are none"
    elif len(scoring.labels) != len(scoring.input_ids):
        problem = f"there are {len(scoring.labels)} labels for {len(scoring.input_ids)} examples"
    elif scoring.labels.min() < 0 or scoring.labels.max() >= model.outputs:
        problem = (
            f"labels run from {scoring.labels.min()} to {scoring.labels.max()}"
            f" and the model has {model.outputs} classes"
        )
    else:
        problem = None
    if problem is not None:
        raise UserError(problem, where="scoring set", cure="Score the split the model was trained for.")
