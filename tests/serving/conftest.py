"""One trained run with its exports, the bundles of it, and servers of these; made once for a session, never altered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.training.train import train
from runs.bundling import bundle_of
from runs.files import RunFiles, run_named
from tests.serving.servers import Running, serving
from tests.tiny import ANY_EXPORT, small_classifier
from tracking.store import Store


@pytest.fixture(scope="session")
def exported_run(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    root = tmp_path_factory.mktemp("serving") / "mlruns"
    root.mkdir()
    shutil.copy(migrated, root / "mlflow.db")
    store = Store.open(root)
    found = train(small_classifier(*ANY_EXPORT), store)
    return run_named(store, found.run_id)


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
