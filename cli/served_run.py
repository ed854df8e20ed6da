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
from host.text import shown, shown_list

if TYPE_CHECKING:
    from runs.files import RunFiles
    from tracking.store import Store


@contextmanager
def run_bundle(named: str, variant: str | None, root: Path) -> Generator[Path]:
    """Its folder, until the block ends. variant: none: the one that is registered, of a run the deployed one.

    UserError for what names no run, and for a run without that variant.
    """
    run, registered = _run(named, root)
    from runs.bundling import bundle_of

    with private_folder({}, {}) as private:
        bundle_of(run, variant or registered, private / "bundle")
        yield private / "bundle"


def _run(named: str, root: Path) -> tuple[RunFiles, str]:
    """The run, and which variant of it is meant where nobody says another."""
    name, at, alias = named.rpartition("@")
    if not at:
        return named_run(named, root)[2], DEPLOYED.name
    reporter = outputs()[1]
    store = open_existing(root, reporter)
    from runs.files import plain_digest, run_named
    from runs.layout import EXPORT_FOLDER, MODEL_FOLDER
    from tracking.registered_models import Registry

    version = Registry(store, name).aliased(alias)
    if version is None:
        raise _unregistered(store, name, alias)
    run, own = run_named(store, version.run_id), BY_NAME.get(version.variant or "")
    if own is None or not own.is_exported:  # it was registered before it was exported
        return run, DEPLOYED.name
    if version.weights not in (None, plain_digest(run, own.weights(MODEL_FOLDER, EXPORT_FOLDER))):
        reporter.say(
            f"{run.where} was exported again since it was registered: {shown(named)} leads MLflow to the {own.name} of"
            " before; `encore pareto ID --pick RULE` registers that of now.",
            "warning",
        )
    return run, own.name


def _unregistered(store: Store, name: str, alias: str) -> UserError:
    """That says what there is instead."""
    known, promoted = store.search.aliases(), "`encore promote ID` makes a run its experiment's @champion."
    if name not in known:
        named = f"The registry has {shown_list(sorted(known))}." if known else promoted
        return UserError("no model is registered under that name", where=shown(name), cure=named)
    if not known[name]:
        return UserError("it has no alias", where=shown(name), cure=promoted)
    aliases = shown_list(sorted(known[name]))
    return UserError(f"it has no alias {shown(alias)}", where=shown(name), cure=f"It has {aliases}.")
