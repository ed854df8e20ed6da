"""The torch model that a study asks: a finished run's, or that of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.cut import TextLimit
from errors import UserError
from experiments.training.inputs import recorded_config
from export.variants import ORIGINAL
from host.files import file_digest
from host.model_folder import CONFIG, TOKENIZER
from runs.checks import check_has_model
from runs.files import RunFiles, plain_digest
from runs.kept_files import checked_model
from runs.layout import EXPORT_FOLDER, MODEL_FOLDER

if TYPE_CHECKING:
    from lightning_modules.families import Family
    from lightning_modules.text_model import TextModel


@dataclass(frozen=True)
class StudiedModel:
    """where: as an error names it. folder: of its weights, config and tokenizer. weights: their digest. limit: how a
    text is cut."""

    where: str
    family: Family
    folder: Path
    model: TextModel
    weights: str
    limit: TextLimit


def model_of_run(run: RunFiles) -> StudiedModel:
    """UserError for a run without a model, or whose files are not what it left."""
    from lightning_modules.families import FAMILIES

    check_has_model(run)
    config = recorded_config(run)
    folder, family = checked_model(run), FAMILIES[config.model.kind]
    digest = plain_digest(run, ORIGINAL.weights(MODEL_FOLDER, EXPORT_FOLDER))
    return StudiedModel(run.where, family, folder, _read(family, folder), digest, config.data.limit)


def model_of_folder(folder: Path, *, max_tokens: int) -> StudiedModel:
    """Of a folder as save_pretrained writes it; no more tokens than it has positions for. UserError for any other."""
    from lightning_modules.families import family_of_folder

    if not (folder / TOKENIZER).is_file():
        raise UserError(
            f"has no {TOKENIZER}, which says where in a text its tokens stand",
            where=str(folder),
            cure="Save the model with its fast tokenizer.",
        )
    family = family_of_folder(folder)
    model = _read(family, folder)
    weights = sorted(path for path in folder.glob("*.safetensors") if path.is_file())
    digest = " ".join(file_digest(path) for path in weights)
    most = max_tokens if model.positions is None else min(max_tokens, model.positions)
    return StudiedModel(str(folder), family, folder, model, digest, TextLimit(most))


def folder_prints(folder: Path) -> dict[str, str]:
    """Digests of what decides, beside the weights, what a model answers."""
    return {"tokenizer": file_digest(folder / TOKENIZER), "model_config": file_digest(folder / CONFIG)}


def _read(family: Family, folder: Path) -> TextModel:
    from experiments.torch_setup import prepare_writing

    prepare_writing(1)
    return family.read(folder)
