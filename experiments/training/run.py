"""One run that has begun: training, scores, what is kept, export, result."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from datamodules.tokenizers import save_tokenizer
from experiments.build import Parts
from experiments.training.callbacks import PruningStop, Stopwatch, TrainingBar
from experiments.training.checkpoints import CheckpointPlan, Checkpoints
from experiments.training.determinism import nondeterministic_operations
from experiments.training.evaluate import evaluate
from experiments.training.exporting import Exporting
from experiments.training.fitting import ResumeState, fit
from experiments.training.fork_checkpoint import resume_state
from experiments.training.origin import Hooks, Resume
from experiments.training.recipe import PreparedRun
from experiments.training.teaching import learn_from_teacher
from host.boundary import boundary
from host.disk import disk_errors, link
from host.progress import OnProgress, Reporter
from runs.checkpoint_folder import CheckpointFolder
from runs.digests import checkpoint_digests
from runs.layout import (
    CHECKPOINTS,
    DIGESTS_FILE,
    MODEL_FOLDER,
    NONDETERMINISTIC,
    RESULT_FILE,
    TEACHER_LOGITS,
    ran_tag,
)
from runs.result import RunResult
from runs.seals import log_sealed
from runs.table_digest import table_digest
from scoring.unseen import unseen_scores

if TYPE_CHECKING:
    from tracking.run_log import RunLog
    from tracking.store import Store


class Clock:
    """Seconds by name of what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Generator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass
class Run:
    """One run that has begun, and how it is brought to its end."""

    store: Store
    name: str
    prepared: PreparedRun
    log: RunLog
    hooks: Hooks
    clock: Clock
    resumed: Resume | None

    @property
    def parts(self) -> Parts:
        return self.prepared.parts

    @property
    def device(self) -> str:
        return self.prepared.effective["device"]

    @property
    def reporter(self) -> Reporter:
        return self.hooks.reporter

    @property
    def title(self) -> str:
        return self.hooks.title or self.parts.config.name

    def _resume_state(self) -> ResumeState | None:
        logged = self.resumed.logged if self.resumed else {}
        if self.resumed is not None and self.resumed.point is not None:
            return ResumeState(self.resumed.point, logged)
        return (
            resume_state(self.prepared.fork_point, self.parts, logged) if self.prepared.fork_point else None
        )

    def go(self, exporting: Exporting | None) -> RunResult:
        """Train, score, keep, export (none: not) and record."""
        steps = self.parts.schedule.total_steps
        self.reporter.say(f"{self.title}: run {self.log.run_id[:8]}, {steps:,} steps", "log")
        with (
            nondeterministic_operations(self._names_operation()),
            TemporaryDirectory(prefix="encore-") as scratch,
        ):
            checkpoints = self._checkpoints()
            if self.parts.parents.teacher is not None:
                self._learn_from_teacher()
            steps, pruned = self._fit(checkpoints)
            with self.clock("record"):
                self._keep()
            metrics = {f"best/{key}": value for key, value in checkpoints.best.items()}
            failures: tuple[str, ...] = ()
            self.parts.learner.load_weights(checkpoints.folder / "best.safetensors")
            with self.clock("record"):
                digests = checkpoint_digests(checkpoints.folder)
            scores, answers = self._score()
            metrics |= scores  # of a pruned run too: the UI's charts show only runs with all columns
            model = None if pruned else Path(scratch) / MODEL_FOLDER
            if model is not None:
                failures = self._keep_and_export(metrics, model, exporting)
                weights = [f"{MODEL_FOLDER}/{file.name}" for file in model.glob("*.safetensors")]
                digests |= {name: self.log.digest_of(name) for name in weights}
            if self.parts.parents.teacher is not None:
                digests[TEACHER_LOGITS] = self.log.digest_of(TEACHER_LOGITS)
            log_sealed(self.log, digests | answers, DIGESTS_FILE)
            result = self._summary(steps, checkpoints, metrics, failures, pruned=pruned)
            if self.log.local_artifacts() is None:
                shutil.rmtree(checkpoints.folder)  # the store has them
            return result

    def _learn_from_teacher(self) -> None:
        with self.clock("teacher"), self.reporter.progress() as on_progress:
            going_on = None if self.resumed is None else self.resumed.run
            learn_from_teacher(self.prepared, self.log, going_on, on_progress)

    def _fit(self, checkpoints: Checkpoints) -> tuple[int, bool]:
        """The number of steps, and whether the run was pruned."""
        pruning = PruningStop(self.hooks.stop_when) if self.hooks.stop_when else None
        with self.clock("training"), self.reporter.progress() as on_progress:
            steps = fit(
                self.parts,
                self.log,
                checkpoints,
                device=self.device,
                pruning=pruning,
                bar=self._bar(on_progress),
                resume=self._resume_state(),
            )
        self.clock.seconds["training"] += checkpoints.trained_before_s
        return steps, pruning is not None and pruning.stopped_at is not None

    def _names_operation(self) -> Callable[[str], None]:
        """Says and records at once which operations have no deterministic version: the run may yet be killed."""
        tag = ran_tag(NONDETERMINISTIC)
        before = self.resumed.run.record.tags.get(tag, "") if self.resumed else ""
        known = {name for name in before.split(", ") if name}

        def note(name: str) -> None:
            known.add(name)
            self.log.set_tags({tag: ", ".join(sorted(known))})
            self.reporter.say(
                f"ran without a deterministic version: {name}; played again, bits may differ", "warning"
            )

        return note

    def _bar(self, on_progress: OnProgress) -> TrainingBar:
        total, primary = self.parts.schedule.total_steps, self.parts.config.task.primary_metric
        return TrainingBar(on_progress, self.title, total, primary=primary)

    @property
    def _folder(self) -> CheckpointFolder:
        return CheckpointFolder.of_log(self.store.root, self.log)

    def _keep(self) -> None:
        """The checkpoints become the run's as they are now."""
        kept = self._folder.kept(went_on=self.resumed is not None)
        if self.log.local_artifacts() is not None:
            self.log.seal_files(kept)
            return
        with self.log.folder(CHECKPOINTS) as uploaded:
            for file in kept.values():
                link(file, uploaded / file.name)

    def _checkpoints(self) -> Checkpoints:
        config = self.parts.config
        accumulated = self.parts.schedule.accumulate_batches
        plan = CheckpointPlan(config.train, config.task, config.seed, accumulated)
        return Checkpoints(self._folder.path, Stopwatch(), plan)

    def _score(self) -> tuple[dict[str, float], dict[str, str]]:
        """Held-out and official scores of the best weights, every answer as an artifact, and their digests."""
        metrics: dict[str, float] = {}
        digests: dict[str, str] = {}
        with self.clock("scoring"), self.reporter.progress() as on_progress:
            for split in ("val", "test"):
                found = evaluate(
                    self.parts.learner,
                    self.parts.data,
                    split,
                    task=self.parts.config.task,
                    device=self.device,
                    on_progress=on_progress,
                )
                name = f"best/{split}" if split == "val" else split
                scores = found.scores
                if split == "test" and len(self.prepared.seen):
                    scores |= unseen_scores(self.parts.config.task, found.predictions, self.prepared.seen)
                metrics |= {f"{name}/{score}": value for score, value in scores.items()}
                with self.log.folder(f"predictions/{split}") as folder:
                    file = folder / "predictions.parquet"
                    with boundary("cannot be written", where=str(file), cure="Run it again.", writing=0):
                        found.predictions.to_parquet(file, index=False)
                digests[f"predictions/{split}"] = table_digest(found.predictions)
        return metrics, digests

    def _keep_and_export(
        self, metrics: dict[str, float], model_dir: Path, exporting: Exporting | None
    ) -> tuple[str, ...]:
        with (  # here, so that the disk is looked at while the folder for temporary files still holds the half
            disk_errors(self.store.root, writing=self._model_bytes()),
            boundary(
                "cannot be written", where=f"the model of run {self.log.run_id[:8]}", cure="Run it again."
            ),
        ):
            self.parts.learner.cpu().text_model.save(model_dir)
            config = self.parts.config
            limit = config.data.limit if config.task.labelled else None  # of stories nothing is cut
            save_tokenizer(self.parts.data.tokenizer, model_dir, limit)
        with self.log.folder(MODEL_FOLDER) as folder:
            shutil.copytree(model_dir, folder, dirs_exist_ok=True)
        if exporting is None:
            return ()
        with self.clock("export"):
            found, failures = exporting(
                self.log, self.parts.config, self.parts.data, model_dir, self.reporter
            )
        metrics |= found
        return failures

    def _model_bytes(self) -> int:
        return sum(weight.nbytes for weight in self.parts.learner.parameters())

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
        known = {} if self.resumed is None else self.resumed.run.record.metrics
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
        log_sealed(self.log, asdict(result), RESULT_FILE)
        return result
