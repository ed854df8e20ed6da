"""One trained run with its exports, the bundles of it, and servers of these; made once for a session, never altered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.training.train import train
from runs.bundling import bundle_of
from runs.files import RunFiles, run_named
from serving.bundle import read_bundle
from serving.service import WriterService, service_of
from tests.serving.servers import Running, serving
from tests.tiny import ANY_EXPORT, small_classifier, small_writer
from tracking.store import Store


@pytest.fixture(scope="session")
def served_store(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("serving") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    return Store.open(root)


@pytest.fixture(scope="session")
def exported_run(served_store: Store) -> RunFiles:
    found = train(small_classifier(*ANY_EXPORT), served_store)
    return run_named(served_store, found.run_id)


@pytest.fixture(scope="session")
def writing_run(served_store: Store) -> RunFiles:
    """Of a language model with a context of 512 tokens."""
    found = train(small_writer(*ANY_EXPORT), served_store)
    return run_named(served_store, found.run_id)


@pytest.fixture(scope="session")
def story_bundle(writing_run: RunFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "stories"
    bundle_of(writing_run, "int8", folder)
    return folder


@pytest.fixture(scope="session")
def story_server(story_bundle: Path) -> Iterator[Running]:
    with serving(story_bundle) as running:
        yield running


@pytest.fixture(scope="session")
def int8_bundle(exported_run: RunFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "int8"
    bundle_of(exported_run, "int8", folder)
    return folder


@pytest.fixture(scope="session")
def fp32_bundle(exported_run: RunFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "fp32"
    bundle_of(exported_run, "fp32", folder)
    return folder


@pytest.fixture(scope="session")
def int8_server(int8_bundle: Path) -> Iterator[Running]:
    with serving(int8_bundle) as running:
        yield running


@pytest.fixture
def service(story_bundle: Path) -> WriterService:
    """A writer for a server of this process."""
    found = service_of(read_bundle(story_bundle), threads=1, mode="warn")
    assert isinstance(found, WriterService)
    return found
