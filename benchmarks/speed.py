"""Training examples/s of the same model on the same SST-2 rows: Encore, a bare loop, transformers.Trainer.

(a) Encore, tracking on, every step logged. (b) A bare PyTorch loop over Encore's batches with Encore's loss.
(c) transformers.Trainer with the defaults of the GLUE example: padded to 128. (d) The same with dynamic
padding and length grouping. All four alternate in one process; steps are timed after three warm-up steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results import table, write_section
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment

ROWS = 3200
PADDED_STEPS = 9  # of (c), whose step takes ten times as long
WARMUP = 3
ROUNDS = 5
BATCH = 32
PADDED_TOKENS = 128
RATE = "train/examples_per_s"


def config(real_data: Path) -> ExperimentConfig:
    """The catalogued experiment on `ROWS` rows, one epoch, nothing after the training."""
    return load_experiment(
        "sst2_distilbert",
        [
            f"data.path={real_data / 'data' / 'sst2'}",
            f"model.pretrained={real_data / 'models' / 'minilm-distilbert'}",
            f"data.train_examples={ROWS}",
            f"data.batch_size={BATCH}",
            "train.max_steps=none",
            "train.max_epochs=1",
            "train.validations=1",
            "export.when=never",
        ],
    )


def measure(real_data: Path) -> None:
    """All rounds; writes the section."""
    from experiments.build import build_data, plan
    from tracking.store import Store

    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch) / "mlruns", uri=f"sqlite:///{scratch}/mlruns/mlflow.db")
        settings = config(real_data)
        data = build_data(settings, cache_dir=store.root / "cache")
        schedule = plan(settings, data)
        sides: dict[str, Callable[[], float]] = {
            "(a) Encore": lambda: encore(settings, store),
            "(b) bare loop, same batches": lambda: bare_loop(settings, data, schedule),
            "(c) Trainer, padded to 128": lambda: peer(settings, data, Path(scratch), grouped=False),
            "(d) Trainer, grouped, dynamic padding": lambda: peer(
                settings, data, Path(scratch), grouped=True
            ),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(ROUNDS):
            for name, side in sides.items():
                rates[name].append(side())
                print(f"round {number + 1}/{ROUNDS}  {name}: {rates[name][-1]:.1f} examples/s", flush=True)
    _write(rates)


def _write(rates: dict[str, list[float]]) -> None:
    ours = rates["(a) Encore"]
    wanted = {"(b)": 0.97, "(c)": 14.0, "(d)": 1.6}
    rows: list[list[object]] = []
    for name, found in rates.items():
        ratios = [mine / theirs for mine, theirs in zip(ours, found, strict=True)]
        goal = wanted.get(name[:3])
        rows.append(
            [
                name,
                f"{statistics.median(found):.1f}",
                f"{min(found):.1f} to {max(found):.1f}",
                "" if goal is None else f"{statistics.median(ratios):.2f} ×",
                "" if goal is None else f"at least {goal} ×",
            ]
        )
    body = (
        f"{ROWS} rows of SST-2's train split, batch {BATCH}, float32, the offline encoder (dim 384, 6 layers), "
        f"{ROUNDS} rounds in turn; medians. A ratio is the median of the rounds' ratios.\n\n"
        + table(["side", "examples/s", "range", "(a) over it", "wanted"], rows)
    )
    write_section("Training speed", "python -m benchmarks speed", body)


def encore(settings: ExperimentConfig, store: Any) -> float:
    """A whole `train`; the rate comes from the metrics that the run itself logged."""
    from experiments.training.train import train

    result = train(settings, store)
    history = store.metric_history(result.run_id, RATE)
    seconds = sum(BATCH / rate for step, rate in history if step > WARMUP)
    return BATCH * (len(history) - WARMUP) / seconds


def bare_loop(settings: ExperimentConfig, data: Any, schedule: Any) -> float:
    """Forward, loss, backward, clip, step, schedule: nothing else."""
    import torch

    from experiments.build import build_learner
    from experiments.torch_setup import prepare
    from lightning_modules.optimisation import clip_gradients

    prepare(settings)
    learner = build_learner(settings, data, schedule).train()
    made = learner.configure_optimizers()
    optimiser, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    parameters = list(learner.parameters())
    watch = Stopwatch()
    for batch in data.train_dataloader():
        loss, _ = learner.loss_and_logits(batch)
        loss.backward()
        clip_gradients(parameters, settings.optim.gradient_clip_norm)
        optimiser.step()
        scheduler.step()
        learner.optimizer_zero_grad(0, 0, optimiser)
        assert torch.isfinite(loss)
        watch.step(len(batch["labels"]))
    return watch.rate()


def peer(settings: ExperimentConfig, data: Any, scratch: Path, *, grouped: bool) -> float:
    """transformers.Trainer over the same rows, as it comes: without the determinism that Encore asks for."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        default_data_collator,
    )

    watch = Stopwatch()

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            watch.step(BATCH)

    torch.use_deterministic_algorithms(False)
    model = AutoModelForSequenceClassification.from_pretrained(settings.model.pretrained, num_labels=2)
    arguments = TrainingArguments(
        output_dir=str(scratch / "peer"),
        per_device_train_batch_size=BATCH,
        learning_rate=settings.optim.learning_rate,
        num_train_epochs=1,
        max_steps=-1 if grouped else PADDED_STEPS,
        group_by_length=grouped,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=_rows(data, pad=not grouped),
        data_collator=DataCollatorWithPadding(data.tokenizer) if grouped else default_data_collator,
        callbacks=[Watch()],
    )
    trainer.train()
    return watch.rate()


def _rows(data: Any, *, pad: bool) -> Any:
    from datasets import Dataset

    texts, labels = data.rows["train"].texts, data.rows["train"].labels
    padding: dict[str, Any] = {"padding": "max_length"} if pad else {}
    encoded = data.tokenizer(list(texts), truncation=True, max_length=PADDED_TOKENS, **padding)
    return Dataset.from_dict({**encoded, "labels": list(labels)})


class Stopwatch:
    """Examples per second from the end of the third step to the end of the last."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.examples: list[int] = []

    def step(self, examples: int) -> None:
        self.ends.append(time.perf_counter())
        self.examples.append(examples)

    def rate(self) -> float:
        return sum(self.examples[WARMUP:]) / (self.ends[-1] - self.ends[WARMUP - 1])
