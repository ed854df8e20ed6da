"""MLflow's model registry, read from its SQLite tables; see `sql_reader`."""

from __future__ import annotations

import sqlite3

from errors import UserError
from host.text import shown
from tracking.entities import VARIANT_TAG, WEIGHTS_TAG, Version
from tracking.sql_values import text_of, whole_of

_ALIASES = """
SELECT models.name, alias, version FROM registered_models AS models
LEFT JOIN registered_model_aliases AS aliases ON aliases.name = models.name AND aliases.workspace = models.workspace
WHERE models.workspace = 'default'
"""
_VERSION = """
SELECT run_id, EXISTS (SELECT 1 FROM runs WHERE run_uuid = run_id AND lifecycle_stage = 'active')
FROM model_versions WHERE workspace = 'default' AND name = ? AND version = ?
"""
_TAGS = "SELECT key, value FROM model_version_tags WHERE workspace = 'default' AND name = ? AND version = ?"


def aliases_of(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Numbers of versions by their aliases, of each registered model by its name."""
    found: dict[str, dict[str, int]] = {}
    for model, alias, number in connection.execute(_ALIASES):
        of = found.setdefault(text_of(model), {})
        if alias is not None:
            of[text_of(alias)] = whole_of(number)
    return found


def version_of(connection: sqlite3.Connection, model: str, number: int) -> Version:
    """One of a registered model, which has it."""
    found = connection.execute(_VERSION, (model, number)).fetchone()
    if found is None:
        raise UserError(
            f"version {number} has an alias and is not there",
            where=shown(model),
            cure="It was deleted just now, or the store was altered: `encore promote ID` moves the champion's alias.",
        )
    run_id, active = found
    tags = {text_of(key): text_of(value) for key, value in connection.execute(_TAGS, (model, number))}
    return Version(number, text_of(run_id), bool(active), tags.get(VARIANT_TAG), tags.get(WEIGHTS_TAG))
