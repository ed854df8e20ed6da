"""What a bundle consists of, and what its `bundle.json` says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from datamodules.cut import Cut, TextLimit
from export.golden import GOLDEN_FILE, Conditions
from export.original import MODEL_FILE
from export.variants import EXPORTED
from host.bounded_json import OddJsonError, read_json
from host.model_folder import CONFIG, TOKENIZER
from schema.strict import Strict
from scoring.task import TaskName

BUNDLE_FILE = "bundle.json"
CARD_FILE = "README.md"
COPIED = (MODEL_FILE, TOKENIZER, CONFIG, GOLDEN_FILE)
"""From the folder of the variant."""
_SHORT = 8
FILES = (*COPIED, CARD_FILE)
"""All but bundle.json, which has their digests."""


@dataclass(frozen=True)
class Named:
    """Whose bundle one is: what a person types to write it again needs no more."""

    run_id: str
    variant: str

    def told(self) -> str:
        return f"{self.variant} of run {self.run_id[:_SHORT]}"


def named_in(folder: Path) -> Named | None:
    """As far as `bundle.json` can be read, be the rest of it whole or not; none where it says no such thing."""
    try:
        said = read_json(folder / BUNDLE_FILE)
    except (OSError, OddJsonError):
        return None
    run_id, variant = (said.get(key) if isinstance(said, dict) else None for key in ("run_id", "variant"))
    if not isinstance(run_id, str) or not isinstance(variant, str):
        return None
    known = re.fullmatch(r"[0-9a-f]{32}", run_id) and any(variant == row.name for row in EXPORTED)
    return Named(run_id, variant) if known else None


class BundleFile(Strict):
    """`bundle.json`.

    model_type: as its config calls it. max_tokens: what a text is cut to, special tokens included; cut: what is kept of
    it. positions: what the network reads at most. labels: of a classifier, by their numbers. end_of_text: of a language
    model, the token that opens and ends a text. batch_invariant: a text has the same bits in any batch of texts of its
    length, as measured. under: what the figures and the golden answers were measured under. figures: of the variant, by
    name. files: sha256 of every other file.
    """

    format: Literal[1] = 1
    run_id: str
    run_name: str
    experiment: str
    recipe_id: str | None
    task: TaskName
    model_type: str
    variant: str
    max_tokens: int = Field(ge=1, le=1_000_000)
    cut: Cut = "head"
    positions: int | None = Field(ge=1)
    labels: list[str] | None
    end_of_text: str | None
    batch_invariant: bool
    under: Conditions
    figures: dict[str, float]
    files: dict[str, str]

    @property
    def limit(self) -> TextLimit:
        return TextLimit(self.max_tokens, self.cut)
