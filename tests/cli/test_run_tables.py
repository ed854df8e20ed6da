"""`encore show` says what is a run's own: the settings that its experiment has anyway are listed on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from typer.testing import CliRunner

from cli.figures import typed
from cli.main import app
from datamodules.summary import DataSummary, UsedSplit
from experiments.loading import load_experiment
from experiments.naming import flat_params
from runs.data_record import data_record
from runs.layout import DATA_FILE
from tracking.entities import Experiment
from tracking.store import Store

OVERRIDES = ["train.max_steps=12", "data.batch_size=16", "optim.learning_rate=0.003"]


def _shown(store: Store, experiment: str, params: Mapping[str, object], *options: str) -> str:
    log = store.start_run(
        experiment=Experiment("demo", "loss"),
        name="a run",
        description="",
        params=params,
        tags={"encore.kind": "run", "encore.experiment": experiment},
    )
    log.finish("FINISHED")
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root), *options])
    assert told.exit_code == 0
    return told.stdout


def _rows(text: str) -> list[list[str]]:
    """The table of settings."""
    after = text.partition("setting ")[2].splitlines()[1:]
    told = [line for line in after if re.match(r"[a-z0-9_.]+ {2,}\S", line)]
    return [re.split("  +", line.strip()) for line in told]


def test_what_differs_stands_beside_the_catalogs(store: Store) -> None:
    config = load_experiment("demo_reviews", OVERRIDES)
    catalogued = flat_params(load_experiment("demo_reviews"))
    text = _shown(store, "demo_reviews", flat_params(config))
    keys = sorted(override.partition("=")[0] for override in OVERRIDES)
    assert _rows(text) == [
        [key, typed(str(flat_params(config)[key])), typed(str(catalogued[key]))] for key in keys
    ]
    assert "none" in text
    assert "None" not in text
    assert (
        f"{len(catalogued) - 3} settings are those of demo_reviews in the catalog; `--all` lists them."
        in text
    )


def test_a_run_as_catalogued_has_no_table(store: Store) -> None:
    params = flat_params(load_experiment("demo_stories"))
    text = _shown(store, "demo_stories", params)
    assert _rows(text) == []
    assert f"{len(params)} settings are those of demo_stories" in text


@pytest.mark.parametrize(
    ("experiment", "options"), [("demo_reviews", ["--all"]), ("my own.yaml", []), ("../catalog", [])]
)
def test_all_of_them_are_shown_on_demand_and_where_there_is_no_such_experiment(
    store: Store, experiment: str, options: list[str]
) -> None:
    params = flat_params(load_experiment("demo_reviews", OVERRIDES))
    text = _shown(store, experiment, params, *options)
    shown = sorted(params) if options else sorted(params)[:8]
    assert [row[0] for row in _rows(text)] == shown
    assert ("more settings; `--all` lists them" in text) == (not options)


def test_settings_of_another_kind_are_all_shown(store: Store) -> None:
    text = _shown(store, "demo_stories", {"decoding.seed": 0, "variant": "torch"})
    assert _rows(text) == [["decoding.seed", "0"], ["variant", "torch"]]


def test_json_has_all_of_them(store: Store) -> None:
    params = flat_params(load_experiment("demo_reviews", OVERRIDES))
    found = json.loads(_shown(store, "demo_reviews", params, "--json"))
    assert found["params"] == {key: str(value) for key, value in params.items()}


HOSTILE = "<script>alert(1)</script>[/b]\x1b[31m\u202e" + "x" * 10**6


def test_a_runs_own_words_are_texts_and_few_lines(store: Store) -> None:
    params = {f"data.{number}": HOSTILE[:5000] for number in range(20)}
    tags = {
        "encore.kind": "run",
        "encore.failed_because": HOSTILE,
        "encore.experiment": HOSTILE[:9],
        "mlflow.note.content": "\n".join([HOSTILE[:50]] * 90),
    }
    demo = Experiment("demo", "loss")
    log = store.start_run(experiment=demo, name=HOSTILE, params=params, description="", tags=tags)
    log.log_metrics({"test/accuracy": 0.5, "test/accuracy_low": 0.4, "test/accuracy_high": 0.6}, step=3)
    log.finish("FAILED")
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root)], env={"COLUMNS": "80"})
    assert told.exit_code == 0, told.stderr
    assert len(told.stdout.splitlines()) <= 40
    assert max(len(line) for line in told.stdout.splitlines()) <= 250
    assert "<script>alert(1)</script>[/b]" in told.stdout
    assert not {"\x1b", "\u202e"} & set(told.stdout)
    assert "and 85 more lines; `--all` shows them" in told.stdout


def test_a_setting_of_a_long_name_leaves_room_for_its_value(store: Store) -> None:
    text = _shown(store, "of my own", {"x" * 200: "plain to see"})
    assert "plain to see" in text


def test_a_killed_run_says_at_which_step_and_how_it_goes_on(store: Store) -> None:
    log = store.start_run(experiment=Experiment("demo", "loss"), name="a run", params={}, description="",
                          tags={"encore.kind": "run", "encore.ran.total_steps": "7050"})  # fmt: skip
    for step in (1, 7):
        log.log_metrics({"train/loss": 0.5}, step=step)
    log.log_text("", "checkpoints/last.ckpt")
    log.finish("KILLED", reason="lost owner")
    text = " ".join(CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root)]).stdout.split())
    assert "Lost owner: it stopped at step 7 of 7,050." in text
    assert f"`encore resume {log.run_id[:8]} --root" in text
    store.client.set_tag(log.run_id, "encore.ran.total_steps", "9" * 4400)  # more than Python reads
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root)])
    assert "Lost owner: it stopped at step 7." in " ".join(told.stdout.split())
    bare = store.start_run(
        experiment=Experiment("demo", "loss"), name="b", params={}, description="", tags={}
    )
    bare.finish("KILLED", reason="interrupted")
    text = CliRunner().invoke(app, ["show", bare.run_id, "--root", str(store.root)]).stdout
    assert "Interrupted: it stopped at no step yet. It has no checkpoint to go on from." in text


def test_a_description_is_shown_without_markdowns_marks(store: Store) -> None:
    log = store.start_run(
        experiment=Experiment("demo", "loss"), name="a run", description="", params={}, tags={}
    )
    log.finish("FINISHED")
    note = "**t00** won · `encore show 12`\n\n`a` · [Plots](#/experiments/1/x)\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"
    store.client.set_tag(log.run_id, "mlflow.note.content", note)
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root)])
    assert [line for line in told.stdout.splitlines() if line.startswith("  ")][:2] == [
        "  t00 won · encore show 12",
        "  a",
    ]
    assert "---" not in told.stdout


@pytest.mark.parametrize(
    ("low", "positive", "said"),
    [
        (0.49, 40, "It is no better than always answering [b]bad, which is right for 60.00 % of these rows."),
        (0.61, 40, None),
        (0.49, 0, "always answering [b]bad, which is right for 100.00 %"),
        (0.0, -60, None),
    ],
)
def test_a_model_that_learned_nothing_is_said_to_be_one(
    store: Store, low: float, positive: int, said: str | None
) -> None:
    log = store.start_run(
        experiment=Experiment("demo", "loss"),
        name="a",
        params={},
        description="",
        tags={"encore.kind": "run"},
    )
    used = UsedSplit("test", 100, {"[b]bad": 60, "positive": positive}, "", "")
    log.log_json(data_record(DataSummary("made", (), (used,), {}, (), ()), {}), DATA_FILE)
    log.log_summary({"test/accuracy": 0.5, "test/accuracy_low": low, "test/accuracy_high": 0.7})
    log.finish("FINISHED")
    told = CliRunner().invoke(app, ["show", log.run_id, "--root", str(store.root)])
    assert told.exit_code == 0
    text = " ".join(told.stdout.split())
    assert said in text if said else "always answering" not in text
