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

from export.bundle_file import BUNDLE_FILE, CARD_FILE, COPIED, FILES, BundleFile
from export.golden import GOLDEN_FILE, Golden, end_of_text, labels_of
from export.model_card import card
from export.whole_folder import written_whole
from host.files import file_digest
from host.model_folder import CONFIG, ModelFolder
from scoring.task import TaskName


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

    UserError for a folder that holds something else.
    """
    with written_whole(folder, marker=BUNDLE_FILE, kind="a bundle") as partial:
        for name in COPIED:
            shutil.copyfile(variant / name, partial / name)
        about = _described(partial, variant, origin)
        (partial / CARD_FILE).write_text(card(about), encoding="utf-8")
        whole = about.model_copy(
            update={"files": {name: file_digest(partial / name) for name in sorted(FILES)}}
        )
        (partial / BUNDLE_FILE).write_text(_text(whole), encoding="utf-8")
    return whole


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
        positions=config.get("n_positions", config.get("max_position_embeddings")),
        labels=labels,
        end_of_text=None if labels is not None else end_of_text(variant),
        batch_invariant=origin.figures.get("batch_invariant") == 1,
        under=golden.under,
        figures=dict(sorted(origin.figures.items())),
        files={},
    )


def _text(about: BundleFile) -> str:
    return json.dumps(about.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
