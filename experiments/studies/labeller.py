"""A classifier that answers one text at a time: a run's model, one of its exported variants, or a folder's.

Each call is of one text on one thread, so a text's bits depend neither on others nor on how many threads there are.

Shape legend: C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.cut import TextLimit
from errors import UserError
from experiments.studies.models import StudiedModel, folder_prints, model_of_folder, model_of_run
from experiments.training.inputs import recorded_config
from export.golden import labels_of
from export.text_ids import Ids, TextIds
from export.variants import BY_NAME
from host.cpu import usable_cores
from runs.checks import check_has_model, export_command
from runs.files import RunFiles, plain_digest
from runs.kept_files import checked_model, checked_run_folder
from runs.layout import EXPORT_FOLDER, MODEL_FOLDER
from scoring.tasks import CLASSIFICATION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightning_modules.text_model import TextModel

    Logits = Callable[[list[int]], NDArray[np.float32]]

_WINDOW = 256  # texts that are given to the threads beforehand


@dataclass(frozen=True)
class Labeller:
    """logits: (C,) float32 of a text's ids. fingerprints: digests of weights and tokenizer."""

    labels: tuple[str, ...]
    reader: TextIds
    logits: Logits
    fingerprints: dict[str, str]

    def answers(self, texts: Sequence[str]) -> Iterator[tuple[Ids, NDArray[np.float32]]]:
        """Of each text, in order, each as soon as it and those before it are there."""
        with ThreadPoolExecutor(usable_cores()) as pool:
            for begin in range(0, len(texts), _WINDOW):
                yield from pool.map(self._answer, texts[begin : begin + _WINDOW])

    def _answer(self, text: str) -> tuple[Ids, NDArray[np.float32]]:
        ids = self.reader.of(text)
        return ids, self.logits(ids.ids)


def of_run(run: RunFiles, variant: str) -> Labeller:
    """UserError for a run without a classifier, or without that variant, or whose files are not what it left."""
    check_has_model(run)
    config, form = recorded_config(run), BY_NAME[variant]
    if config.task is not CLASSIFICATION:
        raise UserError(
            f"its model, a {config.model.kind}, labels no texts",
            where=run.where,
            cure="Name a classifier's run.",
        )
    if not form.is_exported:
        return _of_model(model_of_run(run))
    if not run.has(f"{EXPORT_FOLDER}/{variant}/model.onnx"):
        raise UserError(
            f"has no {variant} variant",
            where=run.where,
            cure=f"Export it first: {export_command(run, variant)}.",
        )
    logits = _onnx(checked_run_folder(run, f"{EXPORT_FOLDER}/{variant}"))
    digest = plain_digest(run, form.weights(MODEL_FOLDER, EXPORT_FOLDER))
    return _labeller(checked_model(run), logits, digest, config.data.limit)


def of_folder(folder: Path, *, max_tokens: int) -> Labeller:
    """Of a classifier's folder, as save_pretrained writes it. UserError for any other."""
    found = model_of_folder(folder, max_tokens=max_tokens)
    if found.family.task is not CLASSIFICATION:
        raise UserError(
            f"holds a {found.family.kind}, which labels no texts",
            where=str(folder),
            cure="Give a classifier's folder.",
        )
    return _of_model(found)


def _of_model(found: StudiedModel) -> Labeller:
    return _labeller(found.folder, _torch(found.model), found.weights, found.limit)


def _labeller(folder: Path, logits: Logits, weights: str, limit: TextLimit) -> Labeller:
    reader = TextIds(folder, limit=limit)
    count = len(logits(reader.of("a").ids))
    if count < 2:
        raise UserError(
            "has a single label", where=str(folder), cure="Give a classifier of two labels or more."
        )
    prints = {"weights": weights, **folder_prints(folder)}
    return Labeller(tuple(labels_of(folder, count)), reader, logits, prints)


def _onnx(folder: Path) -> Logits:
    import numpy as np

    from export.session import OnnxModel

    model = OnnxModel(folder, threads=1)
    return lambda ids: model.logits(np.array([ids], np.int64))[0]


def _torch(model: TextModel) -> Logits:
    import torch

    def logits(ids: list[int]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return model.logits(torch.tensor([ids]))[0].numpy()

    return logits
