"""Under what a run ran, as its record says, and under what it would run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.naming import flat_params
from experiments.record import Beginning
from runs.environment import Circumstances

if TYPE_CHECKING:
    pass


def circumstances_of(beginning: Beginning) -> Circumstances:
    """Those of a run that begins now."""
    return Circumstances(
        beginning.provenance.to_json(),
        flat_params(beginning.parts.config),
        dict(sorted(beginning.fingerprints.items())),
        beginning.ran,
    )
