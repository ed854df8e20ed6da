"""Training tokens/s of the same GPT-2 on the same blocks: Encore, a bare loop, transformers.Trainer.

(a) Encore, tracking on, every step logged. (b) A bare PyTorch loop with the library's model and loss, fused AdamW and
clipping. (c) A bare loop around Encore's own module. (d) transformers.Trainer. They alternate in one process; steps
are timed after three warm-up steps. All have the same precision of matrix products, once full float32 and once
the catalogued "medium".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results import table, write_section
from benchmarks.speed import WARMUP, Stopwatch
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment

STEPS = 10
ROUNDS = 3
BATCH, BLOCK = 32, 256
RATE = "train/tokens_per_s"
WANTED = {"(b)": 0.97, "(d)": 1.2}


def config(real_data: Path, products: str) -> ExperimentConfig:
    """The catalogued model on full blocks, nothing after the training."""
    return load_experiment(
        "tinystories_small",
        [
            f"data.path={real_data / 'data' / 'tinystories'}",
            "data.packed=true",
            f"data.max_tokens={BLOCK}",
            f"data.batch_size={BATCH}",
            "data.batch_tokens=none",
            "data.group_by_length=false",
            "data.selection_examples=20",
            f"train.max_steps={STEPS}",
            "train.validations=1",
            f"train.matmul_precision={products}",
            "export.when=never",
            "samples=none",
        ],
    )


def measure(real_data: Path) -> None:
    """All rounds of both precisions; writes the section."""
    from experiments.build import build_data
    from tracking.store import Store

    parts: list[str] = []
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch) / "mlruns", uri=f"sqlite:///{scratch}/mlruns/mlflow.db")
        for products in ("highest", "medium"):
            settings = config(real_data, products)
            data = build_data(settings, cache_dir=store.root / "cache")
            rates = _rates(settings, data, store, Path(scratch))
            parts.append(f"Matrix products in `{products}` precision on all sides:\n\n{_table(rates)}")
    head = (
        f"tinystories_small (4 layers of 256, 4,096 tokens) on blocks of {BLOCK} tokens, batch {BATCH}, float32, "
        f"{STEPS} steps, {ROUNDS} rounds in turn; medians. A ratio is the median of the rounds' ratios."
    )
    write_section(
        "Training speed of the language model",
        "python -m benchmarks language_speed",
        "\n\n".join([head, *parts]),
    )


def _rates(settings: ExperimentConfig, data: Any, store: Any, scratch: Path) -> dict[str, list[float]]:
    sides: dict[str, Callable[[], float]] = {
        "(a) Encore": lambda: encore(settings, store),
        "(b) bare loop, the library's model": lambda: bare_loop(settings, data),
        "(c) bare loop, Encore's module": lambda: own_loop(settings, data),
        "(d) transformers.Trainer": lambda: peer(settings, data, scratch),
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        for name, side in sides.items():
            rates[name].append(side())
            print(f"round {number + 1}/{ROUNDS}  {name}: {rates[name][-1]:,.0f} tokens/s", flush=True)
    return rates


def _table(rates: dict[str, list[float]]) -> str:
    ours = rates["(a) Encore"]
    rows: list[list[object]] = []
    for name, found in rates.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, found, strict=True))
        goal = WANTED.get(name[:3])
        rows.append(
            [
                name,
                f"{statistics.median(found):,.0f}",
                f"{min(found):,.0f} to {max(found):,.0f}",
                "" if name.startswith("(a)") else f"{ratio:.2f} ×",
                "" if goal is None else f"at least {goal} ×",
            ]
        )
    return table(["side", "tokens/s", "range", "(a) over it", "wanted"], rows)


def encore(settings: ExperimentConfig, store: Any) -> float:
    """A whole `train`; the rate comes from the metrics that the run itself logged."""
    from experiments.training.train import train

    result = train(settings, store)
    tokens = BATCH * BLOCK
    history = store.metric_history(result.run_id, RATE)
    seconds = sum(tokens / rate for step, rate in history if step > WARMUP)
    return tokens * (len(history) - WARMUP) / seconds


def bare_loop(settings: ExperimentConfig, data: Any) -> float:
    """What a careful user writes around the library's model."""
    import torch

    from experiments.torch_setup import prepare

    prepare(settings)
    torch.use_deterministic_algorithms(False)
    model = _model(settings, data).train()
    optim = settings.optim
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=optim.learning_rate, betas=(optim.beta1, optim.beta2), fused=True
    )
    watch = Stopwatch()
    for batch in _batches(data):
        ids, labels = batch["input_ids"], batch["labels"]
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        watch.step(labels.numel())
    return watch.rate()


def own_loop(settings: ExperimentConfig, data: Any) -> float:
    """Encore's module without Lightning and tracking."""
    from experiments.build import build_learner, plan
    from experiments.torch_setup import prepare
    from lightning_modules.optimisation import clip_gradients

    prepare(settings)
    learner = build_learner(settings, data, plan(settings, data)).train()
    made = learner.configure_optimizers()
    optimiser, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    watch = Stopwatch()
    for batch in _batches(data):
        loss = learner.loss(batch)
        loss.backward()
        clip_gradients(learner.parameters(), 1.0)
        optimiser.step()
        scheduler.step()
        learner.optimizer_zero_grad(0, 0, optimiser)
        loss.item()
        watch.step(batch["labels"].numel())
    return watch.rate()


def _model(settings: ExperimentConfig, data: Any) -> Any:
    from lightning_modules.gpt2 import new_gpt2

    model = settings.model
    return new_gpt2(
        vocab_size=len(data.tokenizer),
        end_token_id=data.tokenizer.eos_token_id,
        context_tokens=BLOCK,
        layers=model.layers,
        heads=model.heads,
        dim=model.dim,
        dropout=model.dropout,
    )


def _batches(data: Any) -> list[Any]:
    data.run_batches, data.first_batch = STEPS, 0
    return list(data.train_dataloader())


def peer(settings: ExperimentConfig, data: Any, scratch: Path) -> float:
    """transformers.Trainer over the same blocks, as it comes."""
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments, default_data_collator

    watch = Stopwatch()

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            watch.step(BATCH * BLOCK)

    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision(settings.train.matmul_precision)
    arguments = TrainingArguments(
        output_dir=str(scratch / "peer"),
        per_device_train_batch_size=BATCH,
        learning_rate=settings.optim.learning_rate,
        max_steps=STEPS,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    whole = [
        row for row in range(len(data.tables["train"])) if len(data.tables["train"].sequence(row)) > BLOCK
    ]
    rows = [
        {"input_ids": ids, "attention_mask": [1] * BLOCK, "labels": ids}
        for ids in (data.tables["train"].sequence(row)[:BLOCK].tolist() for row in whole[: BATCH * STEPS])
    ]
    trainer = Trainer(
        model=_model(settings, data),
        args=arguments,
        train_dataset=rows,  # type: ignore[arg-type]
        data_collator=default_data_collator,
        callbacks=[Watch()],
    )
    trainer.train()
    return watch.rate()
