"""A store as somebody prepares it who wants his code to be run: every digest in it is made anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from host.files import entries, file_digest
from tracking.artifacts import digests_of
from tracking.manifest import MANIFEST_FILE, MANIFEST_NEXT, MANIFEST_SEAL, manifest_text, seal_tag
from tracking.store import Store

PATCH, PROVENANCE = "run/working_tree.patch", "run/provenance.json"


def prepare(root: Path, run_id: str, files: Mapping[str, str]) -> None:
    """Have the run's record hold these files, with the digests that go with them, up to the tags in the database."""
    store = Store.open(root)
    run = store.find(run_id)
    folder = store.artifact(run, PROVENANCE).parent.parent
    for name, text in files.items():
        (folder / name).write_text(text)
    found = {path: entry.path for path, entry in entries(folder).items() if entry.kind == "file"}
    manifest = found.pop(MANIFEST_FILE)
    manifest.write_text(manifest_text(digests_of(found)))
    store.client.set_tag(run_id, seal_tag(PROVENANCE), file_digest(folder / PROVENANCE))
    for tag in (MANIFEST_NEXT, MANIFEST_SEAL):
        store.client.set_tag(run_id, tag, file_digest(manifest))
