"""Whatever /openapi.json allows, and what it does not, is answered as it says: never with a fault of the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.servers import Running

CASES = 60  # of each route; `python -m benchmarks serving` asks many more


@pytest.mark.slow
def test_schemathesis_finds_nothing(int8_server: Running, tmp_path: Path) -> None:
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("python")), "-m", "schemathesis.cli", "run",
            f"{int8_server.address}/openapi.json", "--checks", "all", "--max-examples", str(CASES),
            "--no-color",
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=dict(os.environ), timeout=300,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-4000:]
