"""The inputs of a decoding sweep, checked: the run that writes, the options, the prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import UserError
from experiments.stories.generate import TrainedWriter, trained_writer
from generation.options import DecodingConfig
from host.cpu import usable_cores
from runs.files import RunFiles, run_named
from runs.layout import EXPERIMENT_TAG, RunKind, kind_of
from schema.validation import nearest, parse
from sweeps.config import Choice, DecodingSweepConfig, Dimension
from sweeps.space import could_draw

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData
    from tracking.store import Store


def first_values(sweep: DecodingSweepConfig) -> dict[str, Any]:
    """The space's keys as `decoding` has them. UserError for a key that there is not, or a value outside."""
    options = sweep.decoding.model_dump(mode="json")
    for key, dimension in sweep.space.items():
        where = f"sweep {sweep.name}: space.{key}"
        if key not in options:
            near = nearest(key, list(options))
            cure = f"Did you mean {near}?" if near else f"There are {', '.join(options)}."
            raise UserError("no such option of decoding", where=where, cure=cure)
        if not could_draw(dimension, options[key]):
            raise UserError(
                f"the sweep's own decoding.{key}={options[key]!r} lies outside the space",
                where=where,
                cure=f"Widen the space, or set decoding.{key}.",
            )
    return {key: options[key] for key in sweep.space}


def space_probes(sweep: DecodingSweepConfig) -> list[dict[str, Any]]:
    """The ends of each range and every option, one at a time: all must be valid before a story is written."""
    return [{key: value} for key, dimension in sweep.space.items() for value in _probes(dimension)]


def _probes(dimension: Dimension) -> Sequence[object]:
    return dimension.options if isinstance(dimension, Choice) else (dimension.low, dimension.high)


def decoding_of(sweep: DecodingSweepConfig, values: Mapping[str, Any]) -> DecodingConfig:
    """The options of one setting, validated."""
    return parse(
        DecodingConfig,
        {**sweep.decoding.model_dump(mode="json"), **values},
        where=f"sweep {sweep.name}, with {', '.join(f'{key}={value}' for key, value in values.items())}",
    )


def writer_named(sweep: DecodingSweepConfig, store: Store) -> TrainedWriter:
    """The run that is named, or the newest finished one of the experiment."""
    if sweep.run is not None:
        return trained_writer(run_named(store, sweep.run), sweep.variant, threads=usable_cores())
    found = store.runs(tags={EXPERIMENT_TAG: sweep.experiment})
    finished = [
        run
        for run in sorted(found, key=lambda run: -run.start_ms)
        if run.status == "FINISHED" and kind_of(run) == RunKind.RUN
    ]
    if not finished:
        raise UserError(
            f"no finished run of {sweep.experiment} that could write",
            where=f"sweep {sweep.name}",
            cure=f"Train one with `encore train {sweep.experiment}`, or name a run with run=ID.",
        )
    return trained_writer(RunFiles(store, finished[0]), sweep.variant, threads=usable_cores())


def prompts_of(data: TokenizedData, split: SplitName, sweep: DecodingSweepConfig) -> list[str]:
    """The first words of the stories drawn."""
    return [" ".join(text.split()[: sweep.prompt_words]) for text in sample_stories(data, split, sweep)]


def sample_stories(data: TokenizedData, split: SplitName, sweep: DecodingSweepConfig) -> list[str]:
    """Stories of a split, drawn with the sweep's seed. UserError when it has too few."""
    texts = data.rows[split].texts
    if len(texts) < sweep.stories:
        raise UserError(
            f"{sweep.stories} beginnings are asked for, and the split {split!r} has {len(texts)} stories",
            where=f"sweep {sweep.name}: stories",
            cure=f"Ask for at most {len(texts)}.",
        )
    drawn = np.random.Generator(np.random.PCG64(sweep.seed)).permutation(len(texts))[: sweep.stories]
    return [texts[int(row)] for row in np.sort(drawn)]
