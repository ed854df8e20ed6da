"""The tags that every run has from its beginning."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

from host.process import Owner
from tracking.notes import NOTE_TAG
from tracking.recovery import OWNER_TAG
from tracking.search import PARENT_TAG


def run_tags(tags: Mapping[str, str], description: str, parent_id: str | None) -> dict[str, str]:
    """`tags`, with whose run it is, what it says of itself and whose child it is."""
    return {
        "mlflow.user": _user(),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": "encore",
        NOTE_TAG: description,
        OWNER_TAG: str(Owner.current()),
        **({PARENT_TAG: parent_id} if parent_id else {}),
        **tags,
    }


def _user() -> str:
    """The user's name, or the number where a container's user has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
