"""The bundle of a run of the store, in a folder of its own while it is served."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.session import named_run, open_existing, outputs
from errors import UserError
from export.variants import BY_NAME, DEPLOYED
from host.model_folder import private_folder
from host.text import shown

if TYPE_CHECKING:
    from runs.files import RunFiles


@contextmanager
def run_bundle(named: str, variant: str | None, root: Path) -> Generator[Path]:
    """Its folder, until the block ends. variant: none: the one that is registered, of a run the deployed one.

    UserError for what names no run, and for a run without that variant.
    """
    from runs.bundling import bundle_of

    run, registered = _run(named, root)
    with private_folder({}, {}) as private:
        bundle_of(run, variant or registered, private / "bundle")
        yield private / "bundle"


def _run(named: str, root: Path) -> tuple[RunFiles, str]:
    """The run, and which variant of it is meant where nobody says another."""
    name, at, alias = named.rpartition("@")
    if not at:
        return named_run(named, root)[2], DEPLOYED.name
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
    own = version.variant
    is_exported = own in BY_NAME and BY_NAME[own].is_exported  # else it was registered before it was exported
    return run_named(store, version.run_id), own if own is not None and is_exported else DEPLOYED.name
