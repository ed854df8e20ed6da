"""Which runs are of one recipe: trained alike but for the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runs.environment import settings_of
from runs.layout import (
    EXPERIMENT_TAG,
    FINGERPRINT,
    FORKED_FROM_TAG,
    REPRODUCES_TAG,
    REUSES_TAG,
    TOKENS_OF,
    UNTRAINED,
    kind_of,
)

if TYPE_CHECKING:
    from tracking.entities import RunRecord

# Settings that decide no score, or that the digests of rows and weights say better.
_NOT_OF_IT = {
    "seed", "name", "description", "data.path", "data.loader_workers", "data.quoting", "data.revision",
    "model.tokenizer", "model.tokenizer_revision", "train.threads", "train.device",
    "train.checkpoint_every_minutes", "train.checkpoint_every_steps", "train.keep_checkpoint_every_steps",
}  # fmt: skip
_NOT_OF_IT_AT_ALL = ("export.", "samples")
DIGEST = "digest of "  # how the key of one begins
_WEIGHTS = "weights"  # the digest of local ones; the hub's are told by their name and revision


def recipe_settings(record: RunRecord) -> dict[str, str]:
    """What decides the scores of a run but for its seed, by dotted key: settings, and digests of rows and weights.

    From the store's params, which are the recorded config.
    """
    tags = record.tags
    digests = {
        key.removeprefix(FINGERPRINT): value
        for key, value in tags.items()
        if key.startswith(FINGERPRINT) and not key.removeprefix(FINGERPRINT).startswith(TOKENS_OF)
    }
    unsaid = {"model.pretrained"} if _WEIGHTS in digests else set[str]()
    settings = {
        key: str(value)
        for key, value in settings_of(record.params).items()
        if key not in _NOT_OF_IT | unsaid and not key.startswith(_NOT_OF_IT_AT_ALL)
    }
    return settings | {f"{DIGEST}{name}": digest for name, digest in digests.items()}


def recipe_key(record: RunRecord) -> str:
    """sha256 over `recipe_settings`: equal for the seeds of one recipe."""
    return hashlib.sha256(json.dumps(recipe_settings(record), sort_keys=True).encode()).hexdigest()


def seed_of(record: RunRecord) -> int | None:
    text = record.params.get("seed", "")
    return int(text) if text.isascii() and text.isdecimal() else None


def has_own_training(record: RunRecord) -> bool:
    """Whether it trained, however that ended: no sweep, no double of another run's result."""
    doubles = {REUSES_TAG, REPRODUCES_TAG} & record.tags.keys()
    return not doubles and kind_of(record) not in (None, *UNTRAINED)


def is_training(record: RunRecord) -> bool:
    """Whether it is a training of its own that came to its end."""
    return record.status == "FINISHED" and has_own_training(record)


@dataclass(frozen=True)
class Recipe:
    """The runs of one recipe, one of each seed, by seed. given: the first that was named of it."""

    key: str
    given: RunRecord
    runs: tuple[RunRecord, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(seed for run in self.runs if (seed := seed_of(run)) is not None)

    @property
    def label(self) -> str:
        """`recipe of 3f2a91c0`."""
        return f"recipe of {self.given.run_id[:8]}"


def recipe_of(record: RunRecord, among: Iterable[RunRecord], preferred: Sequence[str] = ()) -> Recipe:
    """`record` with the runs of its recipe in a store. Of several of one seed the one that is named in `preferred`
    (run IDs), else the earliest."""
    key = recipe_key(record)
    alike = [run for run in among if is_training(run) and FORKED_FROM_TAG not in run.tags]
    found = [run for run in alike if seed_of(run) is not None and recipe_key(run) == key]
    if all(run.run_id != record.run_id for run in found):
        found.append(record)
    found.sort(key=lambda run: (run.run_id not in preferred, run.start_ms, run.run_id))
    by_seed: dict[int | None, RunRecord] = {}
    for run in found:
        by_seed.setdefault(seed_of(run), run)
    return Recipe(key, record, tuple(sorted(by_seed.values(), key=lambda run: seed_of(run) or 0)))


def differing_settings(runs: Sequence[RunRecord]) -> list[str]:
    """The keys of the settings in which runs differ, the seed aside."""
    settings = [recipe_settings(run) for run in runs]
    keys = sorted({key for one in settings for key in one if not key.startswith(DIGEST)})
    return [key for key in keys if len({one.get(key) for one in settings}) > 1]


def name_of(record: RunRecord, keys: Sequence[str]) -> str:
    """The experiment's name and the settings `keys`, as in `sst2_distilbert learning_rate=3e-05`."""
    settings = recipe_settings(record)
    told = [f"{key.rpartition('.')[2]}={settings.get(key, 'none')[:24]}" for key in keys]
    return " ".join([record.tags.get(EXPERIMENT_TAG, record.experiment), *told])
