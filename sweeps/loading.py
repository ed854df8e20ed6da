"""From the catalog to a sweep and its base experiment. Imports nothing large, so mistakes are reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.entrance import refuse_secrets
from experiments.loading import (
    CATALOG as EXPERIMENTS,
)
from experiments.naming import flat_params
from schema.catalog import catalog_file
from schema.fields import dotted_keys
from schema.overrides import check_once, overridden, split, with_values
from schema.validation import nearest, parse
from schema.yaml_files import read_yaml
from sweeps.config import DecodingSweepConfig, SweepConfig

CATALOG = Path(__file__).parent / "catalog"


def load_search(
    name: str, overrides: Sequence[str] = ()
) -> tuple[SweepConfig | DecodingSweepConfig, list[str]]:
    """The catalogued sweep `name` (or a YAML file's path), and the overrides that are the experiment's.

    `budget.trials=20` and other keys of the sweep itself change the sweep; all others the experiment.
    """
    mapping = read_yaml(catalog_file(CATALOG, name, kind="sweep"))
    kind = DecodingSweepConfig if mapping.get("kind") == "decoding" else SweepConfig
    check_once([split(item)[0] for item in overrides])
    own = [item for item in overrides if split(item)[0].split(".")[0] in kind.model_fields]
    rest = [item for item in overrides if item not in own]
    asked = overridden(kind, mapping, own)
    refuse_secrets(asked, where=name)
    return parse(kind, asked, where=name), rest


def base_experiment(sweep: SweepConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """The base experiment's mapping with the sweep's and the caller's overrides."""
    path = catalog_file(EXPERIMENTS, sweep.experiment, kind="experiment")
    check_once([*sweep.overrides])
    mapping = with_values(read_yaml(path), sweep.overrides)
    mapping = overridden(ExperimentConfig, mapping, overrides)
    refuse_secrets(mapping, where=sweep.name)
    config = parse(ExperimentConfig, mapping, where=sweep.name)
    check_keys(sweep, config)
    return config.model_dump(mode="json")


def check_keys(sweep: SweepConfig, base: ExperimentConfig) -> None:
    """UserError for a dimension over a key that the experiment does not have."""
    present = flat_params(base)
    keys = [*sweep.space, *(sweep.finale.overrides if sweep.finale else ())]
    for key in keys:
        if key not in present:
            near = nearest(key, [known for known in dotted_keys(ExperimentConfig) if known in present])
            raise UserError(
                "no such key in the experiment",
                where=f"sweep {sweep.name}: {key}",
                cure=f"Did you mean {near}?"
                if near
                else f"`encore train {sweep.experiment} --dry-run` prints them.",
            )
