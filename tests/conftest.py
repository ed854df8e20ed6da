"""What all tests share: offline, one torch thread per process, real data only where it is named."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from benchmarks.mlflow_server import MlflowServer, free_port_here
from datamodules.bundled.reviews import generate_reviews
from datamodules.bundled.stories import generate_stories
from host import notices
from tracking import provenance
from tracking.store import Store

# Read by the libraries when they are imported, so set before any test module is.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"  # a training of several threads shares the cores with other tests
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)

REPOSITORY = Path(__file__).resolve().parent.parent

# A busy machine is no fault of the code: nothing is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-data",
        default=os.environ.get("ENCORE_DATA", str(REPOSITORY.parent / "shared")),
        help="folder with data/ and models/; the default is ENCORE_DATA, else a folder beside the checkout",
    )


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """The folder with data/sst2 and models/minilm-distilbert; skips where there is none."""
    folder = Path(request.config.getoption("--real-data"))
    if not (folder / "data" / "sst2").is_dir():
        pytest.skip(f"no real data in {folder}; name a folder with --real-data or ENCORE_DATA")
    return folder


@pytest.fixture(autouse=True)
def _notices_are_new() -> None:
    """What one test was told, the next one is told again."""
    notices._say_once.cache_clear()


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What this machine has recorded is kept apart from what the tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """What every training of a process reads alike, the bundled corpora and the versions of packages, is read once."""
    reviews, stories, versions = cache(generate_reviews), cache(generate_stories), provenance._distributions
    on_path = cache(lambda _: versions())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datamodules.classification.generate_reviews", reviews)
        patch.setattr("datamodules.stories.generate_stories", stories)
        patch.setattr(provenance, "_distributions", lambda: dict(on_path(tuple(sys.path))))
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One migrated database for the session, copied for each test: a fresh one costs seconds."""
    root = tmp_path_factory.mktemp("migrated") / "mlruns"
    Store.open(root, f"sqlite:///{root / 'mlflow.db'}")
    return root / "mlflow.db"


@pytest.fixture(scope="module")
def shared(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that the tests of one file share."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(migrated, folder / "mlflow.db")
    return Store.open(folder)


@pytest.fixture
def root(migrated: Path, tmp_path: Path) -> Path:
    """An mlruns folder with an empty store in it; its path has a space and a percent sign."""
    folder = tmp_path / "my 100% runs" / "mlruns"
    folder.mkdir(parents=True)
    shutil.copy(migrated, folder / "mlflow.db")
    return folder


@pytest.fixture
def store(root: Path) -> Store:
    return Store.open(root)


@pytest.fixture
def free_port() -> int:
    return free_port_here()


@pytest.fixture(scope="session")
def server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(migrated, folder / "mlflow.db")
    running = MlflowServer(folder)
    running.start()
    yield running
    running.stop()
