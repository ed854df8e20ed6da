"""Which exported forms nothing beats, and which of them a rule picks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.pareto import Wanted, pareto_verb
from comparison.forms import LATENCY, LATENCY_TIE, SHORT_LATENCY, SIZE
from comparison.front import dominators
from comparison.pareto import FormRow, Pareto, pareto
from comparison.pareto_picture import pareto_picture
from comparison.picking import choice, picked, register, within
from comparison.results import Figure
from comparison.rules import KINDS, Rule, rule_of
from errors import UserError
from runs.layout import EXPORT_REPORT, KIND_TAG, RunKind
from tests.comparison.exported_runs import FORMS, ROWS, exported_run
from tests.comparison.made_runs import Made, make, reviews, stories
from tests.processes import encore
from tracking.entities import Experiment
from tracking.registered_models import Registry
from tracking.store import Store


def places(found: Pareto) -> dict[str, tuple[str, str | None]]:
    return {row.variant: (row.place, row.dominated_by) for row in found.forms}


def test_each_form_has_its_place_its_interval_and_what_beats_it(store: Store) -> None:
    run_id = exported_run(store)
    found = pareto(store, [run_id[:8]])
    best = f"{run_id[:8]}@int8"
    assert places(found) == {
        "int4": ("front", None), "int8": ("front", None), "fp32": ("front", None),
        "int8-rows": ("dominated", best), "torch": ("original", None),
    }  # fmt: skip
    assert [row.variant for row in found.forms] == ["int4", "int8", "fp32", "int8-rows", "torch"]
    row = found.forms[1]
    assert (row.score.value, row.changed, row.answers) == (0.895, 1, 200)
    assert row.score.low is not None
    assert row.score.low < 0.895 < (row.score.high or 0)
    assert found.over == ("accuracy", "latency", "size")
    assert found.notes == ()


def test_the_latency_is_that_of_sixteen_tokens_where_every_form_has_it(store: Store) -> None:
    """An export of an earlier version has none: the rows of two corpora are of two lengths, and do not compare."""
    timed = {name: {**of, SHORT_LATENCY: 10 - of[LATENCY]} for name, of in FORMS.items()}
    short = {"export/latency_tokens": "40"}
    new, newer = exported_run(store, timed), exported_run(store, timed, params=short)
    found = pareto(store, [new, newer])
    assert (found.latency, found.over[1], found.incomparable) == (SHORT_LATENCY, "latency", {})
    assert "tokens" not in found.conditions
    assert {row.variant: row.latency_ms for row in found.forms}["int8"] == 9.0
    old = pareto(store, [new, exported_run(store, params=short)])
    assert (old.latency, old.incomparable) == (LATENCY, {"tokens": ("12", "40")})


def test_latencies_of_two_machines_decide_nothing_and_that_is_said(store: Store) -> None:
    slow = {name: {**of, LATENCY: of[LATENCY] * 9} for name, of in FORMS.items()}
    slow["int8"] = {**slow["int8"], "size_mib": 19.0}
    one, other = exported_run(store), exported_run(store, slow, params={"export/threads": "2"})
    found = pareto(store, [one, other])
    assert found.over == ("accuracy", "size")
    assert found.incomparable == {"threads": ("1", "2")}
    assert "(threads: 1, 2)" in found.notes[0]
    front = [row.label for row in found.forms if row.place == "front"]
    assert f"{other[:8]}@int8" in front  # nine times slower, and smaller
    assert f"{one[:8]}@int8" not in front
    with pytest.raises(UserError, match=r"latencies were not measured alike .threads: 1, 2"):
        choice(found, rule_of("fastest-within 1"))
    assert choice(found, rule_of("smallest-within 0.6"))[0].label == f"{other[:8]}@int8"


def test_a_sweep_stands_for_its_trials_and_those_without_an_export_are_told_with_their_command(
    store: Store,
) -> None:
    sweep = store.start_run(
        experiment=Experiment("sst2", "best/val/accuracy"), name="sweep", params={},
        tags={KIND_TAG: RunKind.SWEEP}, description="", sampled=False,
    )  # fmt: skip
    trial = Made([True] * 200, tags={KIND_TAG: RunKind.TRIAL}, parent=sweep.run_id)
    for status, reason in (("KILLED", "pruned"), ("KILLED", "pruned"), ("FAILED", None)):
        make(store, ROWS, replace(trial, status=status, reason=reason))
    bare = make(store, ROWS, trial)
    store.attach(bare).log_json({}, "run/config.json")
    kept = exported_run(store, made=trial)
    sweep.finish("FINISHED")
    found = pareto(store, [sweep.run_id])
    assert {row.run for row in found.forms} == {kept}
    assert found.unexported == (f"encore export {bare[:8]}",)
    assert found.notes == (
        f"Left out: 3 of the 5 trials of run {sweep.run_id[:8]} (sweep) did not finish: 2 pruned, 1 failed.",
        f"1 of 2 runs are not exported: `encore export {bare[:8]}`.",
    )
    with pytest.raises(UserError, match="is not exported") as error:
        pareto(store, [bare])
    assert f"`encore export {bare[:8]}`" in error.value.cure


def test_scores_that_do_not_compare_are_refused(store: Store) -> None:
    one = exported_run(store)
    fewer = exported_run(store, params={"export/scored_examples": "100"})
    others = exported_run(store, rows=reviews(200, name="other"))
    for name in (fewer, others):
        with pytest.raises(UserError, match="scored on other rows"):
            pareto(store, [one, name])
    with pytest.raises(UserError, match="is of the task causal-language-model"):
        pareto(store, [one, language_run(store)])
    with pytest.raises(UserError, match="is named twice"):
        pareto(store, [one, one[:8]])


def language_run(store: Store) -> str:
    run_id = make(store, stories(20), Made(nll=[30.0] * 20))
    log = store.attach(run_id)
    metrics = {
        "export/torch/loss": 1.5, "export/torch/latency_b1_p50_ms": 9.0,
        "export/fp32/loss": 1.5, "export/fp32/latency_b1_p50_ms": 4.0, "export/fp32/size_mib": 80.0,
        "export/int8/loss": 1.49, "export/int8/latency_b1_p50_ms": 1.0, "export/int8/size_mib": 20.0,
        "export/int8/perplexity": 4.437, "export/int4/loss": 1.54, "export/int4/latency_b1_p50_ms": 1.0,
        "export/int4/size_mib": 12.0,
    }  # fmt: skip
    log.log_json({"metrics": metrics, "params": {}, "digests": {}}, EXPORT_REPORT)
    log.set_tags({"encore.export_gate": "passed"})
    log.close()
    return run_id


def test_a_language_model_is_ranked_by_its_loss_the_lower_the_better(store: Store) -> None:
    found = pareto(store, [language_run(store)])
    assert (found.score, found.greater_is_better) == ("loss", False)
    assert {name: place for name, (place, _) in places(found).items()} == {
        "int8": "front", "int4": "front", "fp32": "dominated", "torch": "original"
    }  # fmt: skip
    assert choice(found, rule_of("smallest-within 0.04"))[0].variant == "int8"
    assert choice(found, rule_of("smallest-within 0.05"))[0].variant == "int4"
    assert choice(found, rule_of("most-accurate"))[0].variant == "int8"


def test_the_alias_leads_to_the_form_that_was_picked_and_the_reason_says_how_it_compares(
    store: Store,
) -> None:
    run_id = exported_run(store)
    found = pareto(store, [run_id])
    registry = Registry(store, "sst2")
    int4 = picked(store, found, rule_of("smallest-within 2"))
    first = register(store, int4, "champion")
    assert int4.reason.startswith(
        f"{run_id[:8]}@int4 is the smallest (12.00 MiB) among 4 forms within 2 points of the best score: it scores "
        f"88.00 %, and the best, {run_id[:8]}@fp32, 90.00 %. "
    )
    assert "on these 200 rows" in int4.reason
    int8 = picked(store, found, rule_of("fastest-within 0.5"))
    second = register(store, int8, "quick")
    found_by = {alias: registry.aliased(alias) for alias in ("champion", "quick", "challenger")}
    assert {alias: version and version.variant for alias, version in found_by.items()} == {
        "champion": "int4", "quick": "int8", "challenger": None
    }  # fmt: skip
    assert first.version != second.version
    assert register(store, int8, "champion").version == second.version
    challenger = registry.aliased("challenger")
    assert challenger is not None
    assert challenger.variant == "int4"
    assert "the fastest" in store.client.get_model_version("sst2", str(second.version)).description


FIGURES = st.sampled_from([1.0, 2.0, 3.0])
LATENCIES = st.sampled_from([1.0, 1.04, 1.08, 1.12, 2.0])
FORM = st.tuples(st.sampled_from([0.90, 0.895, 0.89, 0.8]), LATENCIES, FIGURES)


@given(
    st.lists(FORM, min_size=1, max_size=8),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([0.0, 0.5, 1.0, 20.0]),
)
def test_what_is_picked_is_on_the_front_and_no_form_within_the_limit_is_more_what_was_asked_for(
    forms: list[tuple[float, float, float]], name: str, limit: float
) -> None:
    found = made_front(forms)
    rule = Rule(name, 0.0 if KINDS[name].cost is None else limit)
    winner, fitting = choice(found, rule)
    assert winner.place == "front"
    allowed = within(found, rule)
    assert len(allowed) == fitting
    best = max(row.score.value for row in found.forms)
    assert rule.name == "most-accurate" or all(
        best - row.score.value <= limit / 100 + 1e-9 for row in allowed
    )
    latency = min(row.latency_ms or 0.0 for row in allowed)
    match rule.name:
        case "most-accurate":
            assert winner.score.value == best
        case "smallest-within":
            assert winner.size_mib == min(row.size_mib or 0.0 for row in allowed)
        case _:
            assert (winner.latency_ms or 0.0) <= 1.05 * latency
            equal = [row for row in allowed if row.place == "front" and row.latency_ms == winner.latency_ms]
            assert winner.score.value == max(row.score.value for row in equal)


def made_front(forms: list[tuple[float, float, float]]) -> Pareto:
    costs = np.array([(-score, latency, size) for score, latency, size in forms])
    rows = tuple(
        FormRow(
            f"{number:08d}@int8", f"{number:032d}", "", "int8", Figure(score, None, None), None, None, None, None,
            latency, size, "dominated" if above else "front", None,
        )
        for number, ((score, latency, size), above) in enumerate(
            zip(forms, dominators(costs, (0, LATENCY_TIE, 0)), strict=True)
        )
    )  # fmt: skip
    return Pareto(
        "sequence-classification",
        "accuracy",
        True,
        200,
        LATENCY,
        ("accuracy", "latency", "size"),
        rows,
        {},
        {},
        (),
        (),
    )


def test_a_latency_that_is_a_little_less_decides_nothing(store: Store) -> None:
    """A form that is a little faster and answers worse is off the front, and is not picked as the fastest."""
    forms = {
        "torch": FORMS["torch"],
        "fp32": {"wrong": 20, LATENCY: 4.0, SIZE: 80.0},
        "int8": {"wrong": 21, LATENCY: 1.04, SIZE: 20.0},
        "int8-rows": {"wrong": 22, LATENCY: 1.0, SIZE: 20.0},
        "int4": {"wrong": 22, LATENCY: 1.0, SIZE: 12.0},
    }
    run_id = exported_run(store, forms)
    found = pareto(store, [run_id])
    assert places(found) == {
        "int4": ("front", None), "int8": ("front", None), "fp32": ("front", None),
        "int8-rows": ("dominated", f"{run_id[:8]}@int8"), "torch": ("original", None),
    }  # fmt: skip
    winner = picked(store, found, rule_of("fastest-within 1"))
    assert winner.form.variant == "int8"
    assert "(1.04 ms; medians up to 5 % apart are equal) among 4 forms" in winner.reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("smallest 0.5", "'smallest' is no rule"),
        ("", "'' is no rule"),
        ("smallest-within", "says not how much"),
        ("fastest-within much", "'much' is no amount"),
        ("smallest-within -1", "'-1' is no amount"),
        ("smallest-within nan", "'nan' is no amount"),
        ("smallest-within 1e999", "too large"),
        ("most-accurate 3", "takes no number"),
    ],
)
def test_a_rule_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        rule_of(text)


def test_points_are_no_share_and_nothing_may_be_allowed(store: Store) -> None:
    forms = {**FORMS, "torch": {**FORMS["torch"], "wrong": 10}}
    found = pareto(store, [exported_run(store, forms)])
    with pytest.raises(UserError, match="no accuracy falls by 200 points"):
        choice(found, rule_of("smallest-within 200"))
    with pytest.raises(UserError, match=r"no exported form lies within 1 points of the best score, 95.00 %"):
        choice(found, rule_of("smallest-within 1"))


def test_the_picture_is_the_same_bytes_each_time_and_says_what_is_in_it(store: Store) -> None:
    one, other = exported_run(store), exported_run(store)
    found = pareto(store, [one, other])
    drawn = pareto_picture(found, "svg")
    assert drawn == pareto_picture(found, "svg")
    text = drawn.decode()
    axes = ("size, MiB", "latency, ms (median, batch 1)", "accuracy, %")
    names = (f"{run[:8]} {form}" for run in (one, other) for form in ("int4", "int8", "fp32"))
    for told in (*axes, *names, "filled: on the front", "hollow: off it", "best score at that cost or less"):
        assert told in text
    assert f"{one[:8]} int8-rows" not in text
    assert "#01020" not in text
    assert pareto_picture(found, "png").startswith(b"\x89PNG")
    alone = pareto_picture(pareto(store, [one]), "svg").decode()
    assert one[:8] not in alone
    assert ">int4<" in alone


HOSTILE = "[red]x[/] \x1b[31m\u202e$x$ </text><script>"


@pytest.mark.slow
def test_the_verb_prints_draws_picks_and_shows_a_hostile_name_as_letters(
    store: Store, tmp_path: Path
) -> None:
    runs = [exported_run(store), exported_run(store, params={"export/processor": HOSTILE})]
    for run_id in runs:
        store.client.set_tag(run_id, "mlflow.runName", HOSTILE)
    root, picture = store.root, tmp_path / "front.svg"
    done = encore("pareto", *runs, "--pick", "smallest-within", "2", "--picture", picture, "--root", root)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "[red]x[/]" in done.stdout
    assert "were not measured alike (processor: " in done.stderr
    assert "sst2@champion is now version 1, int4 of run " in done.stdout
    assert "<script>" not in picture.read_text()
    told = encore(
        "pareto", runs[0], "--pick", "fastest-within 0.5", "--alias", "quick", "--json", "--root", root
    )
    found = json.loads(told.stdout)
    assert (found["pick"]["form"]["variant"], found["pick"]["alias"]) == ("int8", "quick")
    assert [row["place"] for row in found["forms"]] == ["front", "front", "front", "dominated", "original"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(None, "x", None), "--alias: names what is picked"),
        (Wanted("most-accurate", "v1", None), "'v1' is no alias"),
        (Wanted("most-accurate", "a b", None), "'a b' is no alias"),
        (Wanted(None, None, Path("front.pdf")), "front.pdf: is no picture's name"),
        (Wanted(None, None, Path("no such folder/front.svg")), "lies in no folder that there is"),
        (Wanted("smallest-within", None, None), "says not how much"),
    ],
)
def test_a_wrong_command_line_is_told_before_the_store_is_opened(
    tmp_path: Path, wanted: Wanted, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        pareto_verb(["abc"], wanted, tmp_path / "none", as_json=False)
