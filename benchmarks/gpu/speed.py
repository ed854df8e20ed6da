"""Training speed of the same model on the same rows, batch and precision: Encore, a bare loop, transformers.Trainer.

(a) Encore as it comes: tracking on, every step logged, deterministic. (b) Encore with `train.deterministic=false`.
(c) A bare loop around Encore's module, without Lightning and tracking. (d) transformers.Trainer as it comes, which
asks for no determinism, logging nothing. They take turns in one process. The GPU works ahead of its program: (c) and
(d) read the clock when it has caught up, after the warm-up steps and after the last.
"""

from __future__ import annotations

import contextlib
import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.cases import Case, Plan
from benchmarks.gpu.flops import flops_of_rows, peak_flops
from benchmarks.gpu.results import Entry, Results

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from tracking.store import Store

WARMUP = 5
ROUNDS = 3
_FIRST_GUESS_S = 15.0
_ROWS = {
    "classifier": 12_800,
    "language model": 3_000,
}  # of the corpus' head: reading all takes longer than training
_OFFICIAL_ROWS = 100
RATE = "train/examples_per_s"


def measure(plan: Plan, results: Results) -> None:
    """All sides of all cases, round after round, so that a short time leaves fewer rounds and not fewer cases."""
    from tracking.store import Store

    with TemporaryDirectory(prefix="encore-gpu-speed-") as scratch:
        store = Store.open(Path(scratch) / "mlruns", uri=f"sqlite:///{scratch}/mlruns/mlflow.db")
        benches: dict[Case, Bench] = {}
        guesses: dict[tuple[Case, str], float] = {}
        for number in range(1, (1 if plan.tiny else ROUNDS) + 1):
            for case in plan.cases():
                for side in ("(a) Encore", "(d) Trainer", "(c) bare loop", "(b) Encore, not deterministic"):

                    def work(case: Case = case, side: str = side) -> Entry:
                        if case not in benches:
                            benches[case] = Bench(plan, case, store, Path(scratch))
                        return benches[case].time(side)

                    guess = guesses.get((case, side), _FIRST_GUESS_S)
                    entry = results.step(str(case), "speed", work, needs_s=guess, side=side, round=number)
                    if entry is not None:
                        guesses[case, side] = 1.1 * entry["seconds"]


class Bench:
    """The sides of one case, over data that were read once."""

    def __init__(self, plan: Plan, case: Case, store: Store, scratch: Path) -> None:
        from experiments.build import build_data
        from experiments.build import plan as schedule_of

        self.case, self.store, self.scratch = case, store, scratch
        self.steps = 15 if plan.tiny else 45 if case.family == "classifier" else 25
        self.settings = self._settings(plan)
        self.device = plan.device
        self.data: Any = build_data(self.settings, cache_dir=store.root / "cache")
        self.schedule = schedule_of(self.settings, self.data)

    def _settings(self, plan: Plan) -> ExperimentConfig:
        from experiments.loading import load_experiment

        folder = None if plan.data is None else _head_of(plan, self.case, self.scratch)
        overrides = plan.overrides(self.case, steps=self.steps, data=folder)
        alone = ["export.when=never", "data.selection_examples=50"]
        if self.case.family == "language model":
            alone += ["samples=none", "data.packed=true"]
        return load_experiment(plan.experiment(self.case.family), [*overrides, *alone])

    def time(self, side: str) -> Entry:
        """Examples a second of one side, its peak memory, and its share of what the GPU could do."""
        sides: dict[str, Callable[[], float]] = {
            "(a) Encore": lambda: self._encore(deterministic=True),
            "(b) Encore, not deterministic": lambda: self._encore(deterministic=False),
            "(c) bare loop": self._loop,
            "(d) Trainer": self._trainer,
        }
        _forget(self.device)
        rate = sides[side]()
        found = {"examples_per_s": rate, "peak_memory_mib": _peak_mib(self.device), **self._utilisation(rate)}
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
        flops = flops_of_rows(self._learner().model.config, lengths) / len(lengths) * rate
        found["model_tflops"] = flops / 1e12
        return found if peak is None else {**found, "mfu": flops / peak[0], "peak": peak[1]}

    def _learner(self) -> Any:
        from experiments.build import build_learner

        return build_learner(self.settings, self.data, self.schedule)

    def _encore(self, *, deterministic: bool) -> float:
        """A whole `train`; the rate comes from the metrics that the run itself logged."""
        from experiments.train import train

        settings = self._with(deterministic=deterministic)
        result = train(settings, self.store)
        history = [rate for step, rate in self.store.metric_history(result.run_id, RATE) if step > WARMUP]
        shutil.rmtree(self.store.root / "artifacts")  # gigabytes of each
        return len(history) / sum(1 / rate for rate in history)

    def _with(self, *, deterministic: bool) -> ExperimentConfig:
        train = self.settings.train.model_copy(update={"deterministic": deterministic})
        return self.settings.model_copy(update={"train": train})

    def _loop(self) -> float:
        import torch

        from experiments.machine import prepare
        from lightning_modules.optimisation import clip_gradients

        prepare(self.settings)
        learner = self._learner().to(self.device).train()
        made = learner.configure_optimizers()
        optimiser, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
        parameters, clock = list(learner.parameters()), Clock(self.device)
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
        return clock.rate()

    def _autocast(self) -> Any:
        import torch

        kinds = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
        kind = kinds.get(self.case.precision)
        return contextlib.nullcontext() if kind is None else torch.autocast(self.device, dtype=kind)

    def _trainer(self) -> float:
        from transformers import PrinterCallback, Trainer, TrainerCallback

        from experiments.machine import prepare

        prepare(self._with(deterministic=False))
        clock, batch = Clock(self.device), self.settings.data.batch_size

        class Watch(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                clock.step(batch)

        rows, collator = self._rows()
        trainer = Trainer(
            model=self._library_model(),
            args=self._arguments(),
            train_dataset=rows,
            data_collator=collator,
            callbacks=[Watch()],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return clock.rate()

    def _arguments(self) -> Any:
        from transformers import TrainingArguments

        return TrainingArguments(
            output_dir=str(self.scratch / "peer"),
            per_device_train_batch_size=self.settings.data.batch_size,
            learning_rate=self.settings.optim.learning_rate,
            max_steps=self.steps,
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
        model = self._learner().model
        made = type(model.config).from_dict(model.config.to_dict())
        return type(model)._from_config(made, attn_implementation="sdpa")

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
    """Examples a second from the end of the warm-up to the end of the last step, when the device has caught up."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._steps = self._examples = 0
        self._begin = 0.0

    def step(self, examples: int) -> None:
        self._steps += 1
        if self._steps == WARMUP:
            self._begin = self._now()
        elif self._steps > WARMUP:
            self._examples += examples

    def rate(self) -> float:
        return self._examples / (self._now() - self._begin)

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


def _head_of(plan: Plan, case: Case, scratch: Path) -> Path:
    """The corpus' first rows in a folder of their own: enough for the steps, and a short official split."""
    import pyarrow.parquet as pq

    assert plan.data is not None
    name = "sst2" if case.family == "classifier" else "tinystories"
    folder = scratch / name
    if not folder.exists():
        folder.mkdir()
        for split, rows in (("train", _ROWS[case.family]), ("validation", _OFFICIAL_ROWS)):
            pq.write_table(
                pq.read_table(plan.data / name / f"{split}.parquet").slice(0, rows),
                folder / f"{split}.parquet",
            )
    return folder
