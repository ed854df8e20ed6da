"""The bundle of a run of the store, in a folder of its own while it is served."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.session import named_run, open_existing, outputs
from errors import UserError
from host.model_folder import private_folder
from host.text import shown

if TYPE_CHECKING:
    from runs.files import RunFiles


@contextmanager
def run_bundle(named: str, variant: str, root: Path) -> Generator[Path]:
    """Its folder, until the block ends. UserError for what names no run, and for a run without that variant."""
    from runs.bundling import bundle_of

    run = _run(named, root)
    with private_folder({}, {}) as private:
        bundle_of(run, variant, private / "bundle")
        yield private / "bundle"


def _run(named: str, root: Path) -> RunFiles:
    name, at, alias = named.rpartition("@")
    if not at:
        return named_run(named, root)[2]
    store = open_existing(root, outputs()[1])
    from runs.files import run_named
    from tracking.registered_models import Registry

    version = Registry(store, name).aliased(alias)
    if version is None:
        raise UserError(
            "no model is registered under that name and alias",
            where=shown(named),
            cure="`encore promote ID` makes a run its experiment's @champion.",
        )
    return run_named(store, version.run_id)
