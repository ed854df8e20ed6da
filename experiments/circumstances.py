"""Under what a run ran, as its record says, and under what it would run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.causes import Circumstances
from experiments.record import (
    CONFIG_FILE,
    PROVENANCE_FILE,
    Beginning,
    flat_mapping,
    flat_params,
)
from experiments.record_files import ConfigFile, ProvenanceFile

if TYPE_CHECKING:
    from experiments.recorded import RunArtifacts

RESUMED_UNDER_TAG = "encore.resumed_under"
_RAN, _FINGERPRINT = "encore.ran.", "encore.ran.fingerprint."


def recorded_circumstances(run: RunArtifacts) -> Circumstances:
    """UserError when the record is not whole."""
    tags = {key: value for key, value in run.record.tags.items() if key.startswith(_RAN)}
    return Circumstances(
        run.read(ProvenanceFile, PROVENANCE_FILE),
        flat_mapping(
            run.read(ConfigFile, CONFIG_FILE)
        ),  # as written: an older program's keys may not be ours
        {key.removeprefix(_FINGERPRINT): tags[key] for key in sorted(tags) if key.startswith(_FINGERPRINT)},
        {key.removeprefix(_RAN): value for key, value in tags.items()},
        run.record.tags.get(RESUMED_UNDER_TAG),
    )


def circumstances_of(beginning: Beginning) -> Circumstances:
    """Those of a run that begins now."""
    return Circumstances(
        beginning.provenance.to_json(),
        flat_params(beginning.parts.config),
        dict(sorted(beginning.fingerprints.items())),
        beginning.ran,
    )
