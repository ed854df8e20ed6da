"""Whether just this sweep has been run to its end: then it is looked up, and nothing is trained or written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.build import pinned
from experiments.config import ExperimentConfig
from experiments.parents import named
from experiments.training.parents import parents_of
from host.cpu import read_cpu
from host.gpu import gpus
from runs.layout import BEST_RUN_TAG, DONE_TAG, KIND_TAG, RunKind
from schema.validation import parse
from sweeps.loading import base_experiment
from sweeps.recorded import recorded_report
from sweeps.storage import study_storage
from tracking.addresses import study_address

if TYPE_CHECKING:
    from sweeps.config import SearchConfig, SweepConfig
    from sweeps.rows import SweepReport
    from tracking.entities import RunRecord
    from tracking.store import Store

ALREADY = (
    "this sweep has used its budget, and nothing was run; a larger budget.trials or another seed runs more."
)


def asked(sweep: SearchConfig, base: Mapping[str, Any]) -> str:
    """sha256 of all that a sweep was asked for, budget and finale included, and of the machine, which decides what is
    left out of its space. base: the experiment, or the run that writes."""
    cpu = read_cpu()
    machine = [cpu.model, sorted(cpu.flags or ()), [gpu.name for gpu in gpus()]]
    text = json.dumps([sweep.model_dump(mode="json"), base, machine], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def finished_sweep(store: Store, digest: str) -> RunRecord | None:
    """The sweep's own run, where its last session came to the end of what was `asked`; none: there is work to do.

    Without its study, or the run that it selected, a sweep begins anew or says what is gone.
    """
    file = study_storage(store.root, study_address()).file
    if file is not None and not file.is_file():
        return None
    found = store.runs(tags={KIND_TAG: RunKind.SWEEP, DONE_TAG: digest}, limit=1)
    if not found or found[0].status != "FINISHED":
        return None
    best = found[0].tags.get(BEST_RUN_TAG)
    children = {run.run_id for run in store.runs(parent_id=found[0].run_id)}
    return found[0] if best is None or best in children else None


def known_sweep(sweep: SweepConfig, overrides: Sequence[str], store: Store) -> SweepReport | None:
    """What the sweep found, where it has been run to its end; none: there is work to do."""
    base = parse(ExperimentConfig, base_experiment(sweep, overrides), where=sweep.name)
    base = named(pinned(base, cache_dir=store.root / "cache"), parents_of(base, store))
    parent = finished_sweep(store, asked(sweep, base.model_dump(mode="json")))
    if parent is None:
        return None
    return recorded_report(store, parent, [ALREADY])
