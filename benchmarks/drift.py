"""Drifts planted for real between a run and its reproduction, alone and in pairs: is the cause named first?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.clone import Edit, clone, edited, encore
from benchmarks.results import table, write_section

# Both versions work with every library of the lock, and neither changes a number.
_LIBRARY, _VERSIONS = "safetensors", ("0.7.0", "0.6.2")
_FLAG = "ATEN_CPU_CAPABILITY"
_ROWS = {"train": 800, "validation": 200}
# fmt: off
_RUN = ("train.threads=none", "train.max_steps=24", "train.validations=3", "data.selection_examples=100",
        "model.dropout=0.1", "export.when=never")
# fmt: on


@dataclass(frozen=True)
class Drift:
    """One thing changed, and the kind and name that it must get."""

    kind: str
    name: str
    edit: Edit | None = None
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A repository, data and a store of their own, and the run that was made there."""

    folder: Path
    run_id: str = ""

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def record(self, name: str) -> Path:
        """A file of the run's record."""
        (found,) = self.folder.glob(f"mlruns/artifacts/*/{self.run_id}/artifacts/run/{name}")
        return found

    @property
    def threads(self) -> int:
        """On which the run was made."""
        return json.loads(self.record("provenance.json").read_text(encoding="utf-8"))["torch"]["threads"]

    @property
    def checksums(self) -> Sequence[int]:
        """Of the train rows as the run used them."""
        return np.load(self.record("rows/train.npy"), allow_pickle=False).tolist()

    @property
    def changed_row(self) -> int:
        """Of those rows, the one that is going to change."""
        return len(self.checksums) // 2

    def encore(self, *arguments: str, drifts: Sequence[Drift] = ()) -> subprocess.CompletedProcess[str]:
        """A command in this place, with what the drifts add to it."""
        added = [argument for drift in drifts for argument in drift.arguments]
        environment = {name: value for drift in drifts for name, value in drift.environment.items()}
        store = ("--root", str(self.folder / "mlruns"))
        return encore(self.repository, *arguments, *added, *store, "--json", environment=environment)


@dataclass(frozen=True)
class Found:
    """What was named under `drifts`: by the check, and by the certificate or the refusal."""

    drifts: tuple[Drift, ...]
    checked: tuple[str, ...]
    check_right: bool
    reproduced: str
    reproduction_right: bool


def measure() -> None:
    """Every drift, every pair and nothing at all, one after the other; writes the section."""
    with TemporaryDirectory(prefix="encore-drift-") as folder:
        place = prepared(Path(folder))
        planned = (*drifts(place), other_library(place))
        alone = [(drift,) for drift in planned]
        found = [planted(place, some) for some in [*alone, *combinations(planned, 2)]]
        nothing = planted(place, ())  # last, so that it also shows that all was taken back
    write_section("Planted drift", "python -m benchmarks drift", _body(found, nothing))


def prepared(folder: Path) -> Place:
    """A clone, a folder of data and one short run on as many threads as there are cores."""
    clone(folder / "repository")
    write_data(folder / "data")
    made = Place(folder).encore("train", "demo_reviews", f"data.path={folder / 'data'}", *_RUN)
    if made.returncode:
        raise RuntimeError(made.stderr)
    return Place(folder, str(json.loads(made.stdout)["run_id"]))


def write_data(folder: Path) -> None:
    """Some of the bundled reviews, as a user's own data lie."""
    from datamodules.bundled.reviews import generate_reviews

    folder.mkdir()
    for split, rows in generate_reviews(sizes=_ROWS).items():
        lines = (json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


def drifts(place: Place) -> tuple[Drift, ...]:
    """One of each kind but a library, in the order in which they are to be named."""
    dropout = "lightning_modules/kernels/dropout.py"
    other_threads = "1" if place.threads > 1 else "2"
    return (
        Drift("data", "train", edit=_other_row(place)),
        Drift("code", dropout, edit=Edit(place.repository / dropout, "_LEVELS / (", "1.001 * _LEVELS / (")),
        Drift("threads", "of torch", arguments=("--threads", other_threads)),
        Drift("flag", _FLAG, environment={_FLAG: "avx2"}),
    )


def other_library(place: Place) -> Drift:
    """Named after the others; needs a package index."""
    overlay = installed(place.folder / "overlay")
    return Drift("library", _LIBRARY, environment={"PYTHONPATH": f"{overlay}:{place.repository}"})


def _other_row(place: Place) -> Edit:
    """The row is looked up by the recorded checksum: its number in the file counts the held-out rows too."""
    from datamodules.rows import SplitRows

    wanted = place.checksums[place.changed_row]
    file = place.folder / "data" / "train.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if SplitRows([row["sentence"]], [row["label"]]).checksums[0] == wanted:
            return Edit(file, line, json.dumps({**row, "sentence": f"{row['sentence']} indeed"}))
    raise RuntimeError(f"{file}: no row has the recorded checksum {wanted}")


def installed(overlay: Path) -> Path:
    """Another version of the library in a folder of its own, which is then what Python imports."""
    other = next(number for number in _VERSIONS if number != version(_LIBRARY))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(overlay), f"{_LIBRARY}=={other}"], check=True)
    asked = subprocess.run(
        [sys.executable, "-c", f"import {_LIBRARY} as it; print(it.__version__, it.__file__)"],
        env={**os.environ, "PYTHONPATH": str(overlay)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, file = asked.stdout.split(maxsplit=1)
    assert imported == other, asked.stdout
    assert file.startswith(str(overlay)), asked.stdout
    return overlay


def planted(place: Place, some: tuple[Drift, ...]) -> Found:
    """Check and reproduce under `some` drifts, which are taken back afterwards."""
    with edited([drift.edit for drift in some if drift.edit is not None]):
        check = place.encore("reproduce", place.run_id, "--check", drifts=some)
        again = place.encore("reproduce", place.run_id, drifts=some)
    causes = json.loads(check.stdout) if check.stdout else []
    words = [f"{cause['kind']}: {cause['name']}" for cause in causes]
    if not check.stdout:
        words = [f"failed: {_last_line(check.stderr)}"]
    check_right = check.returncode == (1 if some else 0) and names_first(causes, some)
    if _on_other_rows(some):
        reproduced, right = _last_line(again.stderr), _refused(again, place.changed_row)
    else:
        reproduced, right = _certified(again, some)
    found = Found(some, tuple(words), check_right, reproduced, right)
    print(_row(found), flush=True)
    return found


def _on_other_rows(some: Sequence[Drift]) -> bool:
    return any(drift.kind == "data" for drift in some)


def names_first(causes: Sequence[Mapping[str, Any]], some: Sequence[Drift]) -> bool:
    """Whether no other kind is named, the likelier first, and of each kind first what was planted."""
    firsts: dict[str, str] = {}
    for cause in causes:
        firsts.setdefault(cause["kind"], cause["name"])
    return list(firsts.items()) == [(drift.kind, drift.name) for drift in some]


def _refused(process: subprocess.CompletedProcess[str], row: int) -> bool:
    line = _last_line(process.stderr)
    named = "'train'" in line and f"the first that differs is row {row}," in line
    return process.returncode == 2 and not process.stdout and named


def _certified(process: subprocess.CompletedProcess[str], some: Sequence[Drift]) -> tuple[str, bool]:
    """The verdict, and whether the certificate names the same causes."""
    if not process.stdout:
        return _last_line(process.stderr), False
    certificate = json.loads(process.stdout)
    verdict = certificate["verdict"]
    exits_right = process.returncode == (0 if verdict == "identical" else 1)
    expected = bool(some) or verdict == "identical"
    first = certificate["compared"]["first_difference"]
    words = verdict if first is None else f"{verdict}, from step {first['step']} on"
    return words, exits_right and expected and names_first(certificate["differences"], some)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing"])[-1]


def _row(found: Found) -> list[str]:
    refused = _on_other_rows(found.drifts)
    named = "refused, with split and row" if refused and found.reproduction_right else found.reproduced
    return [
        " + ".join(drift.kind for drift in found.drifts) or "nothing",
        "; ".join(found.checked) or "nothing",
        "yes" if found.check_right else "NO",
        named,
        "yes" if found.reproduction_right else "NO",
    ]


def _shares(found: Sequence[Found], nothing: Found) -> list[list[str]]:
    def share(what: str, right: Sequence[bool]) -> list[str]:
        return [what, f"{sum(right)} of {len(right)} ({100 * sum(right) / len(right):.0f} %)", "100 %"]

    changed = [each.reproduction_right for each in found if _on_other_rows(each.drifts)]
    others = [each.reproduction_right for each in found if not _on_other_rows(each.drifts)]
    undisturbed = nothing.check_right and nothing.reproduction_right
    return [
        share("named first by `reproduce --check`", [each.check_right for each in found]),
        share("other rows: `reproduce` refuses with 2 and names split and first row", changed),
        share("same rows: named first in the certificate of a real reproduction", others),
        share("nothing planted: nothing is named, the reproduction is identical", [undisturbed]),
    ]


def _body(found: Sequence[Found], nothing: Found) -> str:
    headings = ["planted", "named by `--check`, in order", "right", "`reproduce`", "right"]
    return (
        "A short run of demo_reviews on a data folder of its own, in a clone; each drift alone and each pair of "
        "them planted, checked, played again and taken back. Planted are a factor in a line of dropout.py, a word in "
        f"one train row, another `--threads`, {_FLAG}=avx2 and another {_LIBRARY} on PYTHONPATH, which is what gets "
        "imported and changes no number. Right: no other kind is named, the kinds stand in the documented order, and "
        "of each the planted one is first (a tokenizer trained on the rows changes with them).\n\n"
        + table(["what", "measured", "wanted"], _shares(found, nothing))
        + "\n\n"
        + table(headings, [_row(each) for each in (*found, nothing)])
    )
