"""What every verb begins with: where it prints, the store, the run that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.console import consoles
from errors import UserError
from experiments.build import pinned
from experiments.config import ExperimentConfig
from experiments.loading import CATALOG, load_experiment
from host.terminal import TerminalReporter
from host.text import shortened
from schema.catalog import catalog_names

if TYPE_CHECKING:
    from runs.files import RunFiles
    from tracking.store import Store


OK, FAILED = 0, 1


def outputs() -> tuple[Console, TerminalReporter]:
    """stdout for results, stderr for progress."""
    out, progress = consoles()
    return out, TerminalReporter(progress)


def open_existing(root: Path, reporter: TerminalReporter) -> Store:
    """For verbs that need runs: a store that is not there is a mistake, and none is made."""
    return _opened(root, reporter, create=False)


def named_run(run_id: str, root: Path) -> tuple[Console, TerminalReporter, RunFiles]:
    """Where results are printed, where progress is, and the run whose ID begins with `run_id`."""
    out, reporter = outputs()
    store = open_existing(root, reporter)
    from runs.files import run_named

    return out, reporter, run_named(store, run_id)


def open_store(root: Path, reporter: TerminalReporter) -> Store:
    """For verbs that make runs, and the store where there is none."""
    return _opened(root, reporter, create=True)


def _opened(root: Path, reporter: TerminalReporter, *, create: bool) -> Store:
    from cli.quiet import quiet

    quiet()
    with reporter.console.status("opening the tracking store"):
        from tracking.store import Store

        return Store.open(root) if create else Store.read(root)


def experiment_asked(
    name: str, overrides: Sequence[str], root: Path
) -> tuple[ExperimentConfig, Mapping[str, object]]:
    """A catalogued experiment, a YAML file or the settings of a run, with overrides; and what names a run of it."""
    from experiments.naming import flat_params, overrides_for_name
    from tracking.search import is_run_id

    typed = overrides_for_name(overrides)
    if not is_run_id(name):
        return load_experiment(name, overrides), typed
    _, _, run = named_run(name, root)
    from experiments.training.inputs import config_as_of

    _refuse_fork(run)
    config = config_as_of(run, overrides)
    if config.name not in catalog_names(CATALOG):
        return config, typed
    catalogued = flat_params(load_experiment(config.name))
    return config, {key: value for key, value in flat_params(config).items() if catalogued.get(key) != value}


def _refuse_fork(run: RunFiles) -> None:
    """UserError for a run that its settings alone do not make again."""
    from runs.layout import FORKED_FROM_TAG

    origin = run.record.tags.get(FORKED_FROM_TAG)
    if origin is not None:
        cure = f"`encore fork {shortened(origin, 60)} KEY=VALUE` begins there with other settings."
        raise UserError("is a fork: it began with another run's checkpoint", where=run.where, cure=cure)


def ask_hub(config: ExperimentConfig, root: Path) -> ExperimentConfig:
    """Pin hub revisions before large libraries are imported, so that a lacking hub is reported at once."""
    return pinned(config, cache_dir=root.absolute() / "cache")


def check_kind(name: str, others: Path, ours: Path, *, is_a: str, verb: str) -> None:
    """UserError for a name that only the other catalog has."""
    if name in catalog_names(others) and name not in catalog_names(ours):
        raise UserError(f"is {is_a}", where=name, cure=f"`encore {verb} {name}` runs it.")
