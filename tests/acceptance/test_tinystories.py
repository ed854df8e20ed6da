"""Short runs of language models on real stories; about two minutes on two cores."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from experiments.loading import load_experiment
from experiments.reproduction.reproduce import reproduce
from experiments.training.train import train
from runs.files import run_named
from tracking.store import Store

pytestmark = pytest.mark.acceptance


@pytest.fixture
def stories(real_data: Path, tmp_path: Path) -> Path:
    """A folder with the first thousands of them."""
    folder = _folder(real_data, "tinystories")
    (tmp_path / "stories").mkdir()
    for split, count in (("train", 4000), ("validation", 200)):
        rows = pd.read_parquet(folder / f"{split}.parquet")[:count]
        rows.to_parquet(tmp_path / "stories" / f"{split}.parquet", index=False)
    return tmp_path / "stories"


def _folder(real_data: Path, *names: str) -> Path:
    folder = real_data.joinpath("data", *names)
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def test_a_small_model_learns_real_stories_and_plays_again(stories: Path, root: Path) -> None:
    config = load_experiment(
        "tinystories_small",
        [
            f"data.path={stories}",
            "optim.learning_rate=0.01",
            "data.selection_examples=50",
            "train.max_steps=96",
            "train.validations=2",
            "data.batch_tokens=2048",
            "model.layers=1",
            "model.dim=64",
            "model.vocab_size=1024",
            "samples.decoding.max_length=60",
            "export.scored_examples=100",
            "export.latency_seconds=0",
        ],
    )
    store = Store.open(root)
    result = train(config, store)
    assert 0.8 < result.metrics["test/bits_per_byte"] < 2.6  # ln 1024 nats a token, as of chance, are 3.2
    assert result.metrics["export/int8/loss"] - result.metrics["export/fp32/loss"] < 0.02
    assert reproduce(run_named(store, result.run_id)).comparison.verdict == "identical"


def test_a_pretrained_model_with_gpt2s_own_tokenizer_is_fine_tuned(
    real_data: Path, stories: Path, root: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(_folder(real_data, "tokenizers", "gpt2"), local_files_only=True)
    shape = GPT2Config(n_layer=1, n_head=2, n_embd=32, n_positions=128, vocab_size=len(tokenizer))
    GPT2LMHeadModel(shape).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = load_experiment(
        "tinystories_gpt2",
        [
            f"data.path={stories}",
            f"model.pretrained={tmp_path}",
            "data.max_tokens=128",
            "data.selection_examples=50",
            "train.max_steps=20",
            "train.validations=2",
            "optim.learning_rate=0.01",
            "samples.decoding.max_length=40",
            "export.when=never",
        ],
    )
    metrics = train(config, Store.open(root)).metrics
    assert metrics["test/bits_per_byte"] < 2.8  # ln 50257 nats a token, as of chance, are 3.9
