"""Whether a finished run's artifacts still say what its record says: every digest and every score again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from errors import UserError
from experiments.digests import checkpoint_digests, file_digest, start_digest, table_digest
from experiments.evaluate import scores_of
from experiments.kept import found_digest, other_checkpoints, recorded_kept
from experiments.outcome import EXPORT_REPORT, SCORED, Outcome, predictions_file, read_outcome
from experiments.record import (
    CONFIG_FILE,
    DIGESTS_FILE,
    KEPT_FILE,
    RESULT_FILE,
    SEALS_FILE,
    START_FILE,
    flat_mapping,
    seal_tag,
)
from experiments.recorded import RunArtifacts
from export.options import VARIANTS

if TYPE_CHECKING:
    from tracking.records import RunRecord
    from tracking.store import Store

_ROUNDING = 1e-12  # sums in another order; a share of examples is exact


@dataclass(frozen=True)
class Check:
    """One thing recomputed: what, from which file, whether it holds, and in words what was recorded and found."""

    what: str
    file: str
    holds: bool
    recorded: str
    found: str


def verify(store: Store, record: RunRecord) -> list[Check]:
    """Every digest and score of a run, recomputed; UserError when it has no finished record."""
    outcome = read_outcome(store, record)
    run = outcome.run
    checks = [_digest(run, name, digest) for name, digest in outcome.digests.items()]
    checks += _record(run)
    checks += _kept(run)
    for split in SCORED:
        checks += _scores(run, outcome, split)
    if run.has(EXPORT_REPORT):
        checks += _export_scores(run, outcome)
    checks += _logged(outcome)
    return [*checks, _params(run)]


def _digest(run: RunArtifacts, name: str, recorded: str) -> Check:
    """Digests of checkpoints come from the folder, of predictions from their table, of exports from the file."""
    room, _, rest = name.partition("/")
    if room == "predictions":
        file = predictions_file(rest)
        return _held(name, file, recorded, lambda: table_digest(pd.read_parquet(run.path(file))))
    if room in {"export", "model"}:
        return _held(name, name, recorded, lambda: file_digest(run.path(name)))
    return _held(name, "checkpoints", recorded, lambda: checkpoint_digests(run.path("checkpoints"))[name])


def _held(what: str, file: str, recorded: str, recompute: Callable[[], str]) -> Check:
    try:
        found = recompute()
    except UserError as error:
        found = error.what
    except Exception as error:  # noqa: BLE001 an altered file can be broken in any way, and is then reported as that
        found = f"unreadable: {str(error).splitlines()[0][:80] if str(error) else type(error).__name__}"
    return Check(what, file, found == recorded, recorded, found)


def _record(run: RunArtifacts) -> Iterator[Check]:
    """The files of the record itself, the patch among them, the result, and the checkpoint that a fork began with."""
    for file in (SEALS_FILE, RESULT_FILE, DIGESTS_FILE, KEPT_FILE):
        if (digest := run.record.tags.get(seal_tag(file))) is not None:
            yield _held("record", file, digest, partial(_file_digest, run, file))
    seals = run.json(SEALS_FILE) if run.has(SEALS_FILE) else None
    if not isinstance(seals, dict):
        yield Check("record", SEALS_FILE, holds=False, recorded="digests", found="none")
        return
    for file, digest in seals.items():
        yield _held("record", file, digest, partial(_file_digest, run, file))
    recorded = run.record.tags.get("encore.ran.fingerprint.start")
    if recorded is not None:
        yield _held("start", START_FILE, recorded, lambda: start_digest(run.path(START_FILE)))


def _kept(run: RunArtifacts) -> Iterator[Check]:
    """The checkpoints and the model that others could begin with: as they were kept, and no checkpoint damaged."""
    try:
        recorded = recorded_kept(run)
    except UserError as error:
        yield Check("kept", KEPT_FILE, holds=False, recorded="digests", found=error.what)
        return
    for file, digest in recorded.items():
        yield _held("kept", file, digest, partial(found_digest, run, file))
    for file, state in other_checkpoints(run, recorded).items():
        holds = not recorded and state == "whole"  # an earlier version of Encore has recorded none
        yield Check("kept", file, holds, "none" if recorded else "whole", state)


def _file_digest(run: RunArtifacts, file: str) -> str:
    return file_digest(run.path(file))


def _scores(run: RunArtifacts, outcome: Outcome, split: str) -> Iterator[Check]:
    file = predictions_file(split)
    prefix = f"best/{split}" if split == "val" else split
    try:
        found = scores_of(pd.read_parquet(run.path(file)))
    except (UserError, OSError, ValueError, KeyError):
        return  # its digest has said so
    for name, value in found.items():
        yield _score(f"{prefix}/{name}", file, outcome, value)


def _export_scores(run: RunArtifacts, outcome: Outcome) -> Iterator[Check]:
    file = "export/predictions.parquet"
    try:
        frame = pd.read_parquet(run.path(file))
    except (UserError, OSError, ValueError) as error:
        yield Check(
            "export's answers", file, holds=False, recorded="a table", found=str(error).splitlines()[0][:80]
        )
        return
    for variant in VARIANTS:
        if f"{variant}_prediction" in frame:
            right = frame[f"{variant}_prediction"] == frame["label"]
            yield _score(f"export/{variant}/accuracy", file, outcome, float(right.mean()))
        elif f"export/{variant}/loss" in outcome.metrics:
            tokens = frame["predicted_tokens"]
            loss = float((frame[f"{variant}_loss"] * tokens).sum() / tokens.sum())
            yield _score(f"export/{variant}/loss", file, outcome, loss)


def _score(name: str, file: str, outcome: Outcome, found: float) -> Check:
    recorded = outcome.metrics.get(name, math.nan)
    holds = math.isclose(recorded, found, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return Check(name, file, holds, repr(recorded), repr(found))


def _logged(outcome: Outcome) -> Iterator[Check]:
    """What the tracking store shows against what the run wrote down itself."""
    for name, recorded in outcome.metrics.items():
        shown = outcome.run.record.metrics.get(name, math.nan)
        if not (shown == recorded or (math.isnan(shown) and math.isnan(recorded))):
            yield Check(name, "the tracking store", holds=False, recorded=repr(recorded), found=repr(shown))


def _params(run: RunArtifacts) -> Check:
    """As written: the keys of an older program may not be ours."""
    config = {key: str(value) for key, value in flat_mapping(run.json(CONFIG_FILE)).items()}
    other = [key for key, value in config.items() if run.record.params.get(key) != value]
    found = f"{len(config) - len(other)} equal" + (f", not {', '.join(other[:5])}" if other else "")
    return Check("params", "run/config.json", not other, f"{len(config)} keys", found)
