"""What a sweep says before it begins."""

from __future__ import annotations

from host.progress import SILENT
from sweeps.plan import plan_of
from tests.overrides import latest
from tests.reporters import KeptReporter
from tests.sweep_specs import load_sweep
from tests.tiny import SHORT
from tracking.store import Store


def test_a_key_that_was_typed_and_that_the_search_or_the_finale_sets_is_named(store: Store) -> None:
    finale = "finale={top: 1, overrides: {train.max_steps: 12}}"
    spec, rest = load_sweep("demo", latest([*SHORT, finale, "optim.learning_rate=0.002"]))
    reporter = KeptReporter()
    plan = plan_of(spec, rest, store, reporter, reuse=True)
    assert plan.notes[-2:] == (
        "optim.learning_rate is drawn by the search; 0.002 is the first trial's.",
        "train.max_steps=8 is the search's; the finale has train.max_steps=12 (finale.overrides).",
    )
    said = [sentence for sentence, style in reporter.said if style == "warning"]
    assert said == [f"note: {note}" for note in plan.notes]
    without, rest = load_sweep("demo", SHORT)
    assert not [note for note in plan_of(without, rest, store, SILENT, reuse=True).notes if "finale" in note]
