"""What is run: three families of models, three precisions, and the sizes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["classifier", "language model", "LSTM"]
FAMILIES: tuple[Family, ...] = ("classifier", "language model", "LSTM")
# Where the time is short, the last are left out. Of the runs the first is what has the most state: GradScaler's.
PRECISIONS = ("16-mixed", "bf16-mixed", "32-true")


@dataclass(frozen=True)
class Case:
    family: Family
    precision: str

    def __str__(self) -> str:
        return f"{self.family} {self.precision}"


@dataclass(frozen=True)
class Length:
    """Of a training: rows of a batch, optimiser steps, and rows of the corpus' head that it is given.

    Reading and tokenizing a whole corpus takes longer than such a training.
    """

    batch: int
    steps: int
    rows: int


@dataclass(frozen=True)
class Kind:
    """What one family is trained on, and how.

    demo, real: names in the catalogue, of bundled rows and of `corpus`. tokenizer: a folder beside the corpora; none:
    the words of the corpus. max_tokens: of a text or a block; tiny, and else. peer: transformers has the same model,
    which its Trainer trains.
    """

    demo: str
    real: str
    corpus: str
    tokenizer: str | None
    learning_rate: float
    max_tokens: tuple[int, int]
    asked: tuple[str, ...] = ()
    peer: bool = True


_KINDS: dict[Family, Kind] = {
    "classifier": Kind("demo_reviews", "sst2_distilbert", "sst2", "bert-base-uncased", 1e-4, (48, 128)),
    "language model": Kind(
        "demo_stories",
        "tinystories_gpt2",
        "tinystories",
        "gpt2",
        6e-4,
        (64, 512),
        ("samples=none", "data.packed=true"),
    ),
    "LSTM": Kind("demo_lstm", "sst2_lstm", "sst2", None, 4e-3, (48, 128), peer=False),
}


@dataclass(frozen=True)
class Sizes:
    """Of one family: a run, a timed training, its steps before the clock begins, and the model's dimensions.

    A run is small, for six of them are on one GPU; a timed training's batch is large enough to fill the GPU. Sentences
    come in batches of nearly one length each, and a library may prepare each length when it comes first: so there
    the steps before the clock begins are a whole epoch of 30 batches.
    """

    run: Length
    timed: Length
    warm_up: int
    model: tuple[str, ...]


_FULL: dict[Family, Sizes] = {
    # DistilBERT's dimensions (Sanh et al. 2019) and those of GPT-2 small (Radford et al. 2019), random weights.
    "classifier": Sizes(
        Length(128, 80, 12_800),
        Length(1024, 60, 34_000),
        30,
        ("model.layers=6", "model.heads=12", "model.dim=768", "model.hidden_dim=3072"),
    ),
    "language model": Sizes(
        Length(16, 40, 3_000),
        Length(64, 30, 6_000),
        8,
        ("model.layers=12", "model.heads=12", "model.dim=768"),
    ),
    # Two layers, each of both directions: cuDNN computes them, and drops between them.
    "LSTM": Sizes(Length(128, 80, 12_800), Length(1024, 60, 34_000), 30, ("model.layers=2", "model.dim=256")),
}
_OFFICIAL_ROWS = 100
_TINY_MODEL = ("model.layers=2", "model.heads=2", "model.dim=16", "model.vocab_size=300")
_TINY: dict[Family, Sizes] = {
    "classifier": Sizes(
        Length(8, 120, 1_000), Length(8, 15, 1_000), 5, (*_TINY_MODEL, "model.hidden_dim=32")
    ),
    "language model": Sizes(Length(4, 120, 1_000), Length(4, 15, 1_000), 5, _TINY_MODEL),
    "LSTM": Sizes(Length(8, 120, 1_000), Length(8, 15, 1_000), 5, ("model.layers=2", "model.dim=16")),
}
_TINY_CASES = (Case("language model", "32-true"), Case("classifier", "bf16-mixed"))


@dataclass(frozen=True)
class Plan:
    """Where and how large. data: folder with `sst2`, `tinystories` and `tokenizers`; none: bundled rows."""

    device: Literal["cuda", "cpu"]
    tiny: bool
    data: Path | None

    def cases(self) -> list[Case]:
        """All that the device can compute (FP16 training needs a GPU); tiny, one: its steps are the same for all."""
        if self.tiny:
            return [_TINY_CASES[0]]
        precisions = [name for name in PRECISIONS if self.device == "cuda" or name != "16-mixed"]
        return [Case(family, precision) for precision in precisions for family in FAMILIES]

    def timed_cases(self) -> list[Case]:
        """Those that a peer has, tiny, each once: the larger one, and what such a machine is used for most, first."""
        last = {"bf16-mixed": 0, "16-mixed": 1, "32-true": 2}
        return sorted(
            _TINY_CASES if self.tiny else [case for case in self.cases() if _KINDS[case.family].peer],
            key=lambda case: (case.precision == "32-true", case.family == "classifier", last[case.precision]),
        )

    def sizes(self, family: Family) -> Sizes:
        return (_TINY if self.tiny else _FULL)[family]

    def experiment(self, family: Family) -> str:
        return _KINDS[family].demo if self.data is None else _KINDS[family].real

    def overrides(self, case: Case, length: Length, scratch: Path) -> list[str]:
        """As a user types them. scratch: where the head of the corpus is put, or is."""
        kind = _KINDS[case.family]
        return [
            *self._source(kind, length, scratch),
            *self.sizes(case.family).model,
            *kind.asked,
            f"data.batch_size={length.batch}",
            "data.batch_tokens=none",
            f"data.max_tokens={kind.max_tokens[0 if self.tiny else 1]}",
            "data.selection_examples=100",
            f"train.device={self.device}",
            f"train.precision={case.precision}",
            f"train.max_steps={length.steps}",
            "train.validations=1",
            f"train.threads={1 if self.tiny else 2}",
            f"optim.learning_rate={kind.learning_rate}",
        ]

    def _source(self, kind: Kind, length: Length, scratch: Path) -> Sequence[str]:
        """The corpus and the tokenizer; where there is none, one is trained on the corpus."""
        if self.data is None:
            return [f"data.train_examples={length.rows}"] if self.tiny else []
        folder = head_of(self.data / kind.corpus, scratch / f"{kind.corpus}-{length.rows}", length.rows)
        found = [f"data.path={folder}", "model.pretrained=none"]
        if kind.tokenizer is None:
            return found
        tokenizer_folder = self.data / "tokenizers" / kind.tokenizer
        return [*found, f"model.tokenizer={tokenizer_folder}"] if tokenizer_folder.is_dir() else found


def head_of(corpus: Path, folder: Path, rows: int) -> Path:
    """`folder`, which holds the first `rows` of the train split, and of the official one so many that it is quick."""
    import pyarrow.parquet as pq

    if not folder.exists():
        folder.mkdir(parents=True)
        for split, wanted in (("train", rows), ("validation", _OFFICIAL_ROWS)):
            table = pq.read_table(corpus / f"{split}.parquet").slice(0, wanted)
            pq.write_table(table, folder / f"{split}.parquet")
    return folder
