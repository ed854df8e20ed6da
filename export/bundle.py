"""A bundle: one variant of one run in a folder that is served and scored with onnxruntime and tokenizers alone.

    bundle.json     what it is, under what it was measured, its figures, and sha256 of every other file
    model.onnx      one file, without external data
    tokenizer.json, config.json
    golden.json     what it answered when it was exported (`export/golden.py`)
    README.md       a model card

It holds no time and no place, so made twice it is the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import UserError
from export.bundle_file import BUNDLE_FILE, CARD_FILE, COPIED, FILES, BundleFile
from export.golden import GOLDEN_FILE, Golden, end_of_text, labels_of
from export.model_card import card
from export.onnx_protobuf import inputs_of
from export.original import MODEL_FILE
from export.whole_folder import check_replaceable, written_whole
from host.files import entries, file_digest
from host.model_folder import CONFIG, ModelFolder
from scoring.task import TaskName

_KIND = "a bundle"
_INVARIANT = "batch_invariant"  # no figure: bundle.json has it as yes or no


@dataclass(frozen=True)
class Origin:
    """The run that a bundle is of, and what its report says of the variant: figures by name, such as `accuracy`."""

    run_id: str
    run_name: str
    experiment: str
    recipe_id: str | None
    task: TaskName
    variant: str
    figures: Mapping[str, float]


def write_bundle(variant: Path, origin: Origin, folder: Path) -> BundleFile:
    """Make `folder`, or replace the bundle there, of the exported variant in the folder `variant`; what it says.

    UserError as `check_place`.
    """
    check_place(folder)
    with written_whole(folder, marker=BUNDLE_FILE, kind=_KIND) as partial:
        for name in COPIED:
            shutil.copyfile(variant / name, partial / name)
        about = _described(partial, variant, origin)
        (partial / CARD_FILE).write_text(card(about, inputs_of(partial / MODEL_FILE)), encoding="utf-8")
        whole = about.model_copy(
            update={"files": {name: file_digest(partial / name) for name in sorted(FILES)}}
        )
        (partial / BUNDLE_FILE).write_text(_text(whole), encoding="utf-8")
    return whole


def check_place(folder: Path) -> None:
    """UserError for what is no folder, and for one that holds something else. What lies beside a bundle would go with
    it when it is replaced."""
    check_replaceable(folder, marker=BUNDLE_FILE, kind=_KIND)
    for name in entries(folder):
        if name not in (BUNDLE_FILE, *FILES):
            raise UserError(
                f"{name} is none of a bundle's files, and would be gone",
                where=str(folder),
                cure="Move it away, or name another folder.",
            )


def _described(folder: Path, variant: Path, origin: Origin) -> BundleFile:
    golden = Golden.model_validate_json((folder / GOLDEN_FILE).read_bytes())
    config = ModelFolder(folder, where=str(folder)).table(CONFIG)
    first = golden.answers[0]
    labels = labels_of(folder, len(first.logits)) if first.kind == "label" else None
    return BundleFile(
        run_id=origin.run_id,
        run_name=origin.run_name,
        experiment=origin.experiment,
        recipe_id=origin.recipe_id,
        task=origin.task,
        model_type=str(config.get("model_type")),
        variant=origin.variant,
        max_tokens=golden.max_tokens,
        cut=golden.cut,
        positions=config.get("n_positions", config.get("max_position_embeddings")),
        labels=labels,
        end_of_text=None if labels is not None else end_of_text(variant),
        batch_invariant=origin.figures.get(_INVARIANT) == 1,
        under=golden.under,
        figures={name: value for name, value in sorted(origin.figures.items()) if name != _INVARIANT},
        files={},
    )


def _text(about: BundleFile) -> str:
    return json.dumps(about.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
