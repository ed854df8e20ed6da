"""Experiments small enough to train in a second or two: their overrides stand here alone.

Overrides are lists, so that a test puts together what it needs: `latest([*SHORT, *CLASSIFIER, "seed=1"])`.
"""

from __future__ import annotations

from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from tests.overrides import latest

_NARROW = ["model.dim=16", "model.heads=2"]
CLASSIFIER = [*_NARROW, "model.layers=2", "model.hidden_dim=32"]
LSTM = ["model.dim=8", "model.embedding_dim=8", "model.vocab_size=200", "model.word_dropout=0.1"]
LANGUAGE = [*_NARROW, "model.layers=1", "model.vocab_size=300", "data.max_tokens=32"]
FEW_ROWS = ["data.train_examples=160", "data.selection_examples=40"]
LINEAR = [*FEW_ROWS, "export.when=never"]
SHORT = [*FEW_ROWS, "train.max_steps=8", "train.validations=4"]
ANY_EXPORT = ["export.scored_examples=50", "export.max_accuracy_drop=1", "export.max_loss_increase=9",
              "export.latency_seconds=0"]  # fmt: skip
"""Exports on few rows, whose gate nothing fails, without a table of latencies."""

# With dropout and checkpoints on the way, so that there is something to go on from.
_INTERRUPTED = [*FEW_ROWS, "train.max_steps=24", "train.validations=4", "train.threads=1", "export.when=never",
                "model.dropout=0.1", "data.batch_size=16", "train.checkpoint_every_steps=5"]  # fmt: skip
INTERRUPTED_CLASSIFIER = [*_INTERRUPTED, *CLASSIFIER]
INTERRUPTED_LSTM = [*_INTERRUPTED, *LSTM]
INTERRUPTED_LANGUAGE = [*_INTERRUPTED, *LANGUAGE]

# Exported, too: what is played again compares in all that a run leaves.
_REPEATED = [*SHORT, "model.dropout=0.1", *ANY_EXPORT]
REPEATED_CLASSIFIER = [*_REPEATED, *CLASSIFIER]
REPEATED_LANGUAGE = [*_REPEATED, *LANGUAGE]


def classifier(*overrides: str) -> ExperimentConfig:
    """One to be interrupted."""
    return load_experiment("demo_reviews", latest([*INTERRUPTED_CLASSIFIER, *overrides]))


def lstm(*overrides: str) -> ExperimentConfig:
    """Likewise."""
    return load_experiment("demo_lstm", latest([*INTERRUPTED_LSTM, *overrides]))


def linear(*overrides: str) -> ExperimentConfig:
    """One that is fitted at once."""
    return load_experiment("demo_linear", latest([*LINEAR, *overrides]))


def language(*overrides: str) -> ExperimentConfig:
    """Likewise."""
    return load_experiment("demo_stories", latest([*INTERRUPTED_LANGUAGE, *overrides]))


def repeated_classifier(*overrides: str) -> ExperimentConfig:
    """One to be played again."""
    return load_experiment("demo_reviews", latest([*REPEATED_CLASSIFIER, *overrides]))


def small_classifier(*overrides: str) -> ExperimentConfig:
    """One to be trained, no more."""
    return load_experiment("demo_reviews", latest([*SHORT, "train.threads=1", *CLASSIFIER, *overrides]))


def small_writer(*overrides: str) -> ExperimentConfig:
    """Likewise, with a context of 512 tokens."""
    more = ["train.threads=1", "data.max_tokens=512", *overrides]
    return load_experiment("demo_stories", latest([*SHORT, *LANGUAGE, *more]))
