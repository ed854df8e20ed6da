"""What cannot be exported is refused in one line, before anything is written."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from transformers import DistilBertModel

from errors import UserError
from export.pipeline import ExportOptions, ScoringSet, export_model
from lightning_modules.families import DISTILBERT, GPT2
from scoring.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from conftest import Exported

CLASSIFY = CLASSIFICATION


def _config_is_missing(folder: Path) -> None:
    (folder / "config.json").unlink()


def _config_is_cut(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "disti')


def _config_is_of_no_known_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "perceptron"}')


def _weights_are_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _weights_are_cut(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def _weights_lack_the_head(folder: Path) -> None:
    DistilBertModel.from_pretrained(folder).save_pretrained(folder)


def _weights_hold_nan(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _weights_are_enormous(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] *= 1e38  # finite, but their sum with any activation is not
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_config_is_missing, "has no config.json"),
        (_config_is_cut, "config.json: is not JSON"),
        (_config_is_of_no_known_model, "model, not 'distilbert'"),
        (_weights_are_missing, "has no model.safetensors"),
        (_weights_are_cut, "model.safetensors cannot be read"),
        (_weights_lack_the_head, "the weights lack 4 tensors"),
        (_weights_hold_nan, "NaN or infinity, first in classifier.weight"),
        (_weights_are_enormous, "the torch model's logits are not finite for example"),
    ],
)
def test_a_folder_that_cannot_be_exported_is_refused_in_one_line(
    damage: Callable[[Path], None],
    named: str,
    exported_classifier: Exported,
    quick: ExportOptions,
    tmp_path: Path,
) -> None:
    shutil.copytree(exported_classifier.model_dir, tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(UserError) as raised:
        export_model(
            tmp_path / "model",
            tmp_path / "out",
            family=DISTILBERT,
            scoring=exported_classifier.scoring,
            options=quick,
        )
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"input_ids": []}, "there is nothing to score"),
        ({"input_ids": [[]]}, "at least 1 token"),
        ({"input_ids": [[1, 300]]}, "run from 1 to 300 and the model knows 0 to 299"),
        ({"input_ids": [[-1, 3]]}, "run from -1"),
        ({"pad_token_id": 300}, "to 300 and the model knows 0 to 299"),
        ({"input_ids": [[1] * 33]}, "33 tokens was asked for and the model has 32 positions"),
        ({"labels": None}, "against labels"),
        ({"labels": np.array([0, 1])}, "there are 2 labels for 1 examples"),
        ({"labels": np.array([2])}, "labels run from 2 to 2 and the model has 2 classes"),
    ],
)
def test_a_scoring_set_that_does_not_fit_is_refused(
    change: dict[str, Any], named: str, exported_classifier: Exported, quick: ExportOptions, tmp_path: Path
) -> None:
    scoring = dataclasses.replace(ScoringSet([[1, 2]], np.array([1]), 0, calibration_ids=[[1, 2]]), **change)
    with pytest.raises(UserError, match=named):
        export_model(
            exported_classifier.model_dir, tmp_path / "out", family=DISTILBERT, scoring=scoring, options=quick
        )
    assert list(tmp_path.iterdir()) == []


def test_language_models_take_no_labels_and_need_a_next_token(
    exported_language_model: Exported, quick: ExportOptions, tmp_path: Path
) -> None:
    for scoring, named in (
        (ScoringSet([[1, 2]], np.array([1]), 0), "without labels"),
        (ScoringSet([[1]], None, 0), "at least 2 token"),
    ):
        with pytest.raises(UserError, match=named):
            export_model(
                exported_language_model.model_dir,
                tmp_path / "out",
                family=GPT2,
                scoring=scoring,
                options=quick,
            )


def test_a_model_of_the_other_task_is_refused(
    exported_language_model: Exported, classification_set: ScoringSet, quick: ExportOptions, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="holds a 'gpt2' model, not 'distilbert'"):
        export_model(
            exported_language_model.model_dir,
            tmp_path / "out",
            family=DISTILBERT,
            scoring=classification_set,
            options=quick,
        )


def test_a_folder_that_is_no_export_is_left_alone(
    exported_classifier: Exported, quick: ExportOptions, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(UserError, match="not an export"):
        export_model(
            exported_classifier.model_dir,
            tmp_path,
            family=DISTILBERT,
            scoring=exported_classifier.scoring,
            options=quick,
        )
    assert (tmp_path / "thesis.txt").read_text() == "do not lose me"


@pytest.mark.parametrize(
    "change", [{"latency_repeats": 0}, {"latency_batches": (1, 0)}, {"latency_tokens": 0}]
)
def test_options_below_one_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="count from 1"):
        ExportOptions(**change)
