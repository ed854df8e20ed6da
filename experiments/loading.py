"""From the catalog, YAML files and KEY=VALUE overrides to an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.entrance import refuse_secrets
from schema.catalog import catalog_file
from schema.overrides import overridden, split
from schema.validation import parse
from schema.yaml_files import read_yaml

CATALOG = Path(__file__).parent / "catalog"


def load_experiment(name: str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """The catalogued experiment `name` (or a YAML file's path) with `KEY=VALUE` overrides."""
    path = catalog_file(CATALOG, name, kind="experiment")
    return parse_overridden(read_yaml(path), overrides, where=str(name))


def parse_overridden(mapping: Mapping[str, Any], overrides: Sequence[str], *, where: str) -> ExperimentConfig:
    """`mapping` with `KEY=VALUE` overrides; UserError also for one that would change nothing."""
    asked = overridden(ExperimentConfig, mapping, overrides)
    refuse_secrets(asked, where=where)
    config = parse(ExperimentConfig, asked, where=where)
    keys = {split(override)[0] for override in overrides}
    if "train.max_epochs" in keys and config.train.max_steps is not None:
        raise UserError(
            f"max_epochs does not count while train.max_steps is {config.train.max_steps}",
            where=f"{where}: train.max_epochs",
            cure="Add train.max_steps=none.",
        )
    return config
