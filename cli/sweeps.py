"""The verb that sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cli.champions import tell_challenge
from cli.console import print_json
from cli.name_first import check_name_first
from cli.session import FAILED, OK, ask_hub, check_kind, open_store, outputs
from cli.sweep_tables import print_next_commands, print_sweep, print_trial
from experiments.checkout import check_own_checkout
from experiments.config import ExperimentConfig
from experiments.loading import CATALOG


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
    store = open_store(root, reporter)
    from sweeps.run import run_sweep

    report = run_sweep(
        spec,
        store,
        overrides=rest,
        again=again,
        reporter=reporter,
        on_trial=lambda what, result: print_trial(reporter.console, what, result),
    )
    if as_json:
        print_json(asdict(report))
    else:
        print_sweep(out, report)
        print_next_commands(out, report, root)
    if report.best is not None:
        tell_challenge(store, report.best.run_id, reporter)
    return FAILED if report.best is None or report.best.gate not in {None, "passed"} else OK
