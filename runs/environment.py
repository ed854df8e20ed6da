"""Under what a run ran, as its record says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runs.layout import CONFIG_FILE, FINGERPRINT, PROVENANCE_FILE, RAN, RESUMED_UNDER_TAG
from runs.record_files import ConfigFile, ProvenanceFile
from schema.overrides import flat_mapping

if TYPE_CHECKING:
    from runs.files import RunFiles


_CAME_LATER: dict[str, object] = {
    "data.quoting": "auto",
    "data.cut": "head",
    "model.pretrained_layers": None,
    "train.teacher": None,
    "train.distillation": None,
}


def recorded_environment(run: RunFiles) -> RunEnvironment:
    """UserError when the record is not whole."""
    tags = {key: value for key, value in run.record.tags.items() if key.startswith(RAN)}
    return RunEnvironment(
        run.read(ProvenanceFile, PROVENANCE_FILE),
        settings_of(run.read(ConfigFile, CONFIG_FILE)),
        {key.removeprefix(FINGERPRINT): tags[key] for key in sorted(tags) if key.startswith(FINGERPRINT)},
        {key.removeprefix(RAN): value for key, value in tags.items()},
        run.record.tags.get(RESUMED_UNDER_TAG),
    )


def settings_of(config: Mapping[str, Any]) -> dict[str, object]:
    """A recorded config by dotted keys, as it was written: an older program's keys may not be ours. A key that came
    later has what was done before there was one."""
    return _CAME_LATER | flat_mapping(config)


@dataclass(frozen=True)
class RunEnvironment:
    """Under what a run ran: its provenance record, its flat config, the digests of its splits, its threads.

    Of a resumed run: the environment of its first start.
    """

    provenance: Mapping[str, Any]
    config: Mapping[str, object]
    fingerprints: Mapping[str, str]
    effective: Mapping[str, str]
    resumed_under: str | None = None  # what differed around a part of it, in words
