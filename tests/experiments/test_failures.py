"""Real runs that cannot begin or cannot end: what is said, and what is left behind."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
import torch

from errors import UserError
from experiments.build import build_data, build_learner, plan
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from experiments.train import train
from lightning_modules.learner import NonFiniteLossError
from tests.overrides import latest
from tracking.records import RunRecord
from tracking.store import Store

SMALL = ["data.train_examples=160", "data.selection_examples=40", "train.max_steps=8", "train.validations=4",
         "train.threads=1", "model.dim=16", "model.heads=2", "model.hidden_dim=32", "model.layers=2"]  # fmt: skip


def small(*overrides: str) -> ExperimentConfig:
    return load_experiment("demo_reviews", latest([*SMALL, *overrides]))


def only_run(store: Store) -> RunRecord:
    (run,) = store.runs()
    return run


def test_a_diverging_run_fails_and_says_at_which_step(root: Path, tmp_path: Path) -> None:
    config = small()
    data = build_data(config, cache_dir=root / "cache")
    learner = build_learner(config, data, plan(config, data))
    with torch.no_grad():  # each is a number still, and no logit of the two is one
        for name in ("pre_classifier.weight", "classifier.weight"):
            learner.model.get_parameter(name).fill_(3e38)
    learner.save_pretrained(tmp_path / "model")
    data.tokenizer.save_pretrained(tmp_path / "model")
    store = Store.open(root)
    with pytest.raises(NonFiniteLossError, match="step 0"):
        train(small(f"model.pretrained={tmp_path / 'model'}"), store)
    run = only_run(store)
    assert run.status == "FAILED"
    assert "step 0" in run.tags["encore.failed_because"]
    assert "NonFiniteLossError" in store.artifact(run, "run/traceback.txt").read_text()


def test_fp16_on_a_cpu_is_refused_before_anything_is_recorded(root: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine can train in FP16")
    store = Store.open(root)
    with pytest.raises(UserError, match="cannot train in FP16"):
        train(small("train.precision=16-mixed"), store)
    assert store.runs() == []


def test_a_full_disk_during_a_checkpoint_is_one_line_and_leaves_no_half_file(root: Path) -> None:
    """A limit on the size of files stands in for the end of the disk: the same failing write."""
    store = Store.open(root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wide = small("model.dim=512", "model.hidden_dim=2048", "train.max_steps=4")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * 2**20, limits[1]))
        with pytest.raises(UserError, match="over the limit set for it"):
            train(wide, store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    run = only_run(store)
    assert run.status == "FAILED"
    assert not [path for path in root.rglob("*") if "partial" in path.name or path.name.endswith(".ckpt")]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.tokenizer={other}", "the tokenizer has"),
        ("data.max_tokens=500", "positions"),
        ("model.frozen_layers=9", "nothing is left to train"),
        ("train.accumulate_batches=100", "do not fill one step"),
        ("train.max_steps=none train.max_epochs=1 train.validations=100", "do not fit"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_a_run_begins(
    root: Path, tmp_path: Path, override: str, message: str
) -> None:
    from datamodules.tokenizers import train_tokenizer

    config = small()
    data = build_data(config, cache_dir=root / "cache")
    build_learner(config, data, plan(config, data)).save_pretrained(tmp_path / "model")
    data.tokenizer.save_pretrained(tmp_path / "model")
    other = train_tokenizer("bert_bpe", [" ".join(f"word{i}" for i in range(3000))] * 2, vocab_size=2000)
    other.save_pretrained(tmp_path / "other")
    overrides = override.format(other=tmp_path / "other").split()
    store = Store.open(root)
    with pytest.raises(UserError, match=message):
        train(small(f"model.pretrained={tmp_path / 'model'}", *overrides), store)
    assert store.runs() == []
