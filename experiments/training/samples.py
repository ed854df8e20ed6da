"""Stories that a language model writes after every validation, always from the same prompts and seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from experiments.config import SamplesConfig
from experiments.training.callbacks import Stopwatch, validation_metrics
from generation.torch_reader import reading
from generation.writer import Story, Writer
from pages.rendering import page as rendered
from pages.sections import Section
from pages.sections import Story as TextOfStory
from pages.texts import label
from runs.layout import SAMPLES_PAGE, SAMPLES_TABLE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from tracking.run_log import RunLog


@dataclass(frozen=True)
class Sample:
    """A story and the optimiser step after which it was written."""

    step: int
    prompt: str
    story: str
    tokens: int
    ended: bool


class StorySamples(pl.Callback):
    """Logs the stories of all validations so far as a table and as a page to read.

    They use generators of their own, so the training is unchanged. A resumed run has the earlier ones from its
    checkpoint. Skipped while the validation loss is not finite.
    """

    def __init__(
        self, run_log: RunLog, tokenizer: PreTrainedTokenizerFast, config: SamplesConfig, watch: Stopwatch
    ) -> None:
        self.run_log = run_log
        self.tokenizer = tokenizer
        self.config = config
        self.watch = watch
        self.samples: list[Sample] = []

    def state_dict(self) -> dict[str, Any]:
        return {"samples": [vars(sample) for sample in self.samples]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.samples = [Sample(**sample) for sample in state_dict["samples"]]

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not math.isfinite(validation_metrics(trainer)["val/loss"]):
            return
        self.watch.stop()  # writing is no slow training
        with reading(pl_module.model) as reader:  # pyright: ignore[reportArgumentType]
            writer = Writer(reader, self.tokenizer)
            stories = writer.write(self.config.prompts, self.config.decoding)
        self.samples += [_sample(trainer.global_step, story) for story in stories]
        columns = {
            name: [getattr(sample, name) for sample in self.samples] for name in Sample.__dataclass_fields__
        }
        self.run_log.log_table(columns, SAMPLES_TABLE)
        self.run_log.log_text(page(self.samples), SAMPLES_PAGE)
        self.run_log.seal()  # who goes on after a kill may have none to write
        self.watch.go_on()


def _sample(step: int, story: Story) -> Sample:
    return Sample(step, story.prompt, story.text, story.tokens, story.ended)


def page(samples: list[Sample]) -> str:
    """One HTML page: for each prompt the stories from the first validation to the last."""
    prompts = dict.fromkeys(sample.prompt for sample in samples)
    sections = [
        Section(
            f"prompt-{number}",
            label(prompt) or "No beginning given",
            stories=tuple(_told(sample) for sample in samples if sample.prompt == prompt),
        )
        for number, prompt in enumerate(prompts)
    ]
    lead = "After each validation, from the same beginnings and seeds."
    foot = "Written by Encore while the model learned."
    return rendered("Stories while learning", sections, kicker="Samples of a run", lead=lead, foot=foot)


def _told(sample: Sample) -> TextOfStory:
    rest = sample.story.removeprefix(sample.prompt)
    given = sample.story[: len(sample.story) - len(rest)]
    return TextOfStory(f"Step {sample.step:,}", given, rest, sample.ended)
