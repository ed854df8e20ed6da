"""Runs of randomly drawn configs, played again in fresh processes, and killed and resumed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import begun, checkpointed, encore, kill
from benchmarks.results import table, write_section

RUNS = 20
AT_ONCE = 2
_KILL_WITHIN_S = 12.0

# fmt: off
_BOTH: dict[str, Sequence[object]] = {
    "seed": range(1000), "data.batch_size": (4, 8, 16), "data.batch_tokens": ("none", 300),
    "data.group_by_length": ("true", "false"), "data.loader_workers": range(5), "data.selection_seed": range(3),
    "train.accumulate_batches": (1, 2, 3), "train.precision": ("32-true", "bf16-mixed"),
    "train.matmul_precision": ("highest", "high", "medium"), "train.threads": (1, 2),
    "train.early_stopping_patience": ("none", 2), "train.checkpoint_every_steps": ("none", 3, 7),
    "train.keep_checkpoint_every_steps": ("none", 10),
    "train.validations": (2, 4, 6), "optim.learning_rate": (3e-4, 1e-3, 3e-3),
    "optim.schedule": ("linear", "constant", "cosine"),
    "optim.warmup_ratio": (0.0, 0.1, 0.3), "optim.weight_decay": (0.0, 0.1), "optim.layerwise_decay": (1.0, 0.8),
    "optim.gradient_clip_norm": ("none", 0.3, 1.0), "model.dropout": (0.0, 0.1, 0.3), "model.frozen_layers": (0, 1),
    "model.layers": (1, 2), "model.heads": (1, 2, 4), "model.dim": (16, 32), "model.vocab_size": (300, 600),
}
_CLASSIFIER: dict[str, Sequence[object]] = {
    "model.hidden_dim": (32, 64), "model.attention_dropout": (0.0, 0.2), "model.classifier_dropout": (0.0, 0.3),
    "model.label_smoothing": (0.0, 0.1), "data.max_tokens": (16, 48),
}
_LANGUAGE: dict[str, Sequence[object]] = {"data.max_tokens": (32, 64)}
_SMALL = ("data.train_examples=400", "data.selection_examples=60", "train.max_steps=60", "export.scored_examples=40",
          "export.max_accuracy_drop=1", "export.max_loss_increase=9")
# fmt: on


@dataclass(frozen=True)
class Drawn:
    """An experiment's name and its overrides."""

    experiment: str
    overrides: tuple[str, ...]


def draw(number: int) -> Drawn:
    """Config `number`; every second one a language model."""
    generator = random.Random(number)  # noqa: S311 no secret
    language = number % 2 == 1
    options = _BOTH | (_LANGUAGE if language else _CLASSIFIER)
    drawn = tuple(f"{key}={generator.choice(list(values))}" for key, values in options.items())
    return Drawn("demo_stories" if language else "demo_reviews", (*_SMALL, *drawn))


def measure() -> None:
    """Writes the section."""
    with TemporaryDirectory(prefix="encore-reproduce-") as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        root = Path(folder) / "mlruns"
        played = list(pool.map(lambda number: _played_again(root, draw(number)), range(RUNS)))
        resumed = list(pool.map(lambda number: _killed_and_resumed(root, number), range(RUNS)))
    kills = sum(times for _, times in resumed)
    rows = [
        [
            "runs of drawn configs, each played again in a fresh process",
            _share(played),
            f"{RUNS} of {RUNS} identical",
        ],
        [
            f"runs killed with SIGKILL at random moments ({kills} kills) and resumed",
            _share([verdict for verdict, _ in resumed]),
            f"{RUNS} of {RUNS} identical",
        ],
    ]
    write_section(
        "Reproducing and resuming",
        "python -m benchmarks reproduce",
        "Both kinds of model, all options of training, 0 to 4 loader workers; every second run is a language model. "
        "A resumed run is compared with one that was never interrupted, every fourth is killed twice.\n\n"
        + table(["what", "identical", "wanted"], rows),
    )


def _share(verdicts: Sequence[str]) -> str:
    others = sorted({verdict for verdict in verdicts if verdict != "identical"})
    equal = sum(verdict == "identical" for verdict in verdicts)
    return f"{equal} of {len(verdicts)}" + (f" (others: {', '.join(others)})" if others else "")


def _train(root: Path, drawn: Drawn) -> str:
    return str(encore(root, "train", drawn.experiment, *drawn.overrides, "--again")["run_id"])


def _played_again(root: Path, drawn: Drawn) -> str:
    verdict = str(encore(root, "reproduce", _train(root, drawn))["verdict"])
    print(verdict, drawn.experiment, " ".join(drawn.overrides), flush=True)
    return verdict


def _killed_and_resumed(root: Path, number: int) -> tuple[str, int]:
    """The verdict against the uninterrupted run, and how often it was killed."""
    drawn, generator = draw(number), random.Random(-1 - number)  # noqa: S311 no secret
    whole = _train(root, drawn)
    began = begun(root, "train", drawn.experiment, *drawn.overrides, "--again")
    run_id = checkpointed(root, began, {whole})
    kills = int(kill(began, generator.uniform(0, 2)))
    if kills and number % 4 == 3:
        again = begun(root, "resume", run_id)
        kills += int(kill(again, generator.uniform(4, _KILL_WITHIN_S)))
    status = encore(root, "show", run_id)["status"]
    if status != "FINISHED":
        encore(root, "resume", run_id)
    compared = encore(root, "diff", whole, run_id)["compared"]
    assert isinstance(compared, dict)
    print(compared["verdict"], f"{kills} kills", drawn.experiment, " ".join(drawn.overrides), flush=True)
    return str(compared["verdict"]), kills
