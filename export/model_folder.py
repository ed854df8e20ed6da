"""Reading the Hugging Face folder that is exported, and checking that the scoring set fits it.

Imports torch and transformers inside the functions; nothing is ever fetched from a hub.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from errors import UserError
from export.options import ScoringSet
from export.tasks import ExportTask
from host.model_folder import CONFIG, WEIGHTS, ModelFolder, private_folder
from host.models import check_finite, load_model
from host.tokenizer_files import has_tokenizer, tokenizer_files

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from scoring.task import Task


def load_checkpoint(model_dir: Path, task: ExportTask) -> PreTrainedModel:
    """The float32 model in `model_dir`, in evaluation mode, from safetensors only.

    Raises UserError for a missing, unreadable or incomplete folder: weights that the file does
    not hold would be drawn at random, and the export would score a model that nobody trained.
    """
    with _only_errors_logged():
        loaded = load_model(task.model_class(), model_dir, where=str(model_dir), cure=_CURE)
    missing = sorted([*loaded.missing, *loaded.others])
    if missing:
        raise UserError(
            f"the weights lack {len(missing)} tensors that a {task.task.name} model needs, first {missing[0]!r}",
            where=str(model_dir / WEIGHTS),
            cure="Save the whole fine-tuned model with save_pretrained, or name the task it was trained for.",
        )
    diverged = "The run diverged: train again with a lower learning rate or stronger clipping."
    check_finite(loaded.model, where=str(model_dir / WEIGHTS), cure=diverged)
    return loaded.model.eval()


_CURE = f"Check {CONFIG} and {WEIGHTS}; if the file was cut short, save the model again."


@contextlib.contextmanager
def private_tokenizer(model_dir: Path) -> Generator[Path]:
    """A folder with the checked files of the model's tokenizer, empty where it has none; gone at the block's end."""
    folder = ModelFolder(model_dir, where=str(model_dir))
    files = tokenizer_files(folder).files if has_tokenizer(folder) else {}
    with private_folder(files, {}) as private:
        yield private


@contextlib.contextmanager
def _only_errors_logged() -> Generator[None]:
    """Without transformers' advice to train a model whose head is missing: that is an error here."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)


def check_scoring_set(scoring: ScoringSet, task: ExportTask, model: PreTrainedModel, model_dir: Path) -> None:
    """Refuse a scoring set that `model` cannot have been trained for; see the messages for the rules."""
    lengths = [len(ids) for ids in scoring.input_ids]
    shortest = task.shortest
    if not lengths or min(lengths) < shortest:
        raise UserError(
            f"every example needs at least {shortest} token(s)" if lengths else "there is nothing to score",
            where="scoring set",
            cure="Score a split that has text in every row.",
        )
    _check_token_ids(scoring, model, model_dir)
    check_length(max(lengths), model, model_dir)
    _check_labels(scoring, task.task, model)


def check_length(tokens: int, model: PreTrainedModel, model_dir: Path) -> None:
    """Refuse an input longer than the model's table of positions."""
    positions = getattr(model.config, "max_position_embeddings", tokens)
    if tokens > positions:
        raise UserError(
            f"an input of {tokens} tokens was asked for and the model has {positions} positions",
            where=str(model_dir / CONFIG),
            cure=f"Truncate to {positions} tokens.",
        )


def _check_token_ids(scoring: ScoringSet, model: PreTrainedModel, model_dir: Path) -> None:
    vocabulary = int(model.config.vocab_size)
    highest = max(max(ids) for ids in scoring.input_ids)
    lowest = min(min(ids) for ids in scoring.input_ids)
    if lowest < 0 or max(highest, scoring.pad_token_id) >= vocabulary:
        raise UserError(
            f"token ids run from {lowest} to {max(highest, scoring.pad_token_id)}"
            f" and the model knows 0 to {vocabulary - 1}",
            where=str(model_dir / CONFIG),
            cure="Score with the tokenizer that the model was trained with.",
        )


def _check_labels(scoring: ScoringSet, task: Task, model: PreTrainedModel) -> None:
    if not task.labelled:
        problem = None if scoring.labels is None else "a language model is scored without labels"
    elif scoring.labels is None:
        problem = "a classifier is scored against labels and there are none"
    elif len(scoring.labels) != len(scoring.input_ids):
        problem = f"there are {len(scoring.labels)} labels for {len(scoring.input_ids)} examples"
    elif scoring.labels.min() < 0 or scoring.labels.max() >= model.config.num_labels:
        problem = (
            f"labels run from {scoring.labels.min()} to {scoring.labels.max()}"
            f" and the model has {model.config.num_labels} classes"
        )
    else:
        problem = None
    if problem is not None:
        raise UserError(problem, where="scoring set", cure="Score the split the model was trained for.")
