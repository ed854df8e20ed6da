"""Whether the folder that MLflow loads a run's model from is what the run left there."""

from __future__ import annotations

from collections.abc import Iterator

from runs.check import Check
from runs.files import RunFiles
from tracking.logged_models import SERVED_TAG, folder_digest
from tracking.places import inside


def check_served(run: RunFiles) -> Iterator[Check]:
    """Of a model whose files are here, and not on a server. Nothing for a run that has none, or had one that was
    removed: then there is nothing to be loaded.
    """
    model_id, _, recorded = run.record.tags.get(SERVED_TAG, "").partition(" ")
    own = run.store.files.folder(run.record)
    if not recorded or own is None:
        return
    path = f"models/{model_id}/artifacts"
    folder = inside(own.parent.parent, path)
    if folder.exists():
        found = folder_digest(folder)
        yield Check("model in MLflow", path, found == recorded, recorded, found)
