"""Train, score, export and record one run: the only caller of `trainer.fit`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.markup import escape

from experiments.build import Parts, build
from experiments.callbacks import StopOnCue, Stopwatch, StopWhen, TrainingBar
from experiments.checkpoint_files import checkpoint_folder
from experiments.checkpoints import CheckpointPlan, Checkpoints
from experiments.continuation import Continuation
from experiments.determinism import NONDETERMINISTIC, nondeterministic_operations
from experiments.digests import checkpoint_digests, file_digest, table_digest
from experiments.endings import ended_in_the_record, memory_errors
from experiments.evaluate import evaluate
from experiments.exporting import export_into
from experiments.fitting import GoingOn, fit
from experiments.machine import check_precision, prepare
from experiments.progress import reported
from experiments.record import (
    DIGESTS_FILE,
    MODEL_FOLDER,
    RESULT_FILE,
    Beginning,
    beginning_of,
    open_run,
    run_name,
)
from experiments.recorded import RunArtifacts, check_same_beginning
from experiments.result import RunResult
from experiments.reuse import earlier_result, finished_run, take_over
from experiments.start import Start
from tracking.disk import disk_errors

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.config import ExperimentConfig
    from tracking.run_log import RunLog
    from tracking.store import Store


def train(
    config: ExperimentConfig,
    store: Store,
    *,
    name: str | None = None,
    parent_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    stop_when: StopWhen | None = None,
    export: bool | None = None,
    console: Console | None = None,
    title: str | None = None,
    threads: int | None = None,
    like: RunArtifacts | None = None,
    start: Start | None = None,
    reuse: bool = False,
    continued: Continuation | None = None,
) -> RunResult:
    """Run `config` once, from data to export, as one MLflow run in `store`.

    name: of the run; none: the experiment's and the seed. stop_when: asked after every validation; a run that
    it stops is pruned, which leaves it KILLED with the metrics it had. export: the ONNX and INT8 variants or not;
    none: as `config.export.when` says. title: of the progress bar; none: the experiment's name. threads: of torch
    on the CPU, where `config` leaves them open. like: a run whose data and start this one must have. start: a
    checkpoint to begin with: a fork. reuse: where the recipe has already finished, nothing is trained; its result
    comes back, and a run with a parent takes all of it over. continued: go on with this run, start none.
    Raises UserError before anything is recorded when the config cannot run here; a later error ends in the record.
    """
    check_precision(config)
    clock = _Clock()
    beginning = _beginning(config, store, clock, threads=threads, start=start, like=like, console=console)
    earlier = finished_run(store, beginning.recipe_id) if reuse else None
    if earlier is not None and parent_id is None:
        return earlier_result(earlier)
    config = beginning.parts.config
    name = continued.record.name if continued else name or run_name(config, {})
    with clock("record"):
        if continued is None:
            tags = {**_fork_tags(beginning, console), **(tags or {})}
            log = open_run(store, beginning, name=name, parent_id=parent_id, tags=tags)
        else:
            log = continued.reopen(store, beginning, console)
    export = config.export.when != "never" if export is None else export
    with (
        ended_in_the_record(log, resumable=parent_id is None),
        disk_errors(store.root),
        memory_errors(config),
    ):
        if earlier is None:
            run = _Run(store, name, beginning, log, console, title or config.name, clock, continued)
            with nondeterministic_operations() as without:
                result = run.go(stop_when, export=export)
            _name_operations(without, log, console)
        else:
            result = take_over(
                earlier, log, beginning.parts, name, stop_when=stop_when, export=export, console=console
            )
    pruned = result.status == "pruned"
    log.finish("KILLED" if pruned else "FINISHED", reason="pruned" if pruned else None)
    return result


def _beginning(
    config: ExperimentConfig,
    store: Store,
    clock: _Clock,
    *,
    threads: int | None,
    start: Start | None,
    like: RunArtifacts | None,
    console: Console | None,
) -> Beginning:
    """Everything built and checked, nothing recorded."""
    ran = prepare(config, threads=threads)
    with clock("data"):
        parts = build(config, cache_dir=store.root / "cache", console=console)
    if start is not None:
        start.check_fits(parts)
    with clock("record"):
        beginning = beginning_of(parts, ran, start)
        if like is not None:
            check_same_beginning(like, beginning)
    return beginning


def _fork_tags(beginning: Beginning, console: Console | None) -> dict[str, str]:
    """What differs around a fork from the run that it forks is said and stays with it."""
    under = beginning.start.differences(beginning) if beginning.start else ""
    if under and console is not None:
        console.print(
            f"[yellow]differs from the run that it begins with:[/] {escape(under)}", highlight=False
        )
    return {"encore.forked_under": under} if under else {}


def _name_operations(without: set[str], log: RunLog, console: Console | None) -> None:
    """Say and record which operations had no deterministic version."""
    if not without:
        return
    names = ", ".join(sorted(without))
    log.set_tags({f"encore.ran.{NONDETERMINISTIC}": names})
    if console is not None:
        console.print(
            f"[yellow]ran without a deterministic version:[/] {names}; played again, its bits may differ",
            highlight=False,
        )


class _Clock:
    """Seconds by name of what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Generator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass
class _Run:
    store: Store
    name: str
    beginning: Beginning
    log: RunLog
    console: Console | None
    title: str
    clock: _Clock
    continued: Continuation | None

    @property
    def parts(self) -> Parts:
        return self.beginning.parts

    @property
    def device(self) -> str:
        return self.beginning.ran["device"]

    def _going_on(self) -> GoingOn | None:
        if self.continued is not None:
            return self.continued.going_on
        return self.beginning.start.going_on(self.parts) if self.beginning.start else None

    def go(self, stop_when: StopWhen | None, *, export: bool) -> RunResult:
        with TemporaryDirectory(prefix="encore-") as scratch:
            checkpoints = self._checkpoints()
            cue = StopOnCue(stop_when) if stop_when else None
            total = self.parts.schedule.total_steps
            with self.clock("training"):
                steps = fit(
                    self.parts,
                    self.log,
                    checkpoints,
                    device=self.device,
                    cue=cue,
                    bar=None if self.console is None else TrainingBar(self.console, self.title, total),
                    going_on=self._going_on(),
                )
            self.clock.seconds["training"] += checkpoints.trained_before_s
            if self.log.local_artifacts() is None:
                with self.log.folder("checkpoints") as uploaded:
                    halves = shutil.ignore_patterns(".*")  # of a sitting that was killed in a write
                    shutil.copytree(checkpoints.folder, uploaded, dirs_exist_ok=True, ignore=halves)
            pruned = cue is not None and cue.stopped_at is not None
            metrics = {f"best/{key}": value for key, value in checkpoints.best.items()}
            failures: tuple[str, ...] = ()
            self.parts.learner.load_weights(checkpoints.folder / "best.safetensors")
            with self.clock("record"):
                digests = checkpoint_digests(checkpoints.folder)
            scores, answers = self._score()
            metrics |= scores  # of a pruned run too: the UI's charts show only runs with all columns
            if not pruned:
                model = Path(scratch) / MODEL_FOLDER
                failures = self._keep_and_export(metrics, model, export=export)
                digests |= {f"model/{file.name}": file_digest(file) for file in model.glob("*.safetensors")}
            self.log.log_json(digests | answers, DIGESTS_FILE)
            result = self._summary(steps, checkpoints, metrics, failures, pruned=pruned)
            if self.log.local_artifacts() is None:
                shutil.rmtree(checkpoints.folder)  # the store has them
            return result

    def _checkpoints(self) -> Checkpoints:
        config = self.parts.config
        minutes = config.train.checkpoint_every_minutes
        plan = CheckpointPlan(
            config.primary_metric,
            config.greater_is_better,
            every_steps=config.train.checkpoint_every_steps,
            every_seconds=None if minutes is None else 60 * minutes,
            keep_every_steps=config.train.keep_checkpoint_every_steps,
            accumulate_batches=config.train.accumulate_batches,
            seed=config.seed,
        )
        return Checkpoints(
            checkpoint_folder(self.store.root, self.log.run_id, self.log.local_artifacts()), Stopwatch(), plan
        )

    def _score(self) -> tuple[dict[str, float], dict[str, str]]:
        """Held-out and official scores of the best weights, every answer as an artifact, and their digests."""
        metrics: dict[str, float] = {}
        digests: dict[str, str] = {}
        with self.clock("scoring"), reported(self.console) as on_progress:
            for split in ("val", "test"):
                found = evaluate(
                    self.parts.learner, self.parts.data, split, device=self.device, on_progress=on_progress
                )
                name = f"best/{split}" if split == "val" else split
                metrics |= {f"{name}/{score}": value for score, value in found.scores.items()}
                with self.log.folder(f"predictions/{split}") as folder:
                    found.predictions.to_parquet(folder / "predictions.parquet", index=False)
                digests[f"predictions/{split}"] = table_digest(found.predictions)
        return metrics, digests

    def _keep_and_export(
        self, metrics: dict[str, float], model_dir: Path, *, export: bool
    ) -> tuple[str, ...]:
        self.parts.learner.cpu().save_pretrained(model_dir)
        self.parts.data.tokenizer.save_pretrained(model_dir)
        with self.log.folder(MODEL_FOLDER) as folder:
            shutil.copytree(model_dir, folder, dirs_exist_ok=True)
        if not export:
            return ()
        with self.clock("export"):
            report = export_into(
                self.log, self.parts.config, self.parts.data, model_dir, console=self.console
            )
        metrics |= report.metrics
        return report.failures

    def _summary(
        self,
        steps: int,
        checkpoints: Checkpoints,
        metrics: dict[str, float],
        failures: tuple[str, ...],
        *,
        pruned: bool,
    ) -> RunResult:
        metrics["best/step"] = float(checkpoints.best_step)
        seconds = {f"time/{name}_s": value for name, value in self.clock.seconds.items()}
        known = {} if self.continued is None else self.continued.record.metrics
        self.log.log_summary({key: value for key, value in (metrics | seconds).items() if key not in known})
        result = RunResult(
            self.log.run_id,
            self.name,
            "pruned" if pruned else "finished",
            steps,
            metrics,
            dict(self.clock.seconds),
            failures,
        )
        self.log.log_json(asdict(result), RESULT_FILE)
        return result
