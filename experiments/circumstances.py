"""Under what a run ran, as its record says, and under what it would run here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
_CAME_LATER: dict[str, object] = {"data.quoting": "auto"}
_RAN, _FINGERPRINT = "encore.ran.", "encore.ran.fingerprint."


def recorded_circumstances(run: RunArtifacts) -> Circumstances:
    """UserError when the record is not whole."""
    tags = {key: value for key, value in run.record.tags.items() if key.startswith(_RAN)}
    return Circumstances(
        run.read(ProvenanceFile, PROVENANCE_FILE),
        settings_of(run.read(ConfigFile, CONFIG_FILE)),
        {key.removeprefix(_FINGERPRINT): tags[key] for key in sorted(tags) if key.startswith(_FINGERPRINT)},
        {key.removeprefix(_RAN): value for key, value in tags.items()},
        run.record.tags.get(RESUMED_UNDER_TAG),
    )


def settings_of(config: Mapping[str, Any]) -> dict[str, object]:
    """A recorded config by dotted keys, as it was written: an older program's keys may not be ours. A key that came
    later has what was done before there was one."""
    return _CAME_LATER | flat_mapping(config)


def circumstances_of(beginning: Beginning) -> Circumstances:
    """Those of a run that begins now."""
    return Circumstances(
        beginning.provenance.to_json(),
        flat_params(beginning.parts.config),
        dict(sorted(beginning.fingerprints.items())),
        beginning.ran,
    )
