"""Whether the runs that a run depends on are there, and their models still what it began with or learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from errors import UserError
from runs.check import Check
from runs.files import RunFiles
from runs.kept_files import checked_model
from runs.layout import CONFIG_FILE, MODEL_FOLDER, fingerprint_tag
from runs.lineage import ROLES, Role, parent_of
from runs.model_prints import model_prints
from runs.record_files import ConfigFile
from schema.overrides import flat_mapping


def check_parents(run: RunFiles) -> Iterator[Check]:
    """Of each parent: the record names it as the store does, and its model is the one whose digests are recorded."""
    settings = flat_mapping(run.read(ConfigFile, CONFIG_FILE))
    for role in ROLES:
        asked, run_id = _asked(role, settings), run.record.tags.get(role.tag)
        if asked is None and run_id is None:
            continue
        yield Check(f"parent: {role.told}", CONFIG_FILE, asked == run_id, asked or "none", run_id or "none")
        if run_id is not None:
            yield from _model(run, role, run_id)


def _asked(role: Role, settings: dict[str, Any]) -> str | None:
    """The ID that the config names."""
    value = settings.get(role.key)
    if not isinstance(value, str) or not value.startswith(role.ahead):
        return None
    return value.removeprefix(role.ahead)


def _model(run: RunFiles, role: Role, run_id: str) -> Iterator[Check]:
    parent = parent_of(run.store, role, run_id).run
    where = f"{MODEL_FOLDER} of run {run_id[:8]}"
    if parent is None:
        yield Check(f"parent: {role.told}", where, holds=False, recorded="a run", found="gone")
        return
    try:
        found = model_prints(checked_model(RunFiles(run.store, parent)))
    except UserError as error:
        yield Check(f"parent: {role.told}", where, holds=False, recorded="its model", found=error.what)
        return
    for name, digest in found.items():
        recorded = run.record.tags.get(fingerprint_tag(f"{role.prints}{name}"), "none")
        yield Check(f"parent: {role.told}: {name}", where, recorded == digest, recorded, digest)
