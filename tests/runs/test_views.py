"""Which columns, runs and charts the views of an experiment have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.layout import KIND_TAG, ORDER, PLACE, REUSES_TAG, RunKind
from runs.views import MOST_COLUMNS, views_of
from tracking.entities import KILLED_BECAUSE_TAG, RunRecord
from tracking.search import PARENT_TAG
from tracking.views import ALWAYS_SHOWN, View

SCORED = {"best/val/accuracy": 0.9, "test/accuracy": 0.8, "val/accuracy": 0.9, "train/loss": 0.1, ORDER: 0.89}
EXPORTED = {f"export/{variant}/{name}": 1.0 for variant in ("fp32", "int8")
            for name in ("accuracy", "size_mib", "latency_b1_p50_ms")}  # fmt: skip
STORIES = {f"stories/{name}": 0.5 for name in ("coherent", "ended", "loops", "perplexity")}


def run(number: int, kind: RunKind = RunKind.RUN, **more: object) -> RunRecord:
    params = {"optim.learning_rate": "1e-3", "seed": "0", "name": f"run {number}"}
    record = RunRecord(f"{number:032x}", f"run {number}", "demo", "FINISHED", params, dict(SCORED), {KIND_TAG: kind},
                       number, number + 1, None, "")  # fmt: skip
    return replace(record, **more)


def sweep(number: int) -> RunRecord:
    return run(
        number, RunKind.SWEEP, name="sweep demo s2 · 93.2 %", params={"space/optim.learning_rate": "{}"}
    )


def trial(number: int, parent: RunRecord, rate: str, **metrics: float) -> RunRecord:
    tags = {KIND_TAG: RunKind.TRIAL, PARENT_TAG: parent.run_id}
    params = {"optim.learning_rate": rate, "seed": "0"}
    return run(number, tags=tags, parent_id=parent.run_id, params=params, metrics={**SCORED, **metrics})


def by_name(views: list[View]) -> dict[str, View]:
    return {view.name: view for view in views}


def keys(view: View) -> list[str]:
    return [column.key for column in view.columns]


def test_runs_are_ranked_by_the_held_out_metric_with_an_order_among_equals() -> None:
    (view,) = views_of([run(1), run(2)], [])
    assert (view.name, view.order.key, view.ascending) == ("Runs", ORDER, False)
    assert keys(view) == ["best/val/accuracy", "test/accuracy"]
    for kind in (RunKind.SWEEP, RunKind.REPRODUCTION, RunKind.STORIES):
        assert f"tags.`{KIND_TAG}` != '{kind}'" in view.condition
    assert f"tags.`{REUSES_TAG}` IS NULL" in view.condition


def test_of_runs_of_an_earlier_version_the_metric_itself_ranks() -> None:
    old = {key: value for key, value in SCORED.items() if key != ORDER}
    (view,) = views_of([run(1), run(2, metrics=old)], [])
    assert view.order.key == "best/val/accuracy"


def test_a_lower_metric_is_the_better_one_for_language_models() -> None:
    (view,) = views_of(
        [run(1, metrics={"best/val/bits_per_byte": 0.6, "test/bits_per_byte": 0.7, ORDER: 0.6})], []
    )
    assert view.ascending
    assert keys(view) == ["best/val/bits_per_byte", "test/bits_per_byte"]


def test_what_was_scored_by_doubles_alone_makes_no_ranking() -> None:
    doubles = [run(1, RunKind.REPRODUCTION), run(2, tags={KIND_TAG: RunKind.TRIAL, REUSES_TAG: "x"})]
    assert views_of(doubles, []) == []
    assert views_of([], []) == []


@pytest.mark.parametrize(
    ("metrics", "shown", "ascending"),
    [
        ({"train/loss": 0.1}, ["train/loss"], True),
        (
            {"train/loss": 0.1, "val/loss": 0.3, "val/accuracy": 0.9},
            ["val/accuracy", "val/loss", "train/loss"],
            False,
        ),
        ({"train/loss": 0.1, "val/bits_per_byte": 2.0}, ["val/bits_per_byte", "train/loss"], True),
    ],
)
def test_while_the_first_run_trains_its_curves_are_what_there_is(
    metrics: dict[str, float], shown: list[str], ascending: bool
) -> None:
    (view,) = views_of([run(1, metrics=metrics, status="RUNNING")], [])
    assert keys(view) == shown
    assert (view.order.key, view.ascending) == (shown[0], ascending)
    assert {metric for chart in view.charts for metric in chart.metrics} >= {"train/loss"}
    assert views_of([run(1, metrics={}, status="RUNNING")], []) == []


def test_a_sweep_has_a_view_with_what_it_varied_and_its_winner_first() -> None:
    parent = sweep(9)
    trials = [trial(1, parent, "1e-3", **{PLACE: 2.0}), trial(2, parent, "2e-3", **{PLACE: 1.0})]
    view = by_name(views_of([*trials, run(3)], [parent]))["Sweep demo s2"]
    assert view.condition == f"tags.`{PARENT_TAG}` = '{parent.run_id}'"
    assert (view.order.key, view.ascending) == (PLACE, True)
    assert keys(view) == [PLACE, "best/val/accuracy", "test/accuracy", "optim.learning_rate"]
    assert [chart.kind for chart in view.charts[:2]] == ["LINE", "PARALLEL"]
    assert view.charts[0].metrics == ("val/accuracy",)
    assert view.charts[1].params == ("optim.learning_rate",)


def test_a_sweep_without_a_scored_run_has_no_view() -> None:
    parent = sweep(9)
    assert "Sweep demo s2" not in by_name(views_of([run(1)], [parent]))


def test_exports_have_a_view_of_their_own() -> None:
    views = by_name(views_of([run(1, metrics={**SCORED, **EXPORTED}), run(2)], []))
    assert "metrics.`export/int8/size_mib` > 0" in views["Exports"].condition
    assert set(EXPORTED) <= set(keys(views["Exports"]))
    assert [chart.kind for chart in views["Exports"].charts].count("SCATTER") == 2
    assert "Exports" not in by_name(views_of([run(1)], []))


def test_seeds_are_runs_that_differ_in_the_seed_alone() -> None:
    alike = [run(n, params={"optim.learning_rate": "1e-3", "seed": str(n), "name": str(n)}) for n in (1, 2)]
    other = run(3, params={"optim.learning_rate": "5e-3", "seed": "3"})
    failed = run(4, params={"optim.learning_rate": "1e-3", "seed": "4"}, status="FAILED")
    view = by_name(views_of([*alike, other, failed], []))["Seeds"]
    assert [one.run_id in view.condition for one in (*alike, other, failed)] == [True, True, False, False]
    assert "seed" in keys(view)
    assert "optim.learning_rate" not in keys(view)
    assert "Seeds" not in by_name(views_of([alike[0], other], []))


def test_stories_have_a_view_where_there_are_some() -> None:
    written = [
        run(n, RunKind.STORIES, metrics=STORIES, params={"decoding.temperature": f"0.{n}"}) for n in (1, 2)
    ]
    (view,) = views_of(written, [])
    assert (view.name, view.order.key) == ("Stories", "stories/coherent")
    assert keys(view) == [*STORIES, "decoding.temperature"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(RunKind)),
            st.sets(st.sampled_from([*SCORED, *EXPORTED, *STORIES, PLACE])),
            st.dictionaries(
                st.sampled_from([f"model.setting_{n}" for n in range(20)]), st.sampled_from("abc")
            ),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_no_view_has_more_than_twelve_columns_or_a_wholly_empty_one(
    found: list[tuple[RunKind, set[str], dict[str, str], bool]],
) -> None:
    parent = sweep(999)
    runs = [
        run(
            number,
            metrics=dict.fromkeys(metrics, 0.5),
            params=params,
            parent_id=parent.run_id,
            tags={
                KIND_TAG: kind,
                PARENT_TAG: parent.run_id,
                **({KILLED_BECAUSE_TAG: "pruned"} if killed else {}),
            },
        )
        for number, (kind, metrics, params, killed) in enumerate(found)
    ]
    present = {key for one in runs for key in (*one.metrics, *one.params, *one.tags)}
    for view in views_of(runs, [parent]):
        assert len(view.columns) + ALWAYS_SHOWN <= MOST_COLUMNS
        assert set(keys(view)) <= present
        assert len(set(keys(view))) == len(view.columns)
        assert {metric for chart in view.charts for metric in chart.metrics} <= present


@pytest.mark.parametrize("count", [1, 300])
def test_the_view_of_seeds_stays_short_enough_for_a_tag(count: int) -> None:
    runs = [run(n, params={"seed": str(n)}) for n in range(count)]
    for view in views_of(runs, []):
        assert len(view.condition) < 10_000
