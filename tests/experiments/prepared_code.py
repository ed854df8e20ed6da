"""A store as somebody prepares it who wants his code to be run: every digest in it is made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from host.files import file_digest
from runs.layout import SEALS_FILE
from tracking.manifest import seal_tag
from tracking.store import Store

PATCH, PROVENANCE = "run/working_tree.patch", "run/provenance.json"


def prepare(root: Path, run_id: str, files: Mapping[str, str]) -> None:
    """Have the run's record hold these files, with the digests that go with them, up to the tag in the database."""
    store = Store.open(root)
    run = store.find(run_id)
    seals = store.artifact(run, SEALS_FILE)
    told = json.loads(seals.read_text())
    for name, text in files.items():
        file = store.artifact(run, name)
        file.write_text(text)
        told[name] = file_digest(file)
    seals.write_text(json.dumps(told))
    log = store.attach(run_id)
    log.set_tags({seal_tag(SEALS_FILE): file_digest(seals)})
    log.close()
