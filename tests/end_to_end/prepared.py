"""A store that somebody prepared: its database and its files say what they like, all digests made anew."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from experiments.loading import load_experiment
from experiments.reproduction.fork import fork
from experiments.stories.generate import generate, trained_writer
from experiments.training.train import train
from generation.options import DecodingConfig
from host.files import entries, file_digest
from runs.files import run_named
from runs.layout import DIGESTS_FILE, PROVENANCE_FILE, RESULT_FILE
from tests.killed import killed_at
from tests.processes import inside
from tests.tiny import REPEATED_CLASSIFIER, REPEATED_LANGUAGE
from tracking.artifacts import digests_of
from tracking.manifest import MANIFEST_FILE, MANIFEST_SEAL, manifest_text, seal_tag
from tracking.store import Store


@dataclass(frozen=True)
class Prepared:
    """A store and its runs by what they are."""

    root: Path
    runs: dict[str, str]

    def copied(self, root: Path) -> Prepared:
        shutil.copytree(self.root, root)
        return Prepared(root, self.runs)

    def folder(self, name: str) -> Path:
        return next((self.root / "artifacts").glob(f"*/{self.runs[name]}")) / "artifacts"

    def sql(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.root / "mlflow.db")) as connection, connection:
            connection.execute(statement, values)

    def tag(self, name: str, key: str, value: str) -> None:
        self.sql(
            "INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", key, value, self.runs[name]
        )

    def sealed(self, name: str) -> None:
        """Every digest of a run made anew for what is there now, where it can be."""
        folder = self.folder(name)
        for file in (PROVENANCE_FILE, RESULT_FILE, DIGESTS_FILE):
            if (folder / file).is_file():
                self.tag(name, seal_tag(file), file_digest(folder / file))
        found = {path: entry.path for path, entry in entries(folder).items() if entry.kind == "file"}
        found.pop(MANIFEST_FILE, None)
        (folder / MANIFEST_FILE).write_text(manifest_text(digests_of(found)))
        self.tag(name, MANIFEST_SEAL, file_digest(folder / MANIFEST_FILE))


def prepare(root: Path, migrated: Path) -> Prepared:
    """A finished run of each family, a fork, a killed run, and stories."""
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    classified = train(load_experiment("demo_reviews", REPEATED_CLASSIFIER), store).run_id
    language = load_experiment("demo_stories", [*REPEATED_LANGUAGE, "samples.decoding.max_length=20"])
    told = train(language, store).run_id
    quick = "export.when=never"
    forked = fork(run_named(store, classified), "best", [quick, "train.max_steps=12"]).run_id
    with killed_at(6):
        train(
            load_experiment("demo_reviews", [*REPEATED_CLASSIFIER, quick, "train.checkpoint_every_steps=2"]),
            store,
        )
    source = trained_writer(run_named(store, told), "torch", threads=1)
    stories = generate(source, ["Once", "One day"], DecodingConfig(max_length=20)).run_id
    runs = {"classifier": classified, "language model": told, "fork": forked, "stories": stories}
    killed = next(run.run_id for run in store.runs() if run.status == "FAILED")
    return Prepared(root, {**runs, "killed": killed})


def encore(root: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it said on stderr."""
    done = inside(*arguments, "--root", root)
    return done.returncode, done.stderr
