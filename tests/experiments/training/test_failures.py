"""Real runs that cannot begin or cannot end: what is said, and what is left behind."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from errors import UserError
from experiments.build import build_data, build_learner, plan
from experiments.training.train import train
from lightning_modules.learner import Learner, NonFiniteLossError
from tests.tiny import small_classifier
from tracking.entities import RunRecord
from tracking.store import Store


def only_run(store: Store) -> RunRecord:
    (run,) = store.runs()
    return run


def model_folder(root: Path, folder: Path, change: Callable[[torch.Tensor], object]) -> Path:
    """A model of `small`, saved after `change` of its classifier's weights (2, 16)."""
    config = small_classifier()
    data = build_data(config, cache_dir=root / "cache")
    learner = build_learner(config, data, plan(config, data))
    with torch.no_grad():
        change(learner.model.get_parameter("classifier.weight"))
    learner.text_model.save(folder)
    data.tokenizer.save_pretrained(folder)
    return folder


def test_a_diverging_run_fails_and_says_at_which_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(learner: Learner, *_: object) -> None:  # what a step far too long leaves of the weights
        with torch.no_grad():
            learner.model.get_parameter("classifier.weight").fill_(float("inf"))

    monkeypatch.setattr(Learner, "on_train_batch_end", overflow)
    store = Store.open(root)
    with pytest.raises(NonFiniteLossError, match=r"step 1.*learning_rate"):
        train(small_classifier(), store)
    run = only_run(store)
    assert run.status == "FAILED"
    assert "step 1" in run.tags["encore.failed_because"]
    assert "NonFiniteLossError" in store.artifact(run, "run/traceback.txt").read_text()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named_before_a_run_begins(
    root: Path, tmp_path: Path, value: float
) -> None:
    folder = model_folder(root, tmp_path / "model", lambda weights: weights[0, 3].fill_(value))
    store = Store.open(root)
    with pytest.raises(UserError, match=r"NaN or infinity, first in classifier\.weight") as told:
        train(small_classifier(f"model.pretrained={folder}"), store)
    assert f"model.pretrained={folder}" in str(told.value)
    assert "learning_rate" not in str(told.value)
    assert store.runs() == []


def test_a_start_of_huge_weights_is_not_blamed_on_the_learning_rate(root: Path, tmp_path: Path) -> None:
    far_apart = torch.tensor([[3e38], [-3e38]])  # finite, and their answers' difference is not
    folder = model_folder(
        root, tmp_path / "model", lambda weights: weights.copy_(far_apart.expand_as(weights))
    )
    with pytest.raises(NonFiniteLossError, match="step 0") as told:
        train(small_classifier(f"model.pretrained={folder}"), Store.open(root))
    assert "learning_rate" not in str(told.value)


def test_fp16_on_a_cpu_is_refused_before_anything_is_recorded(root: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine can train in FP16")
    store = Store.open(root)
    with pytest.raises(UserError, match="cannot train in FP16"):
        train(small_classifier("train.precision=16-mixed"), store)
    assert store.runs() == []


def test_a_full_disk_during_a_checkpoint_is_one_line_and_leaves_no_half_file(root: Path) -> None:
    """A limit on the size of files stands in for the end of the disk: the same failing write."""
    store = Store.open(root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wide = small_classifier("model.dim=512", "model.hidden_dim=2048", "train.max_steps=4")
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

    config = small_classifier()
    data = build_data(config, cache_dir=root / "cache")
    build_learner(config, data, plan(config, data)).text_model.save(tmp_path / "model")
    data.tokenizer.save_pretrained(tmp_path / "model")
    other = train_tokenizer("bert_bpe", [" ".join(f"word{i}" for i in range(3000))] * 2, vocab_size=2000)
    other.save_pretrained(tmp_path / "other")
    overrides = override.format(other=tmp_path / "other").split()
    store = Store.open(root)
    with pytest.raises(UserError, match=message):
        train(small_classifier(f"model.pretrained={tmp_path / 'model'}", *overrides), store)
    assert store.runs() == []
