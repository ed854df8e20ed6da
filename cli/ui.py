"""The verb that opens MLflow's pages where the question is answered."""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.session import OK, open_existing, outputs
from errors import UserError
from host.text import shown, shown_list

if TYPE_CHECKING:
    from host.terminal import TerminalReporter
    from tracking.entities import RunRecord
    from tracking.store import Store


def ui_verb(named: str | None, root: Path, *, host: str, port: int, charts: bool, opens: bool) -> int:
    _, reporter = outputs()
    store = open_existing(root, reporter)
    from tracking.ui import can_show, own_address, serve

    page = _page(store, named, reporter)

    def announce(address: str) -> None:
        link = page.link(address, charts=charts)
        sys.stdout.write(f"{link}\n")
        sys.stdout.flush()
        if opens and can_show():
            webbrowser.open(link)

    address = own_address(store)
    if address is not None:
        announce(address)
        return OK
    reporter.say("Ctrl-C ends it.", "log")
    return serve(store, host, port, announce=announce)


@dataclass(frozen=True)
class _Page:
    """What is opened: a view of an experiment, or of a run its own page. view: its key; none: MLflow's own table."""

    experiment_id: str
    view: str | None = None
    run_id: str | None = None

    def link(self, address: str, *, charts: bool) -> str:
        from tracking.views import run_link, view_link

        if self.run_id is not None:
            return run_link(address, self.experiment_id, self.run_id)
        return view_link(address, self.experiment_id, self.view, charts=charts)


def _page(store: Store, named: str | None, reporter: TerminalReporter) -> _Page:
    """UserError for a name that neither a run nor an experiment has, and for a store without a run."""
    from runs.layout import RunKind, kind_of
    from runs.views import RUNS_VIEW, save_views, sweep_key
    from tracking.views import experiment_id as experiment_id_of

    experiment, run = _named(store, named)
    experiment_id = experiment_id_of(store, experiment)
    assert experiment_id is not None, "it has runs"
    sweep = run is not None and kind_of(run) == RunKind.SWEEP
    if run is not None and not sweep:
        return _Page(experiment_id, run_id=run.run_id)
    try:
        keys = [view.key for view in save_views(store, experiment)]
    except UserError as error:  # such as a store that can be read alone
        reporter.say(f"MLflow's saved views are not up to date: {error}", "warning")
        keys = []
    wanted = RUNS_VIEW if run is None else sweep_key(run)
    return _Page(experiment_id, wanted if wanted in keys else next(iter(keys), None))


def _named(store: Store, named: str | None) -> tuple[str, RunRecord | None]:
    """The experiment, and the run where one is named."""
    from tracking.search import is_run_id

    if named is None:
        newest = store.runs(limit=1)
        if not newest:
            raise UserError(
                "the store has no run yet",
                where=str(store.root),
                cure="`encore train demo_reviews` makes one.",
            )
        return newest[0].experiment, None
    if store.runs(experiment=named, limit=1):
        return named, None
    if is_run_id(named):
        run = store.find(named)
        return run.experiment, run
    known = dict.fromkeys(run.experiment for run in store.runs(limit=500))
    raise UserError(
        "neither an ID nor an experiment with runs",
        where=shown(named),
        cure=f"There are {shown_list(known)}.",
    )
