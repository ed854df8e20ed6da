"""The champion of an experiment: told when a run has finished, and chosen by `encore promote`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import print_json
from cli.session import OK, named_run

if TYPE_CHECKING:
    from host.terminal import TerminalReporter
    from tracking.store import Store


def tell_challenge(
    store: Store, run_id: str, reporter: TerminalReporter, *, ends_with: BaseException | None = None
) -> None:
    """Hold a run that has just finished against the champion. A double of another run is none to do so with; what goes
    wrong is told, and costs the run nothing. ends_with: see `aside`."""
    from comparison.champion import challenge
    from comparison.recipes import is_training
    from runs.aside import aside
    from runs.files import run_named

    what = f"run {run_id[:8]} was not held against the champion"
    with aside(reporter, what, root=store.root, ends_with=ends_with):
        run = run_named(store, run_id)
        if is_training(run.record):
            reporter.say(challenge(run).told())


def promote_verb(run_id: str, variant: str | None, root: Path, *, as_json: bool) -> int:
    out, _, run = named_run(run_id, root)
    from comparison.champion import challenge

    found = challenge(run, by_hand=True, variant=variant)
    if as_json:
        print_json(asdict(found))
    else:
        out.print(found.told(), markup=False, highlight=False)
    return OK
