"""Runs played again elsewhere: at their own commit and lock, from a copied store, from an MLflow server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.clone import Edit, clone, commit, encore, git
from benchmarks.mlflow_server import MlflowServer
from benchmarks.results import table, write_section

_RUN = ("train.max_steps=60", "data.train_examples=400", "data.selection_examples=100", "model.dropout=0.1",
        "export.max_accuracy_drop=1")  # fmt: skip
_OTHER_LOCK = ("safetensors==0.8.0", "safetensors==0.7.0")
_RENAMED = ("weight_decay", "epsilon", "beta1")


def measure() -> None:
    """Writes the section."""
    with TemporaryDirectory(prefix="encore-elsewhere-") as folder:
        rows = [*_at_commit(Path(folder) / "commit"), *_copied(Path(folder) / "copied")]
        rows += _served(Path(folder) / "served")
    write_section(
        "Played again elsewhere",
        "python -m benchmarks elsewhere",
        "A demo_reviews run of 60 steps with its exports. At its commit: made with an uncommitted change and "
        f"{_OTHER_LOCK[1]} in its lock; then the change is undone, the lock put back, and three commits rename fields "
        "of the config, so that the last one's program cannot read the recorded config; the recorded lock is installed "
        "from the package index. The second run of that commit is made in the environment that the first's "
        "reproduction installed.\n\n" + table(["what", "verdict", "differs around it", "wanted"], rows),
    )


def _row(what: str, process: subprocess.CompletedProcess[str]) -> list[str]:
    if not process.stdout:
        return [what, process.stderr.strip().splitlines()[-1], "", "identical"]
    certificate = json.loads(process.stdout)
    causes = [f"{cause['kind']} {cause['name']}" for cause in certificate["differences"]]
    print(what, certificate["verdict"], causes, flush=True)
    return [what, certificate["verdict"], ", ".join(causes) or "nothing", "identical"]


def _at_commit(folder: Path) -> list[list[str]]:
    repository = clone(folder / "repository")
    store = ("--root", str(folder / "mlruns"), "--json")
    caches = {"XDG_CACHE_HOME": str(folder / "cache")}  # of installed locks; they are no part of a store
    Edit(repository / "requirements.lock", *_OTHER_LOCK).make()
    commit(repository, "another lock")
    change = Edit(
        repository / "lightning_modules" / "kernels" / "dropout.py", "_LEVELS / (", "1.001 * _LEVELS / ("
    )
    change.make()
    first = _train(repository, store)
    git(repository, "checkout", "-q", "--", ".")
    made_at = git(repository, "rev-parse", "HEAD").strip()
    Edit(repository / "requirements.lock", *reversed(_OTHER_LOCK)).make()
    for field in _RENAMED:
        room = repository / "lightning_modules"
        Edit(room / "settings.py", f"    {field}:", f"    renamed_{field}:").make()
        Edit(room / "optimisation.py", f"config.{field}", f"config.renamed_{field}").make()
        commit(repository, f"rename {field}")
    rows = [
        _row(
            "--at-commit, 3 commits and a schema later",
            encore(repository, "reproduce", first, "--at-commit", *store, environment=caches),
        )
    ]
    (python,) = (folder / "cache" / "encore" / "environments").glob("*/bin/python")
    git(repository, "checkout", "-q", made_at)
    second = _train(repository, store, python=str(python))
    git(repository, "checkout", "-q", "-")
    again = encore(repository, "reproduce", second, "--at-commit", *store, environment=caches)
    return [*rows, _row("the same, of a run made with that lock installed", again)]


def _train(repository: Path, store: tuple[str, ...], *, python: str = sys.executable) -> str:
    made = encore(repository, "train", "demo_reviews", *_RUN, "--again", *store, python=python)
    return str(_json(made)["run_id"])


def _json(process: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    if not process.stdout:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout)


def _copied(folder: Path) -> list[list[str]]:
    repository = clone(folder / "repository")
    made = _train(repository, ("--root", str(folder / "mlruns"), "--json"))
    shutil.copytree(folder / "mlruns", folder / "another place" / "runs")
    shutil.rmtree(folder / "mlruns")
    store = ("--root", str(folder / "another place" / "runs"), "--json")
    return [
        _row(
            "the store copied to another folder, the old one gone",
            encore(repository, "reproduce", made, *store),
        )
    ]


def _served(folder: Path) -> list[list[str]]:
    repository = clone(folder / "repository")
    with _server(folder / "server") as address:
        here, elsewhere = (("--root", str(folder / name), "--json") for name in ("here", "elsewhere"))
        environment = {"MLFLOW_TRACKING_URI": address}
        made = str(
            _json(encore(repository, "train", "demo_reviews", *_RUN, *here, environment=environment))[
                "run_id"
            ]
        )
        shutil.rmtree(folder / "here")
        again = encore(repository, "reproduce", made, *elsewhere, environment=environment)
        return [_row("made and played again through an MLflow server, from two folders", again)]


@contextmanager
def _server(folder: Path) -> Generator[str]:
    """The address of a real MLflow server over a store of its own."""
    folder.mkdir(parents=True)
    server = MlflowServer(folder)
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()
