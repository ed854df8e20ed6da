"""The inputs of a decoding sweep, checked: the run that writes, the options, the prompts."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from errors import UserError
from generation.options import DecodingConfig
from schema.validation import nearest, parse
from sweeps.config import Choice, DecodingSweepConfig, Dimension, IntRange
from sweeps.space import could_draw

if TYPE_CHECKING:
    from datamodules.tokenized import SplitName, TokenizedData

SPLITS: tuple[Literal["val", "test"], ...] = ("val", "test")


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


def check_fits(sweep: DecodingSweepConfig, data: TokenizedData, context_tokens: int) -> None:
    """UserError where the splits have too few stories, or the model's context is too short, with all that mends it."""
    rows = min(len(data.rows[split].texts) for split in SPLITS)
    problems: list[str] = []
    cures: list[str] = []
    if rows < sweep.stories:
        problems.append(f"{sweep.stories} beginnings are asked for, and a split has {rows} stories")
        cures.append(f"stories={rows}")
    lengths = _lengths(sweep)
    if max(lengths.values(), default=0) > context_tokens:
        problems.append(
            f"stories of {max(lengths.values())} tokens, and the model's context holds {context_tokens}"
        )
        cures += [_shorter(sweep, key, context_tokens) for key in lengths if lengths[key] > context_tokens]
    if problems:
        raise UserError(
            "; ".join(problems), where=f"sweep {sweep.name}", cure=f"Add {shlex.join(cures)} to the command."
        )


def _lengths(sweep: DecodingSweepConfig) -> dict[str, int]:
    """The longest story that each key asks for."""
    found = {"decoding.max_length": sweep.decoding.max_length or 0}
    match sweep.space.get("max_length"):
        case Choice(options=options):
            found["space.max_length"] = max(option for option in options if isinstance(option, int))
        case IntRange(high=high):
            found["space.max_length"] = high
        case _:
            pass
    return found


def _shorter(sweep: DecodingSweepConfig, key: str, context_tokens: int) -> str:
    """KEY=VALUE that fits."""
    match sweep.space.get("max_length") if key.startswith("space.") else None:
        case Choice(options=options):
            kept = [option for option in options if isinstance(option, int) and option <= context_tokens]
            return f"{key}={{kind: choice, options: {kept or [context_tokens]}}}"
        case IntRange(low=low):
            least = low if low < context_tokens else context_tokens // 2
            return f"{key}={{kind: int, low: {least}, high: {context_tokens}}}"
        case _:
            return f"{key}={context_tokens}"


@contextmanager
def told_of_sweep(sweep: DecodingSweepConfig) -> Generator[None]:
    """A prompt that a setting has no room for, in the words of the sweep's own keys."""
    try:
        yield
    except UserError as error:
        raise UserError(
            error.what,
            where=f"sweep {sweep.name}, {error.where}",
            cure=f"Add prompt_words={max(1, sweep.prompt_words - 1)} to the command, or allow longer stories.",
        ) from error


def prompts_of(data: TokenizedData, split: SplitName, sweep: DecodingSweepConfig) -> list[str]:
    """The first words of the stories drawn."""
    return [" ".join(text.split()[: sweep.prompt_words]) for text in sample_stories(data, split, sweep)]


def sample_stories(data: TokenizedData, split: SplitName, sweep: DecodingSweepConfig) -> list[str]:
    """Stories of a split, drawn with the sweep's seed; it has enough, as `check_fits` says."""
    texts = data.rows[split].texts
    drawn = np.random.Generator(np.random.PCG64(sweep.seed)).permutation(len(texts))[: sweep.stories]
    return [texts[int(row)] for row in np.sort(drawn)]
