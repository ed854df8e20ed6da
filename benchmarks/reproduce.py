"""Runs of randomly drawn configs, played again in fresh processes, and killed and resumed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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


def _encore(root: Path, *arguments: str) -> dict[str, object]:
    """The JSON that a command prints."""
    process = subprocess.run(_command(root, *arguments), capture_output=True, text=True, check=False)
    if not process.stdout:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout)


def _command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments, "--root", str(root), "--json"]


def _train(root: Path, drawn: Drawn) -> str:
    return str(_encore(root, "train", drawn.experiment, *drawn.overrides, "--again")["run_id"])


def _played_again(root: Path, drawn: Drawn) -> str:
    verdict = str(_encore(root, "reproduce", _train(root, drawn))["verdict"])
    print(verdict, drawn.experiment, " ".join(drawn.overrides), flush=True)
    return verdict


def _killed_and_resumed(root: Path, number: int) -> tuple[str, int]:
    """The verdict against the uninterrupted run, and how often it was killed."""
    drawn, generator = draw(number), random.Random(-1 - number)  # noqa: S311 no secret
    whole = _train(root, drawn)
    began = subprocess.Popen(
        _command(root, "train", drawn.experiment, *drawn.overrides, "--again"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    run_id = _checkpointed(root, began, {whole})
    kills = int(_kill(began, generator.uniform(0, 2)))
    if kills and number % 4 == 3:
        again = subprocess.Popen(
            _command(root, "resume", run_id), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        kills += int(_kill(again, generator.uniform(4, _KILL_WITHIN_S)))
    status = _encore(root, "show", run_id)["status"]
    if status != "FINISHED":
        _encore(root, "resume", run_id)
    compared = _encore(root, "diff", whole, run_id)["compared"]
    assert isinstance(compared, dict)
    print(compared["verdict"], f"{kills} kills", drawn.experiment, " ".join(drawn.overrides), flush=True)
    return str(compared["verdict"]), kills


def _checkpointed(root: Path, process: subprocess.Popen[bytes], known: set[str]) -> str:
    """The run of `process`, once it has a checkpoint."""
    from tracking.owner import Owner

    while True:
        for folder in root.glob("artifacts/*/*/artifacts/checkpoints"):
            run_id = folder.parent.parent.name
            if run_id in known or not list(folder.glob("*.ckpt")):
                continue
            owner = Owner.parse(str(_owner(root, run_id)))
            if owner is not None and owner.pid == process.pid:
                return run_id
            known.add(run_id)
        if process.poll() is not None:
            raise RuntimeError(f"the run ended with {process.returncode} before its first checkpoint")
        time.sleep(0.02)


def _owner(root: Path, run_id: str) -> object:
    """From the database itself: a command would take seconds."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(root / "mlflow.db", timeout=30)) as connection:
        row = connection.execute(
            "SELECT value FROM tags WHERE key = 'encore.owner' AND run_uuid = ?", (run_id,)
        ).fetchone()
    return row[0] if row else ""


def _kill(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """SIGKILL after so many seconds; whether the process was still there."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False
