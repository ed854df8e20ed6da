"""What a run came to, in a small sealed file that stays when the run's store is gone.

`python -m benchmarks certificate ID` writes one. Numbers in README and docs name it, and `benchmarks/check_results.py`
holds them to it.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from errors import UserError
from host.bounded_json import OddJsonError, read_json
from schema.strict import Strict
from schema.validation import parse

if TYPE_CHECKING:
    from runs.files import RunFiles
    from tracking.entities import RunRecord

FOLDER = Path(__file__).parent / "certificates"
_NAME_DIGITS = 8  # of a run's ID, in the name of its file
_OF_THE_MACHINE = "system/"  # metrics of its load, which nobody shows
_HEX = r"^[0-9a-f]+$"


class Certificate(Strict):
    """One run. metrics: the last value of each that is a number. params: its settings; of a folder of somebody's
    machine only the name.

    digests: sha256 of weights, optimiser and answers by name; none of a run that trained nothing. commit: of the code,
    all of which it has. sha256: over everything else here, so that a change is found.
    """

    run_id: Annotated[str, Field(pattern=_HEX, min_length=32, max_length=32)]
    name: str
    experiment: str
    kind: str
    started: str
    commit: Annotated[str, Field(pattern=_HEX, min_length=40, max_length=40)]
    processor: str
    python: str
    torch: str
    params: dict[str, str]
    metrics: dict[str, float]
    digests: dict[str, str]
    sha256: str = ""

    def digest(self) -> str:
        """sha256 over its JSON in the order of the keys, without `sha256` itself."""
        content = json.dumps(self.model_dump(exclude={"sha256"}), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def file(self) -> str:
        return f"{self.run_id[:_NAME_DIGITS]}.json"


def read_certificate(path: Path) -> Certificate:
    """UserError for a file that is no certificate, or another one than was written."""
    if not path.is_file():
        raise UserError(
            "there is no such certificate", where=str(path), cure="`python -m benchmarks certificate ID`."
        )
    try:
        found = parse(Certificate, read_json(path), where=str(path))
    except OddJsonError as error:
        raise UserError(str(error), where=str(path), cure="Restore it.") from error
    if found.sha256 != found.digest() or path.name != found.file:
        raise UserError(
            "is not the certificate that was written",
            where=str(path),
            cure="It was altered; restore it, or write it anew from its run.",
        )
    return found


def write_certificate(root: Path, run_id: str, folder: Path = FOLDER) -> Path:
    """The certificate of the finished run of the store at `root` whose ID begins with `run_id`.

    UserError for a run that did not end, that is not what it left, or whose code is in no commit.
    """
    from runs.files import run_named
    from runs.verify import verify
    from tracking.store import Store

    run = run_named(Store.read(root), run_id)
    wrong = [check for check in verify(run) if not check.holds]
    if wrong:
        raise UserError(
            f"{wrong[0].what} of {wrong[0].file} does not hold",
            where=run.where,
            cure=f"`encore verify {run_id}` says what else; certify a run that is what it left.",
        )
    certificate = certificate_of(run)
    folder.mkdir(exist_ok=True)
    path = folder / certificate.file
    path.write_text(json.dumps(certificate.model_dump(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def certificate_of(run: RunFiles) -> Certificate:
    """Sealed. UserError for a run whose code is in no commit."""
    from runs.layout import EXPERIMENT_TAG, PROVENANCE_FILE, kind_of
    from runs.record_files import ProvenanceFile

    record, provenance = run.record, run.read(ProvenanceFile, PROVENANCE_FILE)
    code = provenance["code"]
    if code["commit"] is None or code["dirty"]:
        raise UserError("its code is in no commit", where=run.where, cure="Commit, and run it again.")
    open_one = Certificate(
        run_id=record.run_id,
        name=record.name,
        experiment=record.tags.get(EXPERIMENT_TAG, record.experiment),
        kind=str(kind_of(record)),
        started=f"{datetime.fromtimestamp(record.start_ms / 1000, UTC):%Y-%m-%d}",
        commit=code["commit"],
        processor=provenance["machine"]["cpu_model"],
        python=provenance["python"],
        torch=provenance["distributions"].get("torch", ""),
        params={key: _without_place(value) for key, value in sorted(record.params.items())},
        metrics=_metrics(record),
        digests=_digests(run),
    )
    return open_one.model_copy(update={"sha256": open_one.digest()})


def _without_place(value: str) -> str:
    return f"…/{Path(value).name}" if value.startswith("/") else value


def _metrics(record: RunRecord) -> dict[str, float]:
    return {
        key: value
        for key, value in sorted(record.metrics.items())
        if math.isfinite(value) and not key.startswith(_OF_THE_MACHINE)
    }


def _digests(run: RunFiles) -> dict[str, str]:
    from runs.layout import DIGESTS_FILE
    from runs.record_files import Digests

    return run.read(Digests, DIGESTS_FILE) if run.has(DIGESTS_FILE) else {}
