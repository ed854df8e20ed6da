"""A study made again from its record, and whether the same was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors import UserError
from experiments.checkout import provenance_here
from experiments.studies.kinds import KINDS
from experiments.studies.study import left_by, recorded
from host.progress import SILENT, Reporter
from runs.checks import check_is_ours
from runs.files import RunFiles
from runs.layout import FINGERPRINT, REPRODUCES_TAG, STUDIED_TAG, STUDY_REQUEST, VERDICT_TAG
from runs.seals import check_listed
from schema.validation import parse


@dataclass(frozen=True)
class Difference:
    """of: `file` or `source`. name: of it. then, now: its digests; none: it is not there."""

    of: str
    name: str
    then: str | None
    now: str | None


@dataclass(frozen=True)
class StudyReplay:
    """The run that it became. files: how many were compared."""

    run_id: str
    files: int
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Every file, to the byte."""
        return not any(one.of == "file" for one in self.differences)


def replay(run: RunFiles, *, reporter: Reporter = SILENT) -> StudyReplay:
    """Make the study again as a new run. UserError for one that did not finish, or whose sources are gone."""
    check_is_ours(run)
    if run.record.status != "FINISHED":
        raise UserError(f"is {run.record.status}", where=run.where, cure="Only a finished study plays again.")
    check_listed(run, STUDY_REQUEST)
    then = left_by(run)
    name = run.record.tags.get(STUDIED_TAG, "")
    if name not in KINDS:
        raise UserError(
            f"is a study of {name!r:.40}, which this version does not know",
            where=run.where,
            cure=f"It knows {', '.join(KINDS)}.",
        )
    kind = KINDS[name]
    request = parse(
        kind.request, run.read(dict[str, Any], STUDY_REQUEST), where=f"{run.where}, {STUDY_REQUEST}"
    )
    prepared = kind.prepare(request, root=run.store.root, reporter=reporter)
    tags = {REPRODUCES_TAG: run.record.run_id}
    again = recorded(prepared, run.store, provenance_here(), tags=tags, reporter=reporter)
    now = left_by(again)
    sources = {
        tag.removeprefix(FINGERPRINT): digest
        for tag, digest in run.record.tags.items()
        if tag.startswith(FINGERPRINT)
    }
    differences = (
        *_differences("source", sources, prepared.fingerprints),
        *_differences("file", then, now),
    )
    found = StudyReplay(again.record.run_id, len(then), differences)
    verdict = "identical" if found.same else "different"
    for which, told in ((again, verdict), (run, f"{verdict}: {found.run_id}")):
        log = which.store.attach(which.record.run_id)
        log.set_tags({VERDICT_TAG: told})
        log.close()
    return found


def _differences(of: str, then: Any, now: Any) -> list[Difference]:
    return [
        Difference(of, name, then.get(name), now.get(name))
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]
