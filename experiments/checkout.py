"""Where this program's sources are. Runs are recorded from its own checkout alone."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from errors import UserError
from host.boundary import boundary
from tracking.provenance import Provenance, collect

REPOSITORY = Path(__file__).resolve().parent.parent
_PROJECT = "encore-harness"


def check_own_checkout(sources: Path = REPOSITORY) -> None:
    """UserError where the sources are installed as a package, in whose place git knows at best somebody else's code."""
    if _project_of(sources).get("name") != _PROJECT:
        raise UserError(
            "Encore is installed here as a package, and a run records the commit and changes of Encore's own checkout",
            where=str(sources),
            cure="Clone its repository, `make setup` there, and use the `encore` of that .venv; "
            "this one shows and verifies runs.",
        )


def provenance_here() -> Provenance:
    """What a run of this program ran on. UserError where it is not run from its own checkout."""
    check_own_checkout()
    with boundary(
        "what it runs on cannot be found out", where=str(REPOSITORY), cure="Look at git and psutil."
    ):
        return collect(REPOSITORY)


def _project_of(sources: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((sources / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):  # none, or one that is not ours
        return {}
