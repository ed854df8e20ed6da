"""The command line as a user meets it: real processes, exit codes, one line per mistake."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from generation.options import DecodingConfig
from tests.processes import encore, inside
from tracking.store import Store

HEAVY = ("torch", "transformers", "mlflow", "optuna", "datasets", "pytorch_lightning", "onnxruntime")
TINY = ["data.train_examples=120", "data.selection_examples=40", "train.max_steps=4", "train.validations=2",
        "train.threads=1", "model.dim=16", "model.heads=2", "model.hidden_dim=32", "export.scored_examples=20",
        "export.max_accuracy_drop=1", "export.latency_seconds=0"]  # fmt: skip


def one_line(process: subprocess.CompletedProcess[str]) -> str:
    """The message of a user's mistake: exit code 2, nothing on stdout, one line on stderr."""
    assert process.returncode == 2, process.stderr
    assert process.stdout == ""
    lines = process.stderr.strip().splitlines()
    assert len(lines) == 1, process.stderr
    assert "Traceback" not in process.stderr
    return lines[0]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr.strip() == "[]"
    for verb in ("sweep", "train", "runs", "show", "export", "ui", "catalog"):
        assert verb in process.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("train.teacher=0a1b2c", "It has to be a run of the same store (--root)."),
        ("model.pretrained=teacher", "Add train.teacher=ID"),
    ],
)
def test_a_teacher_that_is_not_there_is_one_line(root: Path, asked: str, said: str) -> None:
    for verb in (["train", "demo_reviews", *TINY], ["sweep", "demo", *TINY], ["data", "demo_reviews"]):
        assert said in one_line(inside(*verb, asked, "--root", root))
    assert Store.open(root).runs() == []


@pytest.mark.slow
def test_what_trains_nothing_does_not_wait_for_lightning() -> None:
    modules = ("runs.outcome", "runs.verify", "experiments.stories.generate", "experiments.stories.rewrite")
    told = "print('pytorch_lightning' in sys.modules)"
    code = "import sys\n" + "".join(f"import {module}\n{told}\n" for module in modules)
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.split() == ["False"] * len(modules)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["data", "sst2_distilbert"],
        ["data", "tinystories_gpt2"],
        ["train", "demo_reviews"],
        ["train", "imdb_distilbert"],
        ["sweep", "demo"],
    ],
    ids=" ".join,
)
def test_files_that_are_missing_are_told_before_anything_heavy(command: list[str], tmp_path: Path) -> None:
    """Before torch and the store, and before the hub is asked for a model."""
    folders = [tmp_path, tmp_path / "nowhere"]
    typed = [[*command, f"data.path={folder}", "--root", str(tmp_path / "root")] for folder in folders]
    code = (
        "import sys\nfrom cli.main import app\n"
        f"for typed in {typed!r}:\n"
        "    code = app(typed, standalone_mode=False)\n"
        f"    print(code, sorted(set({HEAVY}) & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert process.stdout.splitlines() == ["2 []", "2 []"]
    for folder in folders:
        assert f"data.path={folder}: no " in process.stderr


def test_looking_at_a_run_does_not_wait_for_torch() -> None:
    code = "import sys, cli.data, runs.data_record, runs.files\nprint('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"


def test_the_defaults_that_help_names_are_those_of_the_schema() -> None:
    text = " ".join(encore("generate", "--help").stdout.split())
    for option in ("temperature", "top_p", "repetition_penalty", "seed"):
        after = text.split(f"--{option.replace('_', '-')} ", 1)[1]
        named = float(re.findall(r"\[([\d.]+)\]", after)[0])
        assert named == DecodingConfig.model_fields[option].default


def test_the_version_is_that_of_the_package() -> None:
    assert encore("--version").stdout == f"encore {metadata.version('encore-harness')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "demo_review"], "Did you mean demo_reviews?"),
        (["train", "tinystories_lr"], "is a sweep. `encore sweep tinystories_lr` runs it."),
        (["sweep", "tinystories_small"], "is an experiment. `encore train tinystories_small` runs it."),
        (["trian"], "No such command 'trian'. Did you mean 'train'? `encore --help` says what there is."),
        (
            ["generate", "abc", "--n", "0"],
            "'--n': '0' is no whole number from 1 to 10000. `encore generate --help` says",
        ),
        (["show"], "Missing argument 'ID'. `encore show --help` says what there is."),
        (["sweep", "dem"], "Did you mean demo?"),
        (["train", "demo_reviews", "optim.lerning_rate=1"], "Did you mean optim.learning_rate?"),
        (
            ["sweep", "demo", "space={optim.lr: {kind: int, low: 1, high: 2}}"],
            "no such key in the experiment",
        ),
        (["train", "demo_reviews", "data.batch_size=none"], "data.batch_size"),
        (["reproduce", "a", "--check", "--at-commit"], "--check --at-commit: a check trains nothing"),
        (["reproduce", "a", "--check", "--accept-tolerance"], "Leave out --check, or --accept-tolerance."),
    ],
)
def test_mistakes_in_words_are_one_line(arguments: list[str], message: str) -> None:
    assert message in one_line(encore(*arguments))


def test_without_a_hub_the_answer_names_the_ways_out(root: Path) -> None:
    line = one_line(
        encore("train", "sst2_distilbert", "--root", root, HF_HUB_OFFLINE="1", HF_HOME=str(root / "hf"))
    )
    for way in ("data.path", "model.pretrained", "make demo"):
        assert way in line


def test_an_unknown_id_is_told(root: Path) -> None:
    assert "no run" in one_line(encore("show", "zz", "--root", root))


@pytest.mark.slow
def test_an_ambiguous_id_is_told_and_what_it_may_mean(root: Path) -> None:
    client = Store.open(root).client
    runs = [client.create_run("0").info.run_id for _ in range(17)]  # of 17, two begin alike
    first = next(a[0] for a in runs if sum(b[0] == a[0] for b in runs) > 1)
    line = one_line(encore("export", first, "--root", root))
    assert sum(run[:5] in line for run in runs if run[0] == first) > 1


@pytest.mark.slow
def test_a_locked_store_is_told(root: Path) -> None:
    with sqlite3.connect(root / "mlflow.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        line = one_line(encore("train", "demo_reviews", *TINY, "--root", root))
        other.execute("ROLLBACK")
    assert "locked" in line


def test_a_root_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nowhere"):
        assert str(root) in one_line(encore("runs", "--root", root))


def test_a_missing_data_folder_leaves_no_run_behind(root: Path) -> None:
    line = one_line(encore("train", "sst2_distilbert", "data.path=/nowhere", "--root", root))
    assert "/nowhere" in line
    assert json.loads(encore("runs", "--json", "--root", root).stdout) == []


@pytest.mark.slow
def test_a_model_folder_of_another_kind_is_told(root: Path, tmp_path: Path) -> None:
    rows = pd.DataFrame({"sentence": [f"film {i}" for i in range(20)], "label": [0, 1] * 10})
    for split in ("train", "validation"):
        rows.to_parquet(tmp_path / f"{split}.parquet")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    arguments = ["train", "sst2_distilbert", f"data.path={tmp_path}", "--root", root, "data.selection_examples=5",
                 "train.max_steps=5"]  # fmt: skip
    assert "holds no tokenizer" in one_line(inside(*arguments, f"model.pretrained={tmp_path}"))
    missing = one_line(inside(*arguments, "model.pretrained=./missing/model"))
    assert "no such folder" in missing


@pytest.mark.slow
def test_a_run_from_the_command_line_is_listed_shown_and_exported(root: Path) -> None:
    trained = encore("train", "demo_reviews", *TINY, "seed=4", "--json", "--root", root)
    assert trained.returncode == 0, trained.stderr
    result = json.loads(trained.stdout)
    assert result["status"] == "finished"
    assert f"demo_reviews: run {result['run_id'][:8]}, 4 steps" in trained.stderr
    (listed,) = json.loads(encore("runs", "--json", "--root", root).stdout)
    assert listed["run_id"] == result["run_id"]
    shown = encore("show", result["run_id"][:6], "--root", root)
    assert shown.returncode == 0
    accuracies = re.findall(r"^(PyTorch|FP32|INT8) +([\d.]+) %", shown.stdout, re.MULTILINE)
    kept = Store.open(root).find(result["run_id"]).metrics
    scored = [kept[f"export/{variant}/accuracy"] for variant in ("torch", "fp32", "int8")]
    assert [label for label, _ in accuracies] == ["PyTorch", "FP32", "INT8"]
    assert [float(shown) for _, shown in accuracies] == [pytest.approx(100 * score) for score in scored]
    assert f"encore reproduce {result['run_id'][:8]}" in shown.stdout
    assert "checkpoints/" in shown.stdout
    exported = inside("export", result["run_id"][:6], "--json", "--root", root)
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["passed"] is True


def test_a_dry_run_prints_the_config_and_leaves_nothing(tmp_path: Path) -> None:
    process = encore("train", "demo_reviews", "seed=7", "--dry-run", "--root", tmp_path / "mlruns")
    assert json.loads(process.stdout)["seed"] == 7
    assert not (tmp_path / "mlruns").exists()


def test_names_that_look_like_markup_or_emoji_are_printed_as_they_are(tmp_path: Path) -> None:
    process = encore(
        "train", "demo_reviews", "description=:star: [/usr/lib] b:a:b", "--dry-run", "--root", tmp_path
    )
    assert json.loads(process.stdout)["description"] == ":star: [/usr/lib] b:a:b"


BAD_WRITING = [
    (
        ["--temperature", "0"],
        "encore generate: temperature: 0.0 is not allowed. Give a number above 0, at most 100.",
    ),
    (
        ["--temperature", "-1"],
        "encore generate: temperature: -1.0 is not allowed. Give a number above 0, at most 100.",
    ),
    (["--top-p", "0"], "encore generate: top_p: 0.0 is not allowed. Give a number above 0, at most 1."),
    (["--top-p", "1.5"], "encore generate: top_p: 1.5 is not allowed. Give a number above 0, at most 1."),
    (["--variant", "int2"], "no such variant. Choose one of torch, fp32, int8"),
    (["--prompt", "Tom went home", "--max-length", "2"], "leaves none of max_length=2 to write"),
    (["--prompt", "Tom ran " * 40], "tokens, and the model's context holds 32 with the story's end"),
    (["--max-length", "500"], "500 tokens, and the model's context holds 32"),
]


@pytest.mark.slow
def test_stories_are_written_logged_and_written_again_from_the_command_line(root: Path) -> None:
    sizes = ["data.train_examples=100", "data.selection_examples=20", "data.max_tokens=32", "train.max_steps=4",
             "train.validations=2", "train.threads=1", "model.dim=16", "model.heads=2", "model.layers=1",
             "model.vocab_size=300", "export.when=never"]  # fmt: skip
    trained = inside("train", "demo_stories", *sizes, "--root", root)
    assert trained.returncode == 0, trained.stderr
    assert "Once upon a time" in trained.stdout
    run = json.loads(encore("runs", "--root", root, "--json").stdout)[0]["run_id"]
    options = ["--prompt", "Once upon a time", "--n", "3", "--max-length", "24", "--seed", "7"]
    made = encore("generate", run[:8], *options, "--root", root, "--json")
    assert made.returncode == 0, made.stderr
    stories = json.loads(made.stdout)
    assert [story["number"] for story in stories["stories"]] == [0, 1, 2]
    again = inside("story", f"{stories['run_id'][:10]}#2", "--root", root, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["again"] == stories["stories"][2]
    before = len(json.loads(encore("runs", "--root", root, "--json").stdout))
    for arguments, problem in BAD_WRITING:
        assert problem in one_line(inside("generate", run, *arguments, "--root", root))
    assert "Write ID#NUMBER" in one_line(inside("story", run, "--root", root))
    assert len(json.loads(encore("runs", "--root", root, "--json").stdout)) == before
