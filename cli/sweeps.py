"""The verb that sweeps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from cli.champions import tell_challenge
from cli.console import print_json
from cli.name_first import check_name_first
from cli.session import FAILED, OK, ask_hub, check_kind, open_existing, open_store, outputs
from cli.story_tables import print_settings
from cli.sweep_tables import print_next_commands, print_sweep, print_trial
from errors import UserError
from experiments.checkout import check_own_checkout
from experiments.config import ExperimentConfig
from experiments.loading import CATALOG
from runs.layout import PASSED
from tracking.addresses import DATABASE_FILE

if TYPE_CHECKING:
    from host.terminal import TerminalReporter
    from sweeps.config import SweepConfig
    from sweeps.rows import SweepReport
    from tracking.entities import RunRecord
    from tracking.store import Store


def sweep_verb(
    name: str, overrides: Sequence[str], root: Path, *, again: bool, as_json: bool, dry_run: bool
) -> int:
    from sweeps.config import DecodingSweepConfig
    from sweeps.loading import CATALOG as SWEEPS
    from sweeps.loading import base_experiment, load_search

    check_name_first("sweep", name, overrides)
    check_kind(name, CATALOG, SWEEPS, is_a="an experiment", verb="train")
    spec, rest = load_search(name, overrides)
    if isinstance(spec, DecodingSweepConfig):
        from cli.stories import decoding_sweep_verb

        return decoding_sweep_verb(spec, rest, root, again=again, as_json=as_json, dry_run=dry_run)
    out, reporter = outputs()
    base = base_experiment(spec, rest)
    if dry_run:
        print_json({"sweep": spec.model_dump(mode="json"), "experiment": base})
        return OK
    check_own_checkout()
    ask_hub(ExperimentConfig.model_validate(base), root)
    report = _known(spec, rest, root, reporter)
    if report is None:
        report = _run(spec, rest, root, out, reporter, again=again, as_json=as_json)
    else:
        _print(out, report, root, as_json=as_json)
    return FAILED if report.best is None or report.best.gate not in {None, PASSED} else OK


def _run(
    spec: SweepConfig,
    overrides: Sequence[str],
    root: Path,
    out: Console,
    reporter: TerminalReporter,
    *,
    again: bool,
    as_json: bool,
) -> SweepReport:
    store = open_store(root, reporter)
    from sweeps.run import run_sweep

    report = run_sweep(
        spec,
        store,
        overrides=overrides,
        again=again,
        reporter=reporter,
        on_trial=lambda what, result: print_trial(reporter.console, what, result),
    )
    said = reporter.said if out.is_terminal and reporter.console.is_terminal else ()
    _print(out, report, root, as_json=as_json, said=said)
    if report.best is not None:
        tell_challenge(store, report.best.run_id, reporter)
    return report


def _known(
    spec: SweepConfig, overrides: Sequence[str], root: Path, reporter: TerminalReporter
) -> SweepReport | None:
    """A sweep that has been run to its end is looked up, without what trains and what writes."""
    if not (root / DATABASE_FILE).exists():
        return None
    from sweeps.finished import known_sweep

    return known_sweep(spec, overrides, open_existing(root, reporter))


def _print(
    out: Console,
    report: SweepReport,
    root: Path,
    *,
    as_json: bool,
    most: int | None = None,
    said: Collection[str] = (),
) -> None:
    if as_json:
        print_json(asdict(report))
    else:
        print_sweep(out, report, most=most, said=said)
        print_next_commands(out, report, root)


def sweep_status_verb(name: str, overrides: Sequence[str], root: Path, *, as_json: bool) -> int:
    """The state of the newest sweep of that name; nothing is trained."""
    from sweeps.loading import load_search
    from sweeps.recorded import newest_sweep

    check_name_first("sweep", name, overrides)
    if overrides:
        raise UserError(
            "changes nothing where nothing is run", where=f"--status {overrides[0]}", cure="Leave it out."
        )
    out, reporter = outputs()
    store = open_existing(root, reporter)
    spec, _ = load_search(name)
    print_state(out, store, newest_sweep(store, spec.name), root, as_json=as_json)
    return OK


def print_state(
    out: Console,
    store: Store,
    parent: RunRecord,
    root: Path,
    *,
    as_json: bool = False,
    most: int | None = None,
) -> None:
    """What a sweep has come to by now, from the store alone. most: so many of its trials; none: all."""
    from sweeps.decoding.recorded import recorded_settings
    from sweeps.recorded import is_of_decoding, progress_of, recorded_report

    if is_of_decoding(parent):
        settings = recorded_settings(store, parent)
        if as_json:
            print_json(None if settings is None else asdict(settings))
        elif settings is None:
            out.print("No setting has been written yet.", highlight=False)
        else:
            print_settings(out, settings, root)
        return
    report = recorded_report(store, parent)
    if not as_json:
        out.print(progress_of(parent, report), highlight=False)
    _print(out, report, root, as_json=as_json, most=most)
