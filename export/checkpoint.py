"""Reading the Hugging Face folder that is exported, and checking that the scoring set fits it.

Imports torch and transformers inside the functions; nothing is ever fetched from a hub.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from export.options import ScoringSet, Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


def load_checkpoint(model_dir: Path, task: Task) -> PreTrainedModel:
    """The float32 model in `model_dir`, in evaluation mode, from safetensors only.

    Raises UserError for a missing, unreadable or incomplete folder: weights that the file does
    not hold would be drawn at random, and the export would score a model that nobody trained.
    """
    _check_files(model_dir)
    model, missing = _load(model_dir, task)
    if missing:
        raise UserError(
            f"the weights lack {len(missing)} tensors that a {task} model needs, first '{missing[0]}'",
            where=str(model_dir / WEIGHTS_FILE),
            cure="Save the whole fine-tuned model with save_pretrained, or name the task it was trained for.",
        )
    _check_finite(model, model_dir)
    return model.eval()


def _check_finite(model: PreTrainedModel, model_dir: Path) -> None:
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise UserError(
                f"the weights hold NaN or infinity, first in '{name}'",
                where=str(model_dir / WEIGHTS_FILE),
                cure="The run diverged: train again with a lower learning rate or stronger clipping.",
            )


def _check_files(model_dir: Path) -> None:
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        path = model_dir / name
        if not path.is_file():
            raise UserError(
                f"there is no {name}",
                where=str(model_dir),
                cure=f"Name a folder that save_pretrained wrote, with {CONFIG_FILE} and {WEIGHTS_FILE}.",
            )
    try:
        json.loads((model_dir / CONFIG_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"this is not readable JSON ({error})",
            where=str(model_dir / CONFIG_FILE),
            cure="Save the model again.",
        ) from error


def _load(model_dir: Path, task: Task) -> tuple[PreTrainedModel, list[str]]:
    """The model and the sorted names of weights that the file lacks or holds in another shape."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    family = AutoModelForSequenceClassification if task == "sequence-classification" else AutoModelForCausalLM
    try:
        with _only_errors_logged():
            loaded: Any = family.from_pretrained(
                model_dir,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise UserError(
            f"the model cannot be loaded for {task} ({_first_line(error)})",
            where=str(model_dir),
            cure=f"Check {CONFIG_FILE} and {WEIGHTS_FILE}; if the file was cut short, save the model again.",
        ) from error
    model, info = loaded
    mismatched: list[Any] = list(info["mismatched_keys"])
    return model, sorted([*info["missing_keys"], *(str(entry[0]) for entry in mismatched)])


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


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


def check_scoring_set(scoring: ScoringSet, task: Task, model: PreTrainedModel, model_dir: Path) -> None:
    """Refuse a scoring set that `model` cannot have been trained for; see the messages for the rules."""
    lengths = [len(ids) for ids in scoring.input_ids]
    shortest = 1 if task == "sequence-classification" else 2
    if not lengths or min(lengths) < shortest:
        raise UserError(
            f"every example needs at least {shortest} token(s)" if lengths else "there is nothing to score",
            where="scoring set",
            cure="Score a split that has text in every row.",
        )
    _check_token_ids(scoring, model, model_dir)
    check_length(max(lengths), model, model_dir)
    _check_labels(scoring, task, model)


def check_length(tokens: int, model: PreTrainedModel, model_dir: Path) -> None:
    """Refuse an input longer than the model's table of positions."""
    positions = getattr(model.config, "max_position_embeddings", tokens)
    if tokens > positions:
        raise UserError(
            f"an input of {tokens} tokens was asked for and the model has {positions} positions",
            where=str(model_dir / CONFIG_FILE),
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
            where=str(model_dir / CONFIG_FILE),
            cure="Score with the tokenizer that the model was trained with.",
        )


def _check_labels(scoring: ScoringSet, task: Task, model: PreTrainedModel) -> None:
    if task == "causal-language-model":
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
