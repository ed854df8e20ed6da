"""Each case as a user runs it: trained, played again, killed and resumed, verified, exported."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from benchmarks.commands import begun, checkpointed, encore, kill
from benchmarks.gpu.cases import Case, Plan
from benchmarks.gpu.results import Entry, Results
from runs.layout import RAN

if TYPE_CHECKING:
    from tracking.store import Store

# The export is of float32 weights and computed on the CPU, whatever trained them: once, of the larger model.
EXPORTED = Case("language model", "bf16-mixed")
_FIRST_GUESS_S = 20.0  # of a command, until the first has been timed
_KILL_WITHIN_S = 0.5


def measure(plan: Plan, results: Results, scratch: Path, *, lanes: int) -> None:
    """All cases, `lanes` at a time."""
    from tracking.store import Store

    store = Store.open(scratch / "mlruns")  # its schema is there before several processes want it at once
    asked = {case: plan.overrides(case, plan.sizes(case.family).run, scratch) for case in plan.cases()}
    results.note("runs", {str(case): overrides for case, overrides in asked.items()})
    with ThreadPoolExecutor(lanes) as pool:
        for case, overrides in asked.items():
            pool.submit(Lane(plan, results, store, case, overrides).run)


@dataclass
class Lane:
    """One case from its first run to the last check. A step that fails leaves out only what needs it."""

    plan: Plan
    results: Results
    store: Store
    case: Case
    overrides: list[str]
    guess_s: float = _FIRST_GUESS_S

    def run(self) -> None:
        trained = self._step("train", self._trained)
        if trained is None:
            return
        self.guess_s = trained["seconds"]
        whole = str(trained["run_id"])
        again = self._step("reproduce", lambda: self._reproduced(whole))
        with ThreadPoolExecutor(1) as beside:
            if again is not None:
                self.guess_s = again["seconds"]
                if self.plan.tiny or self.case == EXPORTED:
                    beside.submit(self._export, str(again["certificate"]["actual"]["run_id"]))
            resumed = self._step("kill, resume", lambda: self._resumed(whole), commands=2)
            if resumed is not None:
                self._step("verify the resumed run", lambda: self._verified(str(resumed["run_id"])))
            self._step("verify", lambda: self._verified(whole))

    def _export(self, run_id: str) -> None:
        """Of the run that was played again, while the GPU has the others."""
        if self._step("export", lambda: self._exported(run_id)) is not None:
            self._step("verify the exported run", lambda: self._verified(run_id))

    def _step(self, what: str, work: Callable[[], Entry], *, commands: float = 1) -> Entry | None:
        return self.results.step(str(self.case), what, work, needs_s=commands * self.guess_s)

    def _encore(self, *arguments: str) -> dict[str, Any]:
        return encore(self.store.root, *arguments, timeout_s=max(1.0, self.results.budget.left_s()))

    def _training(self) -> list[str]:
        """Of a training with a checkpoint every quarter, exported only where that is asked for."""
        every = self.plan.sizes(self.case.family).run.steps // 4
        # So short a training leaves a model that means nothing yet, and so do the gates of its export.
        export = [
            "export.when=never",
            "export.scored_examples=20",
            "export.max_accuracy_drop=1",
            "export.max_loss_increase=9",
        ]
        every_steps = f"train.checkpoint_every_steps={every}"
        return [
            "train",
            self.plan.experiment(self.case.family),
            *self.overrides,
            every_steps,
            *export,
            "--again",
        ]

    def _trained(self) -> Entry:
        result = self._encore(*self._training())
        return {
            "run_id": result["run_id"],
            "metrics": result["metrics"],
            "clock": result["seconds"],
            **self._around(str(result["run_id"])),
        }

    def _around(self, run_id: str) -> Entry:
        """What the record says of the machine and of the operations without a deterministic version."""
        tags = self.store.find(run_id).tags
        ran = {key.removeprefix(RAN): value for key, value in tags.items() if key.startswith(RAN)}
        busy, memory = (
            [value for _, value in self.store.metric_history(run_id, f"system/gpu0_{name}")]
            for name in ("percent", "memory_mib")
        )
        return {
            "precision_ran": ran.get("precision"),
            "device_name": ran.get("device_name"),
            "nondeterministic": ran.get("nondeterministic", ""),
            "gpu_busy_percent": statistics.fmean(busy) if busy else None,
            "gpu_memory_mib": max(memory) if memory else None,
        }

    def _reproduced(self, run_id: str) -> Entry:
        found = self._encore("reproduce", run_id)
        return {"verdict": found["verdict"], "certificate": found}

    def _resumed(self, whole: str) -> Entry:
        """A run like `whole`, killed with SIGKILL after its first checkpoint and resumed, against `whole`."""
        from runs.checkpoint_folder import CheckpointFolder

        after_s = random.Random(str(self.case)).uniform(0, _KILL_WITHIN_S)  # noqa: S311 no secret
        root, left_s = self.store.root, self.results.budget.left_s()
        with TemporaryFile() as stderr:
            process = begun(root, *self._training(), stderr=stderr)
            try:
                run_id = checkpointed(root, process, {whole}, timeout_s=left_s)
            except RuntimeError as error:
                stderr.seek(0)
                raise RuntimeError(f"{error}: {stderr.read().decode(errors='replace')}") from error
            finally:
                killed = kill(process, after_s)
        goes_on_after = CheckpointFolder(self._file(run_id, "checkpoints"), run_id).latest().step
        if killed:
            self._encore("resume", run_id)
        compared = self._encore("diff", whole, run_id)["compared"]
        return {
            "run_id": run_id,
            "killed": killed,
            "goes_on_after_step": goes_on_after,
            "verdict": compared["verdict"],
            "first_difference": compared["first_difference"],
            "scaler": self._scalers(whole, run_id),
        }

    def _scalers(self, *run_ids: str) -> str:
        """Whether GradScaler's state at the end of both is the same; only FP16 has one."""
        from runs.checkpoint import load_checkpoint

        last = [self._file(run_id, "checkpoints/last.ckpt") for run_id in run_ids]
        states = [load_checkpoint(file).get("MixedPrecision") for file in last]
        if not any(states):
            return "none"
        return f"{'same' if states[0] == states[1] else 'other'}: {states[0]}"

    def _file(self, run_id: str, name: str) -> Path:
        return self.store.artifact(self.store.find(run_id), name)

    def _verified(self, run_id: str) -> Entry:
        checks = self._encore("verify", run_id)
        broken = [check for check in checks if not check["holds"]]  # type: ignore[call-overload]
        return {"checks": len(checks), "broken": broken, "holds": not broken}

    def _exported(self, run_id: str) -> Entry:
        return {"report": self._encore("export", run_id)}
