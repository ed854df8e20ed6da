"""The page about a sweep and about single runs."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from comparison.report.attempts import Attempts
from comparison.report.page import page_of
from comparison.report.subject import subject_of
from errors import UserError
from runs.layout import KIND_TAG, SAMPLES_TABLE, STAGE_TAG, TRIAL_TAG
from tests.comparison.made_runs import Made, make, reviews, stories
from tests.comparison.report.stores import EXPERIMENT, metrics, params, sweep_of
from tests.processes import encore
from tracking.store import Store

HOSTILE = "</script><script>alert(1)</script>$x$ \u202e\ud800"


def page(store: Store, *ids: str) -> str:
    attempts = Attempts()
    found = page_of(subject_of(store, ids), attempts)
    assert attempts.notes == []
    return found


@pytest.fixture(scope="module")
def made(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with a sweep, never to be altered, and its ID."""
    root = tmp_path_factory.mktemp("swept") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    return root, sweep_of(Store.open(root), 6)


@pytest.fixture
def swept(made: tuple[Path, str], root: Path) -> str:
    """A copy of it is the store's."""
    shutil.copytree(made[0], root, dirs_exist_ok=True)
    return made[1]


@pytest.fixture
def store(root: Path, request: pytest.FixtureRequest) -> Store:
    if "swept" in request.fixturenames:  # before it is opened
        request.getfixturevalue("swept")
    return Store.open(root)


def test_a_sweeps_page_has_its_winner_its_question_and_a_command_for_each_run(
    store: Store, swept: str
) -> None:
    text = page(store, swept)
    children = store.runs(parent_id=swept)
    assert {found[:12] for found in re.findall(r"<code>encore reproduce ([0-9a-f]+)", text)} == {
        run.run_id[:12] for run in children
    }
    (winner,) = [run for run in children if run.tags[TRIAL_TAG] == "5"]
    first_row = text[text.index('id="all-runs-caption"') :].split("<tbody>")[1].split("</tr>")[0]
    assert f"t05 {winner.run_id[:8]}" in first_row
    assert "winner" in first_row
    assert "85.00 %" in first_row
    assert "83.00 %" in first_row
    assert "optim.learning_rate (0.0002 to 0.003, logarithmic)" in text
    assert "train.precision (32-true, bf16-mixed)" in text
    assert "95 % interval 81.0 to 85.0" in text
    assert text.count(">pruned<") == 1


def test_a_row_says_how_many_steps_were_trained_whichever_was_the_best(store: Store, swept: str) -> None:
    text = page(store, swept)
    rows = text[text.index('id="all-runs-caption"') :].split("<tbody>")[1].split("</tbody>")[0].split("</tr>")
    counts = [re.findall(r'class="number">([0-9,]+)</td>', row) for row in rows if "<td" in row]
    assert [count[-2] for count in counts] == ["1,043", *["43"] * 5]  # before the seconds


def test_every_figure_has_its_numbers(store: Store, swept: str) -> None:
    text = page(store, swept)
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        assert "<svg" in figure
        assert figure.count("<table>") == 1
    names = re.findall(r' id="([^"]+)"', text)
    assert len(names) == len({*names})
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.slow
def test_the_same_store_gives_the_same_bytes_in_another_process(
    store: Store, swept: str, root: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.html", tmp_path / "two.html"
    first = encore("report", swept[:8], "--out", one, "--root", root)
    assert (first.returncode, first.stdout.strip()) == (0, str(one))
    assert encore("report", swept, "--out", two, "--root", root).returncode == 0
    assert one.read_bytes() == two.read_bytes()
    assert one.read_text() == page(Store.read(root), swept)


def test_hostile_names_and_values_are_text(store: Store) -> None:
    sweep = sweep_of(
        store, 3, name=HOSTILE, tags={"encore.ran.device_name": HOSTILE, "encore.export_gate": HOSTILE}
    )
    huge = "y" * 5000
    odd = store.start_run(
        experiment=EXPERIMENT, name="<b>odd</b>", tags={KIND_TAG: "run"}, description="", sampled=False,
        params={**params(1), "model.kind": HOSTILE, "optim.learning_rate": huge, "train.precision": "<i>"},
    )  # fmt: skip
    odd.log_summary(metrics(1))
    odd.finish("FINISHED")
    text = page(store, sweep, odd.run_id)
    text.encode()
    assert "<script" not in text
    assert "<i>" not in text
    assert "\u202e" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert huge[:60] not in text


def test_the_page_says_how_sure_the_winner_is(store: Store, swept: str) -> None:
    text = page(store, swept)
    winner = subject_of(store, [swept]).winner
    assert winner is not None
    told = "On the same 200 rows of the official split, 4 of the 4 other finished runs cannot be told from the winner"
    assert told in text
    assert "was chosen as the best of 5 on 100 held-out rows" in text
    assert "looked at by 6 runs" in text
    assert "How much a new seed alone moves the score is not known here" in text
    assert text.count("&lt;b&gt;text&lt;/b&gt; number") == 10  # the hardest ones
    rows = text[text.index('id="against-winner-caption"') :].split("<tbody>")[1].split("</tbody>")[0]
    assert rows.count("<tr") == 5
    assert re.findall(r'<td class="number">(-[0-9.]+)</td>', rows) == ["-1.00", "-1.50", "-2.00", "-2.50"]


def test_a_run_that_differs_from_the_winner_is_told_from_it(store: Store) -> None:
    right = np.arange(200)
    ids = [
        make(store, reviews(200), Made(right=right < most, held_out_right=np.arange(100) < held, seed=seed))
        for seed, (most, held) in enumerate([(180, 90), (140, 70)])
    ]
    assert "the winner is told from the other finished run (5 %" in page(store, *ids)
    above = make(store, reviews(200), Made(right=right < 200, held_out_right=np.arange(100) < 50, seed=9))
    assert f"{above[:8]} scored better than the winner, by more than chance" in page(store, *ids, above)


def test_the_seeds_of_the_winners_recipe_are_shown(store: Store) -> None:
    ids = [
        make(store, reviews(50), Made(right=np.arange(50) < 40 + seed, seed=seed, settings={"a.b": 1}))
        for seed in range(3)
    ]
    text = page(store, ids[0])
    rows = text[text.index('id="seed-scores-caption"') :].split("<tbody>")[1].split("</tbody>")[0]
    assert [row in rows for row in ("80.00 %", "82.00 %", "84.00 %")] == [True] * 3


def test_language_models_have_bits_per_byte_and_stories(store: Store) -> None:
    rows = stories(60)
    ids = [
        make(store, rows, Made(nll=np.full(60, 20.0 + worse), seed=worse, experiment="tiny"))
        for worse in range(2)
    ]
    log = store.attach(ids[0])
    columns = {
        "step": [6, 6, 12, 12],
        "prompt": ["Once", "", "Once", ""],
        "story": ["Once bad", "b", "Once <there>", "x"],
        "ended": [True, True, False, True],
    }
    log.log_table(columns, SAMPLES_TABLE)
    log.close()
    text = page(store, *ids)
    assert "Bits per byte on the official split" in text
    assert "On the same 60 stories of the official split" in text
    assert "<b>Once</b> &lt;there&gt;" in text
    assert "Once bad" not in text
    assert "The hardest examples" not in text


def test_answers_that_cannot_be_read_cost_no_more_than_themselves(store: Store, swept: str) -> None:
    winner = subject_of(store, [swept]).winner
    assert winner is not None
    store.artifact(winner, "predictions/test/predictions.parquet").unlink()
    text = page(store, swept)
    assert "the winner" in text
    assert "predictions/test/predictions.parquet" in text
    assert "The hardest examples" not in text


def test_single_runs_are_ranked_and_what_varies_is_found(store: Store, swept: str) -> None:
    ids = [run.run_id for run in store.runs(parent_id=swept) if run.tags[TRIAL_TAG] in "023"]
    text = page(store, *ids)
    assert "3 runs compared" in text
    rows = text[text.index('id="all-runs-caption"') :].split("<tbody>")[1].split("</tbody>")[0]
    assert re.findall(r"8\d\.00 %", rows)[::2] == ["83.00 %", "82.00 %", "80.00 %"]


def test_a_single_run_has_a_page(store: Store, swept: str) -> None:
    text = page(store, store.runs(parent_id=swept)[0].run_id)
    assert "The result" in text
    assert "One run, by itself." in text
    assert "All else was held" not in text
    assert "The same in all runs" not in text


def test_a_sweep_of_which_no_run_finished_has_a_page(store: Store) -> None:
    sweep = sweep_of(store, 2)
    for run in store.runs(parent_id=sweep):
        store.client.set_terminated(run.run_id, "FAILED")
        store.client.delete_tag(run.run_id, "encore.killed_because") if run.tags[TRIAL_TAG] == "0" else None
    assert "No run finished" in page(store, sweep)


def test_a_part_that_fails_costs_that_part(store: Store, swept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", broken)
    attempts = Attempts()
    text = page_of(subject_of(store, [swept]), attempts)
    assert len(attempts.notes) == 5
    assert "the learning curves cannot be shown (no ink)." in attempts.notes
    assert "the learning curves cannot be shown (no ink)." in text
    assert 'id="all-runs"' in text or "all-runs-caption" in text
    assert "RuntimeError: no ink" in attempts.tracebacks[0]


def test_what_no_report_can_be_made_of_is_refused(store: Store, swept: str) -> None:
    run = store.runs(parent_id=swept)[0]
    with pytest.raises(UserError, match="is named twice"):
        subject_of(store, [run.run_id, run.run_id[:8]])
    with pytest.raises(UserError, match="no run's id begins"):
        subject_of(store, ["abcdef0123"])
    empty = store.start_run(
        experiment=EXPERIMENT,
        name="sweep",
        params={},
        tags={KIND_TAG: "sweep"},
        description="",
        sampled=False,
    )
    empty.finish("FINISHED")
    with pytest.raises(UserError, match="no trial of a training"):
        subject_of(store, [empty.run_id])
    store.client.set_tag(run.run_id, KIND_TAG, "stories")
    with pytest.raises(UserError, match="trained nothing"):
        subject_of(store, [run.run_id])


def test_runs_of_two_tasks_are_refused(store: Store, swept: str) -> None:
    other = store.start_run(
        experiment=EXPERIMENT,
        name="stories",
        params={},
        tags={KIND_TAG: "run"},
        description="",
        sampled=False,
    )
    other.log_summary({"best/val/bits_per_byte": 0.9})
    other.finish("FINISHED")
    with pytest.raises(UserError, match="of different tasks"):
        subject_of(store, [swept, other.run_id])


@pytest.mark.slow
def test_a_file_of_somebody_elses_is_kept(store: Store, swept: str, root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "report.html"
    mine.write_text("my own")
    refused = encore("report", swept, "--out", mine, "--root", root)
    assert refused.returncode == 2
    assert "is no page that Encore wrote" in refused.stderr
    assert mine.read_text() == "my own"
    mine.unlink()
    for _ in range(2):
        assert encore("report", swept, "--out", mine, "--root", root).returncode == 0


def test_a_run_without_a_stage_is_no_trial(store: Store, swept: str) -> None:
    lost = store.runs(parent_id=swept)[0]
    store.client.delete_tag(lost.run_id, STAGE_TAG)
    assert lost.run_id[:8] not in page(store, swept)


@pytest.mark.slow
def test_the_winners_forms_are_timed_by_shape_and_the_front_is_marked(store: Store, swept: str) -> None:
    (winner,) = [run for run in store.runs(parent_id=swept) if run.tags[TRIAL_TAG] == "5"]
    assert 'id="latencies-caption"' not in page(store, swept)
    log = store.attach(winner.run_id)
    log.log_summary(
        {
            "export/torch/latency_medium_b8_t128_p50_ms": 77.5,
            "export/int8/latency_b8_t128_p50_ms": 12.25,
            "export/int8/latency_b32_t16_examples_per_s": 1234.0,
            "export/int8/peak_memory_mib": 181.4,
        }
    )
    log.close()
    text = page(store, swept)
    timed = text[text.index('id="latencies-caption"') :].split("</table>")[0]
    for told in ("8 x 128", "PyTorch, medium", "77.50", "INT8", "12.25", "1,234", "181"):
        assert told in timed
    exported = text[text.index('id="exported-caption"') :].split("</table>")[0]
    assert "on the front" in exported
    # Each trial is more accurate and slower than the one before, and as small: INT8 beats FP32 of the same trial alone.
    front = [row for row in exported.split("<tr>")[1:] if ">yes<" in row]
    assert front
    assert all("INT8" in row or "FP32" in row for row in front)
