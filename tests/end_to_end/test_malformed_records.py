"""Each file of a record mutated and every digest made anew: a line, a check that does not hold, or an ordinary result.

ENCORE_MUTATIONS: how many mutations of each file the slow test tries.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.end_to_end.prepared import Prepared, encore

_EACH = int(os.environ.get("ENCORE_MUTATIONS", "2"))

WHOLE: tuple[bytes, ...] = (
    b"", b"[]", b"{}", b"null", b"7", b'"x"', b"NaN", b"{", b"\xff\xfe", b"[" * 1_000 + b"]" * 1_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"9" * 5_000, b'{"metrics": {"a": 1e999}}', b'["\\ud800"]',
    b'{"files": {"../x": 1}}', b"\0" * 100,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, [], {}, "", "x", "../../x", "/etc/passwd", -1, 0, 1.5, True, 10**30, 10**400, float("nan"), float("inf"),
    [None], {"a": None}, [[[]]], "\u202e\x1b[2J", "a" * 10_000, {"../x": "y"},
)  # fmt: skip

Verb = tuple[str, ...]


def _quick_verbs(store: Prepared, name: str) -> list[Verb]:
    """Those that read a record and train nothing."""
    run = store.runs[name]
    if name == "stories":
        return [("verify", run), ("show", run), ("story", f"{run}#0"), ("runs",)]
    other = store.runs["killed"]
    verbs: list[Verb] = [
        ("verify", run),
        ("diff", run, other),
        ("reproduce", run, "--check"),
        ("resume", run),
    ]
    verbs += [("fork", f"{run}@last"), ("show", run)]
    return [*verbs, ("generate", run)] if name == "language model" else verbs


def _long_verbs(store: Prepared, name: str) -> list[Verb]:
    """Those that train or export when nothing is wrong."""
    run = store.runs[name]
    match name:
        case "stories":
            return []
        case "killed":
            return [("resume", run), ("fork", f"{run}@best", "train.max_steps=12")]
        case "language model":
            variants = [
                ("generate", run, "--variant", "int8"),
                ("sweep", "tinystories_decoding", f"run={run}", "budget.trials=1", "stories=4"),
            ]
            return [("export", run), *variants, ("reproduce", run), ("story", f"{run}#0")]
        case _:
            return [("export", run), ("reproduce", run), ("fork", f"{run}@best", "train.max_steps=12")]


def _endures(store: Prepared, verbs: list[Verb], what: str) -> list[str]:
    """What of `verbs` ended in a fault, or in more than a line."""
    faults: list[str] = []
    for verb in verbs:
        code, told = encore(store.root, *verb)
        last = (told.strip().splitlines() or [""])[-1]
        if code not in {0, 1, 2} or "Traceback" in told or (code == 2 and not last.startswith("encore: ")):
            faults.append(f"{what}: {' '.join(verb)} ended with {code}: {last[:300]}")
        if code == 2 and len(last) > 1_000:
            faults.append(f"{what}: {' '.join(verb)} said {len(last)} characters")
    return faults


def _mutated(content: Any, chance: random.Random) -> Any:
    """A copy with one value replaced, taken out, or given another name."""
    changed = copy.deepcopy(content)
    places = list(_places(changed))
    table, key = chance.choice(places)
    match chance.randrange(8):
        case 0:
            del table[key]
        case 1 if isinstance(table, dict):
            table[chance.choice(["../../x", "", "/x", "\0", "a" * 5_000])] = table.pop(key)
        case _:
            table[key] = chance.choice(VALUES)
    return changed


def _places(content: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every (table, key); of a long one its first few."""
    keys = list(content)[:25] if isinstance(content, dict) else list(range(min(len(content), 3)))
    for key in keys:
        yield content, key
        if isinstance(content[key], (dict, list)) and depth < 4:
            yield from _places(content[key], depth + 1)


def _written(content: Any) -> bytes:
    return json.dumps(content, default=str).encode()


FILES = [
    (name, file)
    for name, files in {
        "classifier": ("config", "provenance", "result", "digests"),
        "language model": ("config", "provenance", "result", "digests"),
        "fork": ("config", "provenance"),
        "killed": ("config", "provenance"),
    }.items()
    for file in (f"run/{file}.json" for file in files)
]
FILES += [("classifier", "export/report.json"), ("language model", "export/report.json")]
FILES += [("language model", "samples/stories.json"), ("stories", "stories/request.json"),
          ("stories", "stories/stories.json")]  # fmt: skip


def _cases(original: bytes, seed: str, count: int) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311
    drawn = [_written(_mutated(json.loads(original), chance)) for _ in range(count)]
    return [*chance.sample(WHOLE, min(count, len(WHOLE))), *drawn]


def _tried(store: Prepared, name: str, file: str, contents: list[bytes]) -> list[str]:
    path = store.folder(name) / file
    original = path.read_bytes()
    faults: list[str] = []
    for number, content in enumerate(contents):
        path.unlink()
        path.write_bytes(content)
        store.sealed(name)
        verbs = _quick_verbs(store, name) + (_long_verbs(store, name) if number % 2 else [])
        faults += _endures(store, verbs, f"{name} {file} {content[:80]!r}")
    path.write_bytes(original)
    return faults


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), FILES)
def test_no_mutation_of_a_record_is_a_fault(whole: Prepared, tmp_path: Path, name: str, file: str) -> None:
    store = whole.copied(tmp_path / "mlruns")
    cases = _cases((store.folder(name) / file).read_bytes(), f"{name} {file}", _EACH)
    assert _tried(store, name, file, cases) == []


@pytest.mark.parametrize("file", ["run/manifest.json"])
@pytest.mark.parametrize("content", [b"[]", b'{"files": []}', b'{"files": {"a": 1}}', b"[" * 1_000, b"{}"])
def test_a_manifest_that_is_none_is_named(whole: Prepared, tmp_path: Path, file: str, content: bytes) -> None:
    store = whole.copied(tmp_path / "mlruns")
    (store.folder("classifier") / file).write_bytes(content)
    from host.files import file_digest

    store.tag("classifier", f"encore.sha256/{file}", file_digest(store.folder("classifier") / file))
    assert encore(store.root, "verify", store.runs["classifier"])[0] == 1
    assert _endures(store, _long_verbs(store, "classifier")[:1], file) == []


def _object_rows(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _huge_header(path: Path) -> None:
    np.save(path, np.zeros(3, dtype=np.uint64))
    data = path.read_bytes().replace(b"'shape': (3,), }         ", b"'shape': (999999999999,),")
    path.write_bytes(data)


def _square(path: Path) -> None:
    np.save(path, np.zeros((2, 2)))


def _texts(path: Path) -> None:
    pd.DataFrame({"label": ["a"], "prediction": [{"b": 1}], "loss": [[1.0]]}).to_parquet(path)


def _nothing_known(path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(path)


def _no_rows(path: Path) -> None:
    pd.DataFrame({"label": [], "prediction": [], "loss": [], "nll": [], "tokens": []}).to_parquet(path)


def _odd_numbers(path: Path) -> None:
    values = {"label": [2**62, -5], "prediction": [float("nan"), float("inf")], "loss": [float("nan")] * 2}
    pd.DataFrame(values).to_parquet(path)


def _not_a_table(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"\0" * 64 + b"PAR1")


def _checkpoint(content: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        torch.save(content, path)

    return write


def _edited_checkpoint(key: str, value: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        content = torch.load(path, weights_only=True)
        content[key] = value
        torch.save(content, path)

    return write


ROWS, ANSWERS = "run/rows/train.npy", "predictions/test/predictions.parquet"
# Of the verbs that take long, those that open such a file; none of them opens the answers of an export.
READERS = {
    "run": {"reproduce", "fork"},
    "predictions": {"reproduce"},
    "export": set[str](),
    "checkpoints": {"resume", "fork"},
}
BINARY: list[tuple[str, str, Callable[[Path], None]]] = [
    *(("classifier", ROWS, write) for write in (_object_rows, _huge_header, _square, _not_a_table)),
    *((name, file, write) for name in ("classifier", "language model")
      for file in (ANSWERS, "export/predictions.parquet")
      for write in (_texts, _nothing_known, _no_rows, _odd_numbers, _not_a_table)),
    *((name, f"checkpoints/{file}.ckpt", write)
      for name, file in (("classifier", "best"), ("killed", "last"), ("killed", "best"))
      for write in (
          _checkpoint([]), _checkpoint({}), _checkpoint({"global_step": "x"}),
          _edited_checkpoint("loops", {}), _edited_checkpoint("optimizer_states", [{}]),
          _edited_checkpoint("optimizer_states", [{"state": {}, "param_groups": [{}]}]),
          _edited_checkpoint("state_dict", {"model.x": torch.zeros(3)}), _edited_checkpoint("callbacks", {}),
          _edited_checkpoint("lr_schedulers", []), _edited_checkpoint("global_step", -3),
          _edited_checkpoint("global_step", 2**62),
      )),
    ("fork", "run/start/start.ckpt", _checkpoint({})),
    ("fork", "run/start/start.ckpt", _edited_checkpoint("callbacks", {"Checkpoints": {"random": 1}})),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BINARY)))
def test_no_table_and_no_checkpoint_is_a_fault(whole: Prepared, tmp_path: Path, number: int) -> None:
    name, file, write = BINARY[number]
    store = whole.copied(tmp_path / "mlruns")
    path = store.folder(name) / file
    path.rename(tmp_path / path.name)  # a hard link may be two of the run's files
    path.write_bytes((tmp_path / path.name).read_bytes())
    write(path)
    store.sealed(name)
    long = [verb for verb in _long_verbs(store, name) if verb[0] in READERS[file.partition("/")[0]]]
    assert _endures(store, _quick_verbs(store, name) + long, f"{name} {file} {write.__name__}") == []
