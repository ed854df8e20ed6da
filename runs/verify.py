"""Whether what a run handed out still is what it left: every file, every digest, every score again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial

import pandas as pd

from errors import UserError
from host.boundary import first_line
from host.files import Entry, entries
from runs.check import Check
from runs.checkpoint import is_whole
from runs.checks import check_is_one_run, check_is_ours
from runs.data_record import recorded_data
from runs.digests import checkpoint_digests, start_digest
from runs.files import RunFiles, plain_digest
from runs.kept_files import DAMAGED, file_differences, found_digest, other_checkpoints, recorded_kept
from runs.layout import (
    CHECKPOINTS,
    CONFIG_FILE,
    DATA_FILE,
    DIGESTS_FILE,
    EXPORT_FOLDER,
    EXPORT_REPORT,
    KEPT_FILE,
    MODEL_FOLDER,
    PROVENANCE_FILE,
    RECORD_DIGESTS_FILE,
    REQUEST_FILE,
    RESULT_FILE,
    SCORED,
    START_FILE,
    STORIES_TABLE,
    TEACHER_FOLDER,
    UNTRAINED,
    RunKind,
    fingerprint_tag,
    kind_of,
    predictions_file,
)
from runs.outcome import had_outcome, outcome_of
from runs.record_files import ConfigFile, Digests
from runs.stories import read_request, read_stories
from runs.table_digest import table_digest
from runs.verify_parents import check_parents
from runs.verify_scores import check_export_scores, check_logged, check_scores
from runs.verify_served import check_served
from schema.overrides import flat_mapping
from tracking.artifacts import digests_of
from tracking.limits import MAX_PARAM_CHARACTERS, cut_to
from tracking.logged_models import SERVED_TAG
from tracking.manifest import MANIFEST_FILE, seal_tag

_SHOWN = 80


def verify(run: RunFiles) -> list[Check]:
    """Every file, digest and score of a run that ended, recomputed.

    Of a sweep's own run and of one that holds stories, which trained nothing, every file. Whatever is wrong with the
    record is a check that does not hold. UserError for a run that is going on, or that has left nothing to hold it to.
    """
    check_is_ours(run)
    if run.record.status == "RUNNING":
        raise UserError("is still going on", where=run.where, cure="Wait for it, or end it.")
    trained = kind_of(run.record) not in UNTRAINED
    if not with_manifest(run):
        check_is_one_run(run)
    found = _Found(run.fetched())
    if trained and not had_outcome(found.run):
        outcome_of(found.run)  # says what it lacks
    checks = list(_guarded("files", MANIFEST_FILE, lambda: _files(found)))
    for what, file, more in _of_training(found) if trained else _of_stories(found.run):
        checks += _guarded(what, file, more)
    return checks


_Part = tuple[str, str, Callable[[], Iterable[Check]]]


def _of_training(found: _Found) -> list[_Part]:
    return [
        ("record", PROVENANCE_FILE, lambda: _record(found)),
        ("kept", KEPT_FILE, lambda: _kept(found.run)),
        ("outcome", RESULT_FILE, lambda: _outcome(found)),
        ("params", CONFIG_FILE, lambda: [_params(found.run)]),
        ("fingerprints", DATA_FILE, lambda: _fingerprints(found.run)),
        ("parents", CONFIG_FILE, lambda: check_parents(found.run)),
        ("model in MLflow", SERVED_TAG, lambda: check_served(found.run)),
    ]


def _of_stories(run: RunFiles) -> list[_Part]:
    if kind_of(run.record) != RunKind.STORIES:
        return []

    def readable(read: Callable[[], object], file: str) -> Iterator[Check]:
        read()
        yield Check("stories", file, holds=True, recorded="a record", found="a record")

    return [
        ("stories", REQUEST_FILE, lambda: readable(lambda: read_request(run), REQUEST_FILE)),
        ("stories", STORIES_TABLE, lambda: readable(lambda: read_stories(run), STORIES_TABLE)),
    ]


class _Found:
    """What a run has now, each file read once; every file is on this machine."""

    def __init__(self, run: RunFiles) -> None:
        self.run = run

    @cached_property
    def entries(self) -> dict[str, Entry]:
        return entries(self.run.whole_folder())

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of every plain file."""
        plain = {path: entry.path for path, entry in self.entries.items() if entry.kind == "file"}
        return digests_of(plain)

    def digest(self, path: str) -> str:
        """sha256 of a file; UserError when it is gone or no plain one."""
        return self.digests.get(path) or plain_digest(self.run, path)

    @cached_property
    def checkpoints(self) -> dict[str, str]:
        return checkpoint_digests(self.run.path(CHECKPOINTS))


def with_manifest(run: RunFiles) -> bool:
    """Whether the run has a manifest. True where its record cannot be read: it does not pass for an older one."""
    try:
        return run.recorded_with_manifest
    except UserError:
        return True


def _guarded(what: str, file: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """`checks`, and one more that does not hold where the record is such that they cannot be made."""
    try:
        yield from checks()
    except UserError as error:
        yield Check(what, file, holds=False, recorded="a record", found=error.what)
    except Exception as error:  # noqa: BLE001 an altered file can be broken in any way, and is then reported as that
        yield Check(
            what, file, holds=False, recorded="a record", found=f"unreadable: {first_line(error)[:_SHOWN]}"
        )


def _files(found: _Found) -> Iterator[Check]:
    """Each file of the manifest, and what lies beside them."""
    manifest = found.run.manifest
    if manifest is None:
        return
    sealed = {MANIFEST_FILE: found.digest(MANIFEST_FILE), **manifest}  # its seal has been checked already
    wrong = {other.path: other for other in file_differences(found.entries, found.digests, sealed)}
    for path, digest in sealed.items():
        other = wrong.pop(path, None)
        yield Check("file", path, other is None, digest, digest if other is None else other.found)
    for path, other in wrong.items():
        told = DAMAGED if _is_damaged_checkpoint(path, found.entries[path]) else other.found
        yield Check("stranger", path, holds=False, recorded="nothing", found=told)


def _is_damaged_checkpoint(path: str, entry: Entry) -> bool:
    """A resumed run passes over such a one and does not keep it."""
    checkpoint = path.startswith(f"{CHECKPOINTS}/") and path.endswith(".ckpt") and entry.kind == "file"
    return checkpoint and not is_whole(entry.path)


def _outcome(found: _Found) -> Iterator[Check]:
    outcome = outcome_of(found.run)
    for name, digest in outcome.digests.items():
        yield _digest(found, name, digest)
    for split in SCORED:
        yield from check_scores(outcome, split)
    if found.run.has(EXPORT_REPORT):
        yield from check_export_scores(found.run, outcome)
    yield from check_logged(outcome)


def _digest(found: _Found, name: str, recorded: str) -> Check:
    """Digests of checkpoints come from the folder, of predictions from their table, of exports from the file."""
    room, _, rest = name.partition("/")
    if room == "predictions":
        file = predictions_file(rest)
        return _held(name, file, recorded, lambda: table_digest(pd.read_parquet(found.run.path(file))))
    if room in {EXPORT_FOLDER, MODEL_FOLDER, TEACHER_FOLDER}:
        return _held(name, name, recorded, lambda: found.digest(name))
    return _held(name, CHECKPOINTS, recorded, lambda: found.checkpoints[name])


def _held(what: str, file: str, recorded: str, recompute: Callable[[], str]) -> Check:
    try:
        found = recompute()
    except UserError as error:
        found = error.what
    except Exception as error:  # noqa: BLE001 an altered file can be broken in any way, and is then reported as that
        found = f"unreadable: {first_line(error)[:_SHOWN]}"
    return Check(what, file, found == recorded, recorded, found)


def _record(found: _Found) -> Iterator[Check]:
    """The files of the record itself, the patch among them, the result, and the checkpoint that a fork began with."""
    run = found.run
    for file in (PROVENANCE_FILE, RECORD_DIGESTS_FILE, RESULT_FILE, DIGESTS_FILE, KEPT_FILE):
        if (digest := run.record.tags.get(seal_tag(file))) is not None:
            yield _held("record", file, digest, partial(found.digest, file))
    if not with_manifest(run) or seal_tag(RECORD_DIGESTS_FILE) in run.record.tags:
        for file, digest in run.read(Digests, RECORD_DIGESTS_FILE).items():
            yield _held("record", file, digest, partial(found.digest, file))
    recorded = run.record.tags.get(fingerprint_tag("start"))
    if recorded is not None:
        yield _held("start", START_FILE, recorded, lambda: start_digest(run.path(START_FILE)))


def _kept(run: RunFiles) -> Iterator[Check]:
    """Of a run without a manifest the checkpoints and the model that others could begin with: as they were kept."""
    if with_manifest(run):
        return
    recorded = recorded_kept(run)
    for file, digest in recorded.items():
        yield _held("kept", file, digest, partial(found_digest, run, file))
    for file, state in other_checkpoints(run, recorded).items():
        holds = not recorded and state == "whole"  # an earlier version of Encore has recorded none
        yield Check("kept", file, holds, "none" if recorded else "whole", state)


def _fingerprints(run: RunFiles) -> Iterator[Check]:
    """The digests of rows, tokens, tokenizer and weights that others are held to: in the tags as in the record."""
    recorded = recorded_data(run)
    if recorded is None:
        return
    for name, digest in recorded.fingerprints.items():
        found = run.record.tags.get(fingerprint_tag(name), "none")
        yield Check(f"fingerprint of {name}", "the tracking store", found == digest, digest, found)


def _params(run: RunFiles) -> Check:
    """As written: the keys of an older program may not be ours. A long one stands in the store cut."""
    config = {
        key: cut_to(str(value), MAX_PARAM_CHARACTERS)
        for key, value in flat_mapping(run.read(ConfigFile, CONFIG_FILE)).items()
    }
    other = [key for key, value in config.items() if run.record.params.get(key) != value]
    found = f"{len(config) - len(other)} equal" + (f", not {', '.join(other[:5])}" if other else "")
    return Check("params", CONFIG_FILE, not other, f"{len(config)} keys", found)
