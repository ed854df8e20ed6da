"""Whatever /openapi.json allows, and what it does not, is answered as it says: never with a fault of the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serving.contract import asked
from tests.serving.servers import Running

CASES = 60  # of each route; `python -m benchmarks serving` asks many more


@pytest.mark.slow
@pytest.mark.parametrize("server", ["int8_server", "story_server"])
def test_schemathesis_finds_nothing(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    running: Running = request.getfixturevalue(server)
    code, said = asked(running.port, CASES, tmp_path, stories=server == "story_server", timeout_s=300)
    assert code == 0, said[-4000:]
