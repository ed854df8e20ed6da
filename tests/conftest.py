"""What all tests share: offline, one torch thread per process, real data only where it is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Read by the libraries when they are imported, so set before any test module is.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)

REPOSITORY = Path(__file__).resolve().parent.parent


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
