"""Whatever /openapi.json allows, and what it does not, is answered as it says: never with a fault of the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.servers import Running

CASES = 60  # of each route; `python -m benchmarks serving` asks many more

# Prompt and most tokens, and prompts and n, have limits together, which a schema cannot say; no other model is served.
_ALLOWED = """
[checks.positive_data_acceptance]
expected-statuses = [200, 401, 404, 422]
"""


@pytest.mark.slow
@pytest.mark.parametrize("server", ["int8_server", "story_server"])
def test_schemathesis_finds_nothing(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    running: Running = request.getfixturevalue(server)
    if server == "story_server":
        (tmp_path / "schemathesis.toml").write_text(_ALLOWED)
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("python")), "-m", "schemathesis.cli", "run",
            f"{running.address}/openapi.json", "--checks", "all", "--max-examples", str(CASES),
            "--no-color",
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=dict(os.environ), timeout=300,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-4000:]
