"""Stories that a language model writes after every validation, always from the same prompts and seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

from experiments.config import SamplesConfig
from experiments.training.callbacks import Stopwatch, validation_metrics
from generation.torch_reader import reading
from generation.writer import Story, Writer
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


_STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse}td,th{vertical-align:top;padding:.5em .8em;border-top:1px solid #ddd;"
    "text-align:left;white-space:pre-line}th{white-space:nowrap;font-weight:normal;color:#777}"
    "b{color:#06c;font-weight:normal}i{color:#b40;font-style:normal}"
)


def page(samples: list[Sample]) -> str:
    """One HTML page: for each prompt the stories from the first validation to the last."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Stories while learning</title>",
        f"<style>{_STYLE}</style><h1>Stories while learning</h1>",
        "<p>After each validation, from the same prompts and seeds. ",
        "<i>…</i> marks a story that broke off at its limit.</p>",
    ]
    for prompt in dict.fromkeys(sample.prompt for sample in samples):
        rows = [
            f"<tr><th>step {sample.step:,}</th><td>{_told(sample)}</td></tr>"
            for sample in samples
            if sample.prompt == prompt
        ]
        parts.append(f"<h2>{escape(prompt)}</h2><table>{''.join(rows)}</table>")
    return "".join(parts)


def _told(sample: Sample) -> str:
    rest = sample.story.removeprefix(sample.prompt)
    prompt = sample.story[: len(sample.story) - len(rest)]
    return f"<b>{escape(prompt)}</b>{escape(rest)}{'' if sample.ended else ' <i>…</i>'}"
