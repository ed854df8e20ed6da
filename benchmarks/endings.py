"""What becomes of endings when padding is told by its id, which is that of the end of a story.

The same small model three times: on blocks of several stories, on one story at a time, and on one story at a time with
every target that has the padding's id left out of the loss, as a collator does that masks by id.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results import table, write_section
from experiments.loading import load_experiment
from runs.files import run_named

STEPS = 300
STORIES = 100
LIMIT = 300


@contextmanager
def masked_by_id() -> Generator[None]:
    """The trap: no target that has the padding's id counts."""
    from datamodules.stories import IGNORED, StoryData

    original = StoryData.collate

    def collate(self: Any, split: Any, rows: Any) -> Any:
        batch = original(self, split, rows)
        labels = batch["labels"]
        return {**batch, "labels": labels.masked_fill(labels == self.tokenizer.pad_token_id, IGNORED)}

    StoryData.collate = collate  # type: ignore[method-assign]
    try:
        yield
    finally:
        StoryData.collate = original  # type: ignore[method-assign]


def _overrides(real_data: Path, *, packed: bool) -> list[str]:
    return [
        f"data.path={real_data / 'data' / 'tinystories'}",
        f"data.packed={str(packed).lower()}",
        *(["data.batch_size=8", "data.batch_tokens=none"] if packed else []),
        "model.layers=2",
        "model.dim=192",
        f"train.max_steps={STEPS}",
        "train.validations=2",
        "export.when=never",
        "samples=none",
    ]


def measure(real_data: Path) -> None:
    """Train, write and count; writes the section."""
    from experiments.stories.generate import generate, trained_writer
    from experiments.training.origin import RunIdentity
    from experiments.training.train import train
    from generation.options import DecodingConfig
    from host.cpu import usable_cores
    from tracking.store import Store

    rows: list[list[object]] = []
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch) / "mlruns", uri=f"sqlite:///{scratch}/mlruns/mlflow.db")
        for what, packed, trap in (
            ("blocks of several stories", True, False),
            ("one story at a time, padding told by position", False, False),
            ("one story at a time, padding told by its id", False, True),
        ):
            config = load_experiment("tinystories_small", _overrides(real_data, packed=packed))
            with masked_by_id() if trap else nullcontext():
                run = train(config, store, identity=RunIdentity(name=what))
            source = trained_writer(run_named(store, run.run_id), "torch", threads=usable_cores())
            made = generate(
                source, ["Once upon a time"] * STORIES, DecodingConfig(max_length=LIMIT), batch_size=32
            )
            ended = sum(story.ended for story in made.stories)
            length = sum(story.tokens for story in made.stories) / STORIES
            rows.append([what, f"{ended} of {STORIES}", f"{length:.0f}"])
            print(rows[-1], flush=True)
    body = (
        f"A model of 2 layers of 192 for {STEPS} steps, then {STORIES} stories of at most {LIMIT} tokens, "
        "temperature 0.8, top-p 0.95.\n\n" + table(["trained on", "ended by themselves", "mean tokens"], rows)
    )
    write_section("Endings", "python -m benchmarks endings", body)
