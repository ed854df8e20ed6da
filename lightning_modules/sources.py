"""Models from a local folder, from the hub, or from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError, no_hub

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


def load_pretrained(
    model_class: type[PreTrainedModel], source: str, *, revision: str, local_files_only: bool, **changes: Any
) -> PreTrainedModel:
    """Weights of `source` in float32, with `changes` to its config (dropout, number of labels).

    source: a folder with config.json and model.safetensors, or a hub id at `revision`. Only safetensors
    are read (a pickle could run code) and no remote code is run. Raises UserError when nothing is there,
    or when the folder holds another kind of model.
    """
    folder = Path(source)
    if folder.is_dir():
        _check_folder(folder, model_class)
    from safetensors import SafetensorError

    try:
        loaded: Any = model_class.from_pretrained(
            source,
            revision=revision,
            local_files_only=local_files_only or folder.is_dir(),
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **changes,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise _unavailable(source, error, local_files_only=local_files_only) from error
    model, report = loaded
    _check_weights(report, source)
    return model.float().train()  # the library hands models over in evaluation mode, dropout off


def from_scratch(model_class: type[PreTrainedModel], config: PretrainedConfig) -> PreTrainedModel:
    """Random weights of `config`'s own initialisation, from torch's global generator."""
    return model_class(config)


def _check_folder(folder: Path, model_class: type[PreTrainedModel]) -> None:
    import json

    path = folder / "config.json"
    wanted = model_class.config_class.model_type  # type: ignore[union-attr]
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError) as error:
        raise UserError(
            "no readable config.json",
            where=f"model.pretrained={folder}",
            cure="Give a folder that save_pretrained wrote.",
        ) from error
    if found != wanted:
        raise UserError(
            f"holds a {found!r} model, not {wanted!r}",
            where=f"model.pretrained={folder}",
            cure=f"Give a {wanted} folder, or another experiment.",
        )


def _check_weights(report: dict[str, Any], source: str) -> None:
    """A new head is expected; an encoder of which nothing was found is not."""
    missing = [
        key
        for key in report["missing_keys"]
        if not key.startswith(("pre_classifier", "classifier", "lm_head"))
    ]
    if missing or report["mismatched_keys"]:
        raise UserError(
            f"lacks weights, {(missing or report['mismatched_keys'])[0]} among them",
            where=f"model.pretrained={source}",
            cure="Give the folder of a complete model of the same kind.",
        )


def _unavailable(source: str, error: Exception, *, local_files_only: bool) -> UserError:
    if Path(source).is_dir() or not local_files_only:
        return UserError(
            f"cannot be read ({str(error).splitlines()[0][:160]})",
            where=f"model.pretrained={source}",
            cure="It needs config.json and an undamaged model.safetensors; pickled weights are not read.",
        )
    return no_hub(f"the model {source}", key="model.pretrained")
