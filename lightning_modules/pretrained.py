"""Models from a local folder, from the hub, or from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError, no_hub
from host.boundary import boundary
from host.model_folder import CONFIG, INDEX, WEIGHTS, hub_folder
from host.models import Loaded, check_finite, load_model
from host.notices import notice

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

_HUB_FILES = (CONFIG, WEIGHTS, INDEX, "model-*-of-*.safetensors")


def load_pretrained(
    model_class: type[PreTrainedModel],
    source: str,
    *,
    revision: str,
    local_files_only: bool,
    new_head: tuple[str, ...],
    **changes: Any,
) -> PreTrainedModel:
    """Weights of `source` in float32, with `changes` to its config (dropout, number of labels).

    source: a folder with config.json and model.safetensors, or a hub id at `revision`. Of both only
    checked files are read: safetensors, no code, no key that names code. new_head: how the names begin of weights that
    `source` need not have; where it has others, of another size, new ones are drawn, with a word. Raises UserError
    when nothing is there, when the folder holds another kind of model, and for weights that are no numbers.
    """
    folder = _folder(source, revision=revision, local_files_only=local_files_only)
    where = f"model.pretrained={source}"
    cure = f"It needs a whole {CONFIG} and an undamaged {WEIGHTS} of the same kind of model."
    loaded = load_model(model_class, folder, where=where, cure=cure, **changes)
    _check_weights(loaded, where, new_head)
    check_finite(loaded.model, where=where, cure="The file came so: fetch it again, or give another model.")
    return loaded.model.train()  # the library hands models over in evaluation mode, dropout off


def from_scratch(model_class: type[PreTrainedModel], config: PretrainedConfig) -> PreTrainedModel:
    """Random weights of `config`'s own initialisation, from torch's global generator."""
    return model_class(config)


def _folder(source: str, *, revision: str, local_files_only: bool) -> Path:
    if Path(source).is_dir():
        return Path(source)
    try:
        with boundary("cannot be had from the hub", where=f"model.pretrained={source}", cure=_LOOK):
            folder = hub_folder(
                source, revision=revision, local_files_only=local_files_only, files=_HUB_FILES
            )
    except UserError:
        if local_files_only:
            raise no_hub(f"the model {source}", key="model.pretrained") from None
        raise
    if local_files_only and not any((folder / name).exists() for name in (WEIGHTS, INDEX)):
        raise no_hub(f"the model {source}", key="model.pretrained")  # the cache has its tokenizer alone
    return folder


_LOOK = "Look at its name and revision, or give a local folder."


def _check_weights(loaded: Loaded, where: str, new_head: tuple[str, ...]) -> None:
    """A new head is expected, and said where there is another; an encoder of which nothing was found is not."""
    lacking = [name for name in (*loaded.missing, *loaded.others) if not name.startswith(new_head)]
    if lacking:
        raise UserError(
            f"lacks weights, {lacking[0]} among them or of another size",
            where=where,
            cure="Give the folder of a complete model of the same kind.",
        )
    for shape in (shape for shape in loaded.others.values() if len(shape) == 2):
        labels = f"{shape[0]} label{'s' if shape[0] != 1 else ''}"
        notice(
            f"{where}: its head has {labels}, the data {loaded.model.config.num_labels}; a new head is taken"
        )
