"""One store with a run of each kind for all tests that alter what runs left; made once for a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.prepared import Prepared, prepare


@pytest.fixture(scope="session")
def whole(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Never to be altered: `whole.copied(folder)` may be."""
    return prepare(tmp_path_factory.mktemp("whole") / "mlruns", migrated)
