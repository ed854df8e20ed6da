"""A study as a run: what is asked, what was found, the record of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from errors import UserError
from experiments.checkout import REPOSITORY, provenance_here
from host.blas import one_blas_thread
from host.progress import Reporter
from runs.differences import deciding
from runs.files import RunFiles, run_named
from runs.layout import (
    KIND_TAG,
    PATCH_FILE,
    PROVENANCE_FILE,
    RECIPE_TAG,
    REPRODUCES_TAG,
    STUDIED_TAG,
    STUDY_FILES,
    STUDY_FINDINGS,
    STUDY_FOLDER,
    STUDY_PAGE,
    STUDY_PICTURES,
    STUDY_REQUEST,
    RunKind,
    fingerprint_tag,
)
from runs.seals import check_listed, log_sealed
from schema.overrides import flat_mapping
from schema.strict import Strict
from tracking.endings import ended_in_store
from tracking.entities import Experiment
from tracking.working_tree import working_tree_patch

if TYPE_CHECKING:
    from tracking.provenance import Provenance
    from tracking.run_log import RunLog
    from tracking.store import Store

_PLACES = ("path", "source", "revision")
_ROOMS = ("analysis/", "pages/")  # whose code decides what a study finds, beside that of any run


@dataclass(frozen=True)
class Findings:
    """What came out of a study, the same each time.

    content: findings.json. page: HTML. pictures, files: by their names; other studies read the files. metrics: figures
    for the table of runs. timings: figures that differ each time.
    """

    content: Mapping[str, Any]
    page: str
    pictures: Mapping[str, bytes]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    timings: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Prepared:
    """A study whose sources are found and fingerprinted; nothing is computed or recorded.

    kind: its name. request: all that was asked. title: of its run. work: computes it.
    """

    kind: str
    request: Strict
    title: str
    fingerprints: Mapping[str, str]
    work: Callable[[Reporter], Findings]

    def recipe_id(self, provenance: Provenance) -> str:
        """sha256 over everything that decides what is found: equal recipes are the same study."""
        files = provenance.code.files
        studying = {path: digest for path, digest in files.items() if path.startswith(_ROOMS)}
        content = {
            "study": self.kind,
            "request": _without_places(self.request.model_dump(mode="json")),
            "code": deciding(files) | studying,
            "read": dict(sorted(self.fingerprints.items())),
            "lock": provenance.lock_digest,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _without_places(asked: Any) -> Any:
    """Without where anything lies, on disk or on the hub: the fingerprints say what lies there."""
    if isinstance(asked, list):
        return [_without_places(one) for one in asked]
    if not isinstance(asked, dict):
        return asked
    return {key: _without_places(value) for key, value in asked.items() if key not in _PLACES}


@dataclass(frozen=True)
class Studied:
    """The run of a study and its findings. reused: the study was recorded before."""

    run: RunFiles
    content: Mapping[str, Any]
    reused: bool


def study(prepared: Prepared, store: Store, *, again: bool, reporter: Reporter) -> Studied:
    """Compute and record it; what was found before by the same recipe is taken, unless it is asked for `again`."""
    provenance = provenance_here()
    found = None if again else _recorded(prepared, provenance, store)
    if found is not None:
        return Studied(found, found.read(dict[str, Any], STUDY_FINDINGS), reused=True)
    run = recorded(prepared, store, provenance, tags={}, reporter=reporter)
    return Studied(run, run.read(dict[str, Any], STUDY_FINDINGS), reused=False)


def _recorded(prepared: Prepared, provenance: Provenance, store: Store) -> RunFiles | None:
    """The earliest finished run of the recipe whose findings are what its manifest names; rather no reproduction."""
    found = store.runs(tags={RECIPE_TAG: prepared.recipe_id(provenance)})
    found.sort(key=lambda record: (REPRODUCES_TAG in record.tags, record.start_ms))
    runs = (RunFiles(store, record) for record in found if record.status == "FINISHED")
    return next((run for run in runs if _holds(run)), None)


def _holds(run: RunFiles) -> bool:
    try:
        return STUDY_FINDINGS in left_by(run)
    except UserError:  # something is missing or altered: then this is nothing to take
        return False


def left_by(run: RunFiles) -> dict[str, str]:
    """What a study came to: sha256 of each of its files, by path. UserError for one that is not what was recorded."""
    manifest = run.manifest or {}
    files = {
        file: digest
        for file, digest in manifest.items()
        if file.startswith(f"{STUDY_FOLDER}/") and file != STUDY_REQUEST
    }
    check_listed(run, *files)
    return files


def recorded(
    prepared: Prepared,
    store: Store,
    provenance: Provenance,
    *,
    tags: Mapping[str, str],
    reporter: Reporter,
) -> RunFiles:
    """Compute it on a new run. tags: of the run, beside its own."""
    log = store.start_run(
        experiment=Experiment(f"study_{prepared.kind}", f"study/{prepared.kind}"),
        name=prepared.title,
        params=_params(prepared.request),
        tags={
            KIND_TAG: RunKind.STUDY,
            STUDIED_TAG: prepared.kind,
            RECIPE_TAG: prepared.recipe_id(provenance),
            **{fingerprint_tag(name): digest for name, digest in prepared.fingerprints.items()},
            **tags,
        },
        description=f"A study of {prepared.kind}: {STUDY_PAGE} shows what was found.",
        sampled=False,
    )
    with ended_in_store(log, goes_on=lambda: "the same command begins anew"):
        log.log_json(prepared.request.model_dump(mode="json"), STUDY_REQUEST)
        log_sealed(log, provenance.to_json(), PROVENANCE_FILE)
        log.log_text(working_tree_patch(REPOSITORY, exclude=store.root), PATCH_FILE)
        findings = one_blas_thread(prepared.work)(reporter)
        _log(log, findings)
    log.finish("FINISHED")
    return run_named(store, log.run_id)


def _params(request: Strict) -> dict[str, object]:
    """What was asked, by dotted key; of a list of things with names these alone."""
    flat = flat_mapping(request.model_dump(mode="json", exclude_none=True))
    return {key: _named(value) for key, value in flat.items()}


def _named(value: object) -> object:
    if not isinstance(value, list):
        return value
    return ", ".join(str(one["name"] if isinstance(one, dict) and "name" in one else one) for one in value)


def _log(log: RunLog, findings: Findings) -> None:
    log.log_json(findings.content, STUDY_FINDINGS)
    log.log_text(findings.page, STUDY_PAGE)
    for place, files in ((STUDY_PICTURES, findings.pictures), (STUDY_FILES, findings.files)):
        if files:
            with log.folder(place) as folder:
                for name, content in files.items():
                    (folder / name).write_bytes(content)
    log.log_summary({**findings.metrics, **findings.timings})
