"""How far the seed alone moves a recipe's score: found from its seeds, kept on the experiment.

Legend: S seeds, N rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter, ValidationError

from comparison.results import NoiseFloor
from errors import UserError
from host.bounded_json import OddJsonError, parse_json
from scoring.noise import flip_rate, noise_floor

if TYPE_CHECKING:
    from comparison.answers import Answers
    from tracking.store import Store

NOISE_TAG = "encore.noise_floor"
"""Of an MLflow experiment: `NoiseFloor` as JSON."""


def noise_of(recipe: str, scores: Sequence[float], answers: Sequence[Answers]) -> NoiseFloor | None:
    """Of a recipe's seeds by their scores and their answers to the same rows; none of a single seed."""
    found = noise_floor(scores)
    if found is None:
        return None
    predictions = [one.classes.predictions_N for one in answers if one.classes is not None]
    flips = flip_rate(np.stack(predictions)) if len(predictions) > 1 else None
    return NoiseFloor(recipe, found.deviation, found.low, found.high, flips, found.seeds)


def recorded_noise(store: Store, experiment: str) -> NoiseFloor | None:
    """What the experiment says; none where it says nothing. UserError where its tag holds something else."""
    text = store.experiments().get(experiment, {}).get(NOISE_TAG)
    if text is None:
        return None
    try:
        return TypeAdapter(NoiseFloor).validate_python(parse_json(text))
    except (OddJsonError, ValidationError) as error:
        raise UserError(
            f"its tag {NOISE_TAG} holds no noise floor",
            where=f"experiment {experiment}",
            cure="It was altered; restore it, or delete it in the MLflow UI.",
        ) from error


def keep_noise(store: Store, experiment: str, found: NoiseFloor) -> None:
    """Write it on the experiment, unless that has it already or one of another recipe from more seeds."""
    known = recorded_noise(store, experiment)
    if known is not None and (known == found or (known.recipe != found.recipe and known.seeds > found.seeds)):
        return
    store.tag_experiment(experiment, NOISE_TAG, json.dumps(asdict(found)))
