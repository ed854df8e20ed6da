"""Under what a run ran, as its record says, and under what it would run here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from experiments.causes import Circumstances
from experiments.record import (
    CONFIG_FILE,
    PROVENANCE_FILE,
    REPOSITORY,
    fingerprints_of,
    flat_mapping,
    flat_params,
)
from tracking.provenance import collect

if TYPE_CHECKING:
    from datamodules.tokenized import TokenizedData
    from experiments.config import ExperimentConfig
    from experiments.recorded import RunArtifacts

_RAN, _FINGERPRINT = "encore.ran.", "encore.ran.fingerprint."


def recorded_circumstances(run: RunArtifacts) -> Circumstances:
    """UserError when the record is not whole."""
    tags = {key: value for key, value in run.record.tags.items() if key.startswith(_RAN)}
    return Circumstances(
        run.json(PROVENANCE_FILE),
        flat_mapping(run.json(CONFIG_FILE)),  # as written: an older program's keys may not be ours
        {key.removeprefix(_FINGERPRINT): tags[key] for key in sorted(tags) if key.startswith(_FINGERPRINT)},
        {key.removeprefix(_RAN): value for key, value in tags.items()},
    )


def circumstances_here(
    config: ExperimentConfig, data: TokenizedData, ran: Mapping[str, str]
) -> Circumstances:
    """Those of a run of `config` that begins now; `ran`: what `prepare` set."""
    return Circumstances(
        collect(REPOSITORY).to_json(),
        flat_params(config),
        dict(sorted(fingerprints_of(config, data).items())),
        ran,
    )
