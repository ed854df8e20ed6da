"""Stories of a finished run's model, logged on a run of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.checkout import provenance_here
from experiments.config import ExperimentConfig
from experiments.naming import experiment_of
from experiments.torch_setup import prepare_writing
from experiments.training.headline import views_saved
from experiments.training.inputs import recorded_config
from export.variants import BY_NAME, VARIANTS, Variant, VariantName
from generation.options import DecodingConfig
from generation.writer import BATCH_SIZE, Story, Writer, prompt_ids
from host.progress import SILENT, Reporter
from runs.checks import check_has_model, export_command
from runs.files import RunFiles, altered, plain_digest
from runs.kept_files import checked_model, checked_run_folder
from runs.layout import (
    EXPERIMENT_TAG,
    EXPORT_REPORT,
    KIND_TAG,
    MODEL_FOLDER,
    PROVENANCE_FILE,
    REQUEST_FILE,
    STORIES_OF_TAG,
    STORIES_TABLE,
    RunKind,
)
from runs.outcome import exported_digests
from runs.record_files import ReportFile
from runs.stories import Request
from schema.overrides import flat_mapping
from tracking.endings import ended_in_store

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

    from generation.sampling import Reader
    from tracking.run_log import RunLog


@dataclass(frozen=True)
class TrainedWriter:
    """A finished run of a language model, and which of its variants writes, on how many threads."""

    run: RunFiles
    config: ExperimentConfig
    variant: Variant
    threads: int

    @cached_property
    def model_folder(self) -> Path:
        """Where its model is, here. UserError when it is not exactly what the run left."""
        return checked_model(self.run)

    @property
    def file(self) -> str:
        """The weights, among the run's artifacts."""
        return self.variant.weights(MODEL_FOLDER, "export")

    @property
    def _folder(self) -> str:
        return f"export/{self.variant.name}"

    def digest(self) -> str:
        """sha256 of the weights."""
        return plain_digest(self.run, self.file)

    def request(self, prompts: Sequence[str], decoding: DecodingConfig, *, batch_size: int) -> Request:
        """What is asked of it, with all that decides the answer."""
        return Request(
            model_run=self.run.record.run_id,
            variant=self.variant.name,
            weights=self.digest(),
            threads=self.threads,
            batch_size=batch_size,
            decoding=decoding,
            prompts=tuple(prompts),
        )

    def writer(self, *, batch_size: int = BATCH_SIZE) -> Writer:
        """Its model and tokenizer, loaded. UserError when something of them is missing or damaged."""
        from datamodules.tokenizers import load_tokenizer

        prepare_writing(self.threads)
        tokenizer = load_tokenizer(str(self.model_folder), local_files_only=True)
        return Writer(self._reader(), tokenizer, batch_size)

    def model(self) -> GPT2LMHeadModel:
        """The torch model, in float32 and evaluation mode."""
        from lightning_modules.families import FAMILIES

        model: Any = FAMILIES[self.config.model.kind].read(self.model_folder).network
        return model

    def _reader(self) -> Reader:
        if not self.variant.is_exported:
            from generation.torch_reader import TorchReader

            return TorchReader(self.model())
        if not self.run.has(f"{self._folder}/model.onnx"):
            raise UserError(
                f"has no {self.variant.name} variant",
                where=self.run.where,
                cure=f"Export it first: {export_command(self.run, self.variant.name)}.",
            )
        from export.onnx_reader import OnnxDecoder

        if self.digest() != exported_digests(self.run).get(self.file):
            raise altered(self.run, self.file)
        folder = checked_run_folder(self.run, self._folder)
        measured = self.run.read(ReportFile, EXPORT_REPORT).metrics.get(f"{self._folder}/batch_invariant")
        return OnnxDecoder(folder, threads=self.threads, rows_apart=measured != 1)


@dataclass(frozen=True)
class Generated:
    """Stories, the run that they are logged on, and how fast they were written (tokens without the prompts')."""

    run_id: str
    stories: list[Story]
    tokens_per_s: float


def variant_named(name: str) -> VariantName:
    """UserError when there is none of that name."""
    for variant in VARIANTS:
        if variant.name == name:
            return variant.name
    names = ", ".join(variant.name for variant in VARIANTS)
    raise UserError("no such variant", where=f"--variant {name}", cure=f"Choose one of {names}.")


def trained_writer(run: RunFiles, variant: VariantName, *, threads: int) -> TrainedWriter:
    """UserError for a run without a language model, or whose model is not what it kept."""
    check_has_model(run)
    config = recorded_config(run)
    if not config.task.writes:
        raise UserError(
            f"its model, a {config.model.kind} classifier, writes no stories",
            where=run.where,
            cure="Name a run of a language model, such as one of `encore train demo_stories`.",
        )
    source = TrainedWriter(run, config, BY_NAME[variant], threads)
    _ = source.model_folder  # before anything of it is read
    return source


def generate(
    source: TrainedWriter,
    prompts: Sequence[str],
    decoding: DecodingConfig,
    *,
    batch_size: int = BATCH_SIZE,
    reporter: Reporter = SILENT,
) -> Generated:
    """Write a story for each prompt and log them.

    UserError, before anything is recorded, for what cannot be written.
    """
    writer = source.writer(batch_size=batch_size)
    begun = time.perf_counter()
    with reporter.progress() as on_progress:
        stories = writer.write(prompts, decoding, on_progress=on_progress)
    seconds = time.perf_counter() - begun
    new = sum(story.tokens + story.ended for story in stories) - sum(
        len(prompt_ids(writer.tokenizer, prompt)) for prompt in prompts
    )
    request = source.request(prompts, decoding, batch_size=batch_size)
    log = open_stories(
        source, request, name=f"stories of {source.run.record.run_id[:8]} {source.variant.name}"
    )
    with ended_in_store(log, goes_on=lambda: "the same command writes anew"):
        log_stories(log, request, stories, {})
        log.log_summary({"stories/tokens_per_s": new / seconds} | plain_figures(stories))
    log.finish("FINISHED")
    views_saved(source.run.store, experiment_of(source.config).name, reporter)
    return Generated(log.run_id, stories, new / seconds)


def plain_figures(stories: Sequence[Story]) -> dict[str, float]:
    """Figures of the stories alone: how many there are, the share that ended, their mean length."""
    count = len(stories)
    return {
        "stories/count": float(count),
        "stories/ended": sum(story.ended for story in stories) / count,
        "stories/tokens": sum(story.tokens for story in stories) / count,
    }


def open_stories(
    source: TrainedWriter,
    request: Request,
    *,
    name: str,
    parent_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> RunLog:
    """The MLflow run of some stories, its request written."""
    config = source.config
    options = flat_mapping(request.decoding.model_dump(mode="json"))
    log = source.run.store.start_run(
        experiment=experiment_of(config),
        name=name,
        params={**{f"decoding.{key}": value for key, value in options.items()}, "variant": request.variant},
        tags={
            KIND_TAG: RunKind.STORIES,
            STORIES_OF_TAG: request.model_run,
            EXPERIMENT_TAG: config.name,
            **(tags or {}),
        },
        description=f"Stories: {len(request.prompts)}, by the {request.variant} model of run {request.model_run}. "
        "`encore story ID#N` writes one again: this run's ID and the story's number.",
        parent_id=parent_id,
        sampled=False,
    )
    log.log_json(request.model_dump(mode="json"), REQUEST_FILE)
    log.log_json(provenance_here().to_json(), PROVENANCE_FILE)
    return log


def log_stories(
    log: RunLog, request: Request, stories: Sequence[Story], figures: Mapping[str, Sequence[object]]
) -> None:
    """The table of stories, with a column for each of `figures`."""
    columns = {
        "number": [story.number for story in stories],
        "prompt": [story.prompt for story in stories],
        "story": [story.text for story in stories],
        "tokens": [story.tokens for story in stories],
        "ended": [story.ended for story in stories],
        **figures,
    }
    assert len(stories) == len(request.prompts)
    log.log_table(columns, STORIES_TABLE)
