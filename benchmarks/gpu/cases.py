"""What is run: two kinds of model, three precisions, and the sizes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["classifier", "language model"]
FAMILIES: tuple[Family, ...] = ("classifier", "language model")
# The precision that is used most on such a machine first: where the time is short, the others are left out.
PRECISIONS = ("bf16-mixed", "16-mixed", "32-true")


@dataclass(frozen=True)
class Case:
    family: Family
    precision: str

    def __str__(self) -> str:
        return f"{self.family} {self.precision}"


@dataclass(frozen=True)
class Sizes:
    """Of one family: rows of a batch, optimiser steps of a run, and the model's dimensions as overrides."""

    batch: int
    steps: int
    model: tuple[str, ...]


_FULL: dict[Family, Sizes] = {
    # DistilBERT's dimensions (Sanh et al. 2019) and those of GPT-2 small (Radford et al. 2019), random weights.
    "classifier": Sizes(
        128, 300, ("model.layers=6", "model.heads=12", "model.dim=768", "model.hidden_dim=3072")
    ),
    "language model": Sizes(16, 120, ("model.layers=12", "model.heads=12", "model.dim=768")),
}
_TINY_MODEL = ("model.layers=2", "model.heads=2", "model.dim=16", "model.vocab_size=300")
_TINY: dict[Family, Sizes] = {
    "classifier": Sizes(8, 120, (*_TINY_MODEL, "model.hidden_dim=32")),
    "language model": Sizes(4, 120, _TINY_MODEL),
}


@dataclass(frozen=True)
class Plan:
    """Where and how large. data: folder with `sst2`, `tinystories` and `tokenizers`; none: bundled rows."""

    device: Literal["cuda", "cpu"]
    tiny: bool
    data: Path | None

    def cases(self) -> list[Case]:
        """All that the device can compute (FP16 training needs a GPU); tiny, each kind of model in one precision."""
        if self.tiny:
            return [Case("classifier", PRECISIONS[0]), Case("language model", PRECISIONS[-1])]
        precisions = [name for name in PRECISIONS if self.device == "cuda" or name != "16-mixed"]
        return [Case(family, precision) for precision in precisions for family in FAMILIES]

    def sizes(self, family: Family) -> Sizes:
        return (_TINY if self.tiny else _FULL)[family]

    def experiment(self, family: Family) -> str:
        if self.data is None:
            return "demo_reviews" if family == "classifier" else "demo_stories"
        return "sst2_distilbert" if family == "classifier" else "tinystories_gpt2"

    def overrides(self, case: Case, *, steps: int | None = None, data: Path | None = None) -> list[str]:
        """As a user types them. steps: other than the sizes'; data: a folder in place of the corpus' own."""
        sizes = self.sizes(case.family)
        return [
            *self._source(case.family, data),
            *sizes.model,
            f"data.batch_size={sizes.batch}",
            "data.batch_tokens=none",
            f"data.max_tokens={self._max_tokens(case.family)}",
            f"data.selection_examples={100 if self.tiny else 500}",
            f"train.device={self.device}",
            f"train.precision={case.precision}",
            f"train.max_steps={steps or sizes.steps}",
            "train.validations=1",
            f"train.threads={1 if self.tiny else 2}",
            f"optim.learning_rate={1e-4 if case.family == 'classifier' else 6e-4}",
        ]

    def _max_tokens(self, family: Family) -> int:
        return (48 if self.tiny else 128) if family == "classifier" else (64 if self.tiny else 512)

    def _source(self, family: Family, folder: Path | None) -> Sequence[str]:
        """The corpus and the tokenizer; where there is none, one is trained on the corpus."""
        if self.data is None:
            return ["data.train_examples=1000"] if self.tiny else []
        corpus, tokenizer = (
            ("sst2", "bert-base-uncased") if family == "classifier" else ("tinystories", "gpt2")
        )
        found = [f"data.path={folder or self.data / corpus}", "model.pretrained=none"]
        tokenizer_folder = self.data / "tokenizers" / tokenizer
        return [*found, f"model.tokenizer={tokenizer_folder}"] if tokenizer_folder.is_dir() else found
