"""A trial is plain data: another process trains it and comes to the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from encore_harness import HOME
from host.progress import SILENT
from runs.files import run_named
from runs.outcome import read_outcome
from sweeps.plan import plan_of, start_parent
from sweeps.session import place_of
from sweeps.storage import study_storage
from sweeps.study import Search, open_search
from sweeps.trial import run_trial
from tests.overrides import latest
from tests.sweep_specs import load_sweep
from tests.sweeps.test_run import SMALL
from tracking.addresses import study_address
from tracking.store import Store

_ELSEWHERE = """
import json, sys
from dataclasses import asdict
from host.progress import SILENT
from sweeps.trial import Trial, run_trial
from tests.sweeps.test_trial import opened

store, search = opened(sys.argv[1])
print(json.dumps(asdict(run_trial(Trial(**json.loads(sys.argv[2])), store, search, SILENT))))
"""


def opened(root: str) -> tuple[Store, Search]:
    """The store and the study, as any process opens them."""
    sweep, rest = load_sweep("demo", latest([*SMALL, "export.when=never"]))
    store = Store.open(Path(root))
    plan = plan_of(sweep, rest, store, SILENT, reuse=False)
    storage = study_storage(store.root, study_address())
    search = open_search(
        sweep,
        plan.space,
        plan.mapping,
        first=plan.first,
        maximize=True,
        storage=storage,
        store_uri=place_of(store, storage),
    )
    return store, search


@pytest.mark.slow
def test_another_process_trains_a_trial_and_comes_to_the_same(root: Path) -> None:
    sweep, rest = load_sweep("demo", latest([*SMALL, "export.when=never"]))
    store, search = opened(str(root))
    plan = plan_of(sweep, rest, store, SILENT, reuse=False)
    parent = start_parent(plan, search, store)
    drawn = search.next_trial()
    trial = plan.trial(drawn.number, drawn.values, stage="search", parent_id=parent.run_id)
    as_text = json.dumps(asdict(trial))
    command = [sys.executable, "-c", _ELSEWHERE, str(root), as_text]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HOME)
    elsewhere = json.loads(done.stdout.splitlines()[-1])
    here = run_trial(trial, store, search, SILENT)
    assert here.run is not None
    runs = [run_named(store, run_id) for run_id in (elsewhere["run"]["run_id"], here.run.run_id)]
    assert runs[0].record.run_id != runs[1].record.run_id
    for run in runs:
        assert run.record.tags["mlflow.parentRunId"] == parent.run_id
        assert run.record.tags["encore.trial"] == str(drawn.number)
    outcomes = [read_outcome(run) for run in runs]
    assert outcomes[0].digests == outcomes[1].digests
    assert outcomes[0].metrics == outcomes[1].metrics
    parent.finish("FINISHED")
