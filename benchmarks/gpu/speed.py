"""Training speed of the same model on the same rows, batch and precision: Encore, a bare loop, transformers.Trainer.

(a) Encore as it comes: tracking on, every step logged, deterministic. (b) Encore with `train.deterministic=false`.
(c) A bare loop around Encore's module, without Lightning and tracking. (d) transformers.Trainer as it is set up
sensibly: the library's model of the same configuration, AdamW in its fused form, gradients clipped alike, sentences
grouped by length; no determinism, nothing logged, saved or validated; rows in memory. (e) The same with two processes
that load, for sentences, which are padded batch by batch. They take turns in one process. The GPU works ahead of its
program: all but (a) and (b), which log every step, read the clock when it has caught up. A rate is of the steps after
the warm-up; the warm-up's own, without its first step, is beside it: kernels prepared for each new length are in it.
"""

from __future__ import annotations

import contextlib
import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.cases import Case, Plan
from benchmarks.gpu.flops import flops_of_rows, peak_flops
from benchmarks.gpu.results import Entry, Results

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from tracking.store import Store

ROUNDS = 3
SIDES = (
    "(a) Encore",
    "(d) Trainer",
    "(e) Trainer, 2 loaders",
    "(c) bare loop",
    "(b) Encore, not deterministic",
)
_FIRST_GUESS_S = 12.0
RATE = "train/examples_per_s"
# Examples a second, after the warm-up and in it.
Rates = tuple[float, float]


def measure(plan: Plan, results: Results, scratch: Path) -> None:
    """Case after case all rounds of its sides, so that a short time leaves fewer cases, those whole."""
    from tracking.store import Store

    store = Store.open(scratch / "mlruns", uri=f"sqlite:///{scratch}/mlruns/mlflow.db")
    for case in plan.timed_cases():
        bench: Bench | None = None
        guesses: dict[str, float] = {}
        for number in range(1, (1 if plan.tiny else ROUNDS) + 1):
            for side in SIDES:
                if "loaders" in side and case.family == "language model":
                    continue  # its rows are stacked, not padded: nothing to do beside the training

                def work(case: Case = case, side: str = side) -> Entry:
                    nonlocal bench
                    bench = bench or Bench(plan, case, store, scratch)
                    return bench.time(side)

                needs_s = guesses.get(side, _FIRST_GUESS_S)
                entry = results.step(str(case), "speed", work, needs_s=needs_s, side=side, round=number)
                if entry is not None:
                    guesses[side] = entry["seconds"]


class Bench:
    """The sides of one case, over data that were read once."""

    def __init__(self, plan: Plan, case: Case, store: Store, scratch: Path) -> None:
        from experiments.build import build_data
        from experiments.build import plan as schedule_of

        self.case, self.store, self.scratch = case, store, scratch
        sizes = plan.sizes(case.family)
        self.steps, self.warm_up = sizes.timed.steps, sizes.warm_up
        self.rows: tuple[Any, Any] | None = None  # as Trainer wants them
        self.settings = self._settings(plan)
        self.device = plan.device
        self.data: Any = build_data(self.settings, cache_dir=store.root / "cache")
        self.schedule = schedule_of(self.settings, self.data)
        model: Any = self._learner().model
        self.kind: tuple[Any, Any] = (type(model), model.config)

    def _settings(self, plan: Plan) -> ExperimentConfig:
        from experiments.loading import load_experiment

        length = plan.sizes(self.case.family).timed
        overrides = plan.overrides(self.case, length, self.scratch)
        alone = ["export.when=never"]
        if self.case.family == "classifier" and not plan.tiny:
            alone += [f"data.train_examples={self.warm_up * length.batch}"]  # an epoch to the row
        return load_experiment(plan.experiment(self.case.family), [*overrides, *alone])

    def time(self, side: str) -> Entry:
        """Examples a second of one side, its peak memory, and its share of what the GPU could do."""
        sides: dict[str, Callable[[], Rates]] = {
            "(a)": lambda: self._encore(deterministic=True),
            "(b)": lambda: self._encore(deterministic=False),
            "(c)": self._loop,
            "(d)": lambda: self._trainer(loaders=0),
            "(e)": lambda: self._trainer(loaders=2),
        }
        _forget(self.device)
        rate, cold = sides[side[:3]]()
        found = {
            "examples_per_s": rate,
            "warm_up_examples_per_s": cold,
            "peak_memory_mib": _peak_mib(self.device),
            **self._utilisation(rate),
        }
        _forget(self.device)
        return found

    def _utilisation(self, rate: float) -> Entry:
        import torch

        longest = self.settings.data.max_tokens  # a block has one token more, the last one's target
        lengths = (
            self.data.tables["train"].lengths[: self.settings.data.batch_size * self.steps].clip(max=longest)
        )
        found: Entry = {"tokens_per_s": rate * float(lengths.mean())}
        name = torch.cuda.get_device_name() if self.device == "cuda" else "cpu"
        peak = peak_flops(name, self.case.precision, self.settings.train.matmul_precision)
        flops = flops_of_rows(self.kind[1], lengths) / len(lengths) * rate
        found["model_tflops"] = flops / 1e12
        return found if peak is None else {**found, "mfu": flops / peak[0], "peak": peak[1]}

    def _learner(self) -> Any:
        from experiments.build import build_learner

        return build_learner(self.settings, self.data, self.schedule)

    def _encore(self, *, deterministic: bool) -> Rates:
        """A whole `train`; the rate comes from the metrics that the run itself logged."""
        from experiments.training.train import train

        settings = self._with(deterministic=deterministic)
        result = train(settings, self.store)
        history = [rate for _, rate in self.store.metric_history(result.run_id, RATE)]
        shutil.rmtree(self.store.root / "artifacts")  # gigabytes of each
        parts = history[self.warm_up :], history[1 : self.warm_up]
        rate, cold = (len(part) / sum(1 / rate for rate in part) for part in parts)
        return rate, cold

    def _with(self, *, deterministic: bool) -> ExperimentConfig:
        train = self.settings.train.model_copy(update={"deterministic": deterministic})
        return self.settings.model_copy(update={"train": train})

    def _loop(self) -> Rates:
        import torch

        from experiments.torch_setup import prepare
        from lightning_modules.optimisation import clip_gradients

        prepare(self.settings)
        learner = self._learner().to(self.device).train()
        made = learner.configure_optimizers()
        optimiser, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
        parameters, clock = list(learner.parameters()), Clock(self.device, self.warm_up)
        scaler = torch.amp.GradScaler(self.device, enabled=self.case.precision == "16-mixed")
        self.data.run_batches, self.data.first_batch = self.steps, 0
        for batch in self.data.train_dataloader():
            moved = {name: value.to(self.device) for name, value in batch.items()}
            with self._autocast():
                loss = learner.loss(moved)
            scaler.scale(loss).backward()
            scaler.unscale_(optimiser)
            clip_gradients(parameters, self.settings.optim.gradient_clip_norm)
            scaler.step(optimiser)
            scaler.update()
            scheduler.step()
            learner.optimizer_zero_grad(0, 0, optimiser)
            clock.step(len(batch["row"]))
        return clock.rates()

    def _autocast(self) -> Any:
        import torch

        kinds = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
        kind = kinds.get(self.case.precision)
        return contextlib.nullcontext() if kind is None else torch.autocast(self.device, dtype=kind)

    def _trainer(self, *, loaders: int) -> Rates:
        from transformers import PrinterCallback, Trainer, TrainerCallback

        from experiments.torch_setup import prepare

        prepare(self._with(deterministic=False))
        clock, batch = Clock(self.device, self.warm_up), self.settings.data.batch_size

        class Watch(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                clock.step(batch)

        rows, collator = self.rows = self.rows or self._rows()
        trainer = Trainer(
            model=self._library_model(),
            args=self._arguments(loaders),
            train_dataset=rows,
            data_collator=collator,
            callbacks=[Watch()],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return clock.rates()

    def _arguments(self, loaders: int) -> Any:
        from transformers import TrainingArguments

        return TrainingArguments(
            output_dir=str(self.scratch / "peer"),
            per_device_train_batch_size=self.settings.data.batch_size,
            learning_rate=self.settings.optim.learning_rate,
            max_steps=self.steps,
            max_grad_norm=self.settings.optim.gradient_clip_norm or 0.0,
            weight_decay=self.settings.optim.weight_decay,
            dataloader_num_workers=loaders,
            dataloader_persistent_workers=loaders > 0,
            group_by_length=self.case.family == "classifier",
            fp16=self.case.precision == "16-mixed",
            bf16=self.case.precision == "bf16-mixed",
            optim="adamw_torch_fused",
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=self.device == "cpu",
        )

    def _library_model(self) -> Any:
        """The model that Encore trains, as the library makes it."""
        model, config = self.kind
        made = type(config).from_dict(config.to_dict())
        return model._from_config(made, attn_implementation="sdpa")

    def _rows(self) -> tuple[Any, Any]:
        """The token rows that Encore trains on, as a dataset, and what makes batches of them."""
        from datasets import Dataset
        from transformers import DataCollatorWithPadding, default_data_collator

        table = self.data.tables["train"]
        wanted = self.settings.data.batch_size * self.steps
        if self.case.family == "classifier":
            ids = [table.sequence(row).tolist() for row in range(min(wanted, len(table)))]
            labels = list(self.data.rows["train"].labels)[: len(ids)]
            return Dataset.from_dict({"input_ids": ids, "labels": labels}), DataCollatorWithPadding(
                self.data.tokenizer
            )
        block = self.settings.data.max_tokens
        whole = [row for row in range(len(table)) if len(table.sequence(row)) > block][:wanted]
        ids = [table.sequence(row)[:block].tolist() for row in whole]
        rows = Dataset.from_dict({"input_ids": ids, "labels": ids}).with_format("torch")
        return rows, default_data_collator


class Clock:
    """Examples a second after the warm-up and in it, the first step left out; read when the device has caught up."""

    def __init__(self, device: str, warm_up: int) -> None:
        self.device, self.warm_up = device, warm_up
        self._steps = 0
        self._examples = [0, 0]
        self._begins: list[float] = []

    def step(self, examples: int) -> None:
        """Called at the end of each."""
        if self._steps > 0:
            self._examples[self._steps >= self.warm_up] += examples
        self._steps += 1
        if self._steps in (1, self.warm_up):
            self._begins.append(self._now())

    def rates(self) -> Rates:
        first, second = self._begins
        return self._examples[1] / (self._now() - second), self._examples[0] / (second - first)

    def _now(self) -> float:
        import torch

        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def _forget(device: str) -> None:
    """Give the device's memory back, and begin to count its peak anew."""
    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_mib(device: str) -> float | None:
    import torch

    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None
