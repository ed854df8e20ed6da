"""The certificate says by itself what was played again, when, on what and with which code."""

from __future__ import annotations

from typing import Any

from experiments.reproduction.certificate import Played, as_markdown, certificate
from experiments.reproduction.verdict import Comparison, Tolerance
from runs.differences import find_causes
from runs.environment import RunEnvironment
from tracking.entities import RunRecord

MARKUP = "<script>|`[x](y)`\n# Identical\x1b[31m"


def played(run_id: str, name: str, torch: str, digest: str) -> Played:
    provenance: dict[str, Any] = {
        "code": {"commit": "c" * 40, "dirty": False, "tree_digest": "t", "files": {}},
        "distributions": {"torch": torch, "encore-harness": "1.2.3", "aiohttp": "9.9"},
        "lock_digest": "l",
        "python": "CPython 3.11.7",
        "platform": "Linux-6.1",
        "machine": {"cpu_model": f"AMD {name}", "cpu_flags": [], "gpus": [{"name": "NVIDIA H100"}]},
        "torch": None,
        "environment": {},
    }
    record = RunRecord(run_id, name, "demo", "finished", {}, {}, {}, 1_700_000_000_000, None, None, "")
    return Played(record, RunEnvironment(provenance, {}, {}, {}), {"weights/last": digest})


def told(name: str = "t11") -> tuple[dict[str, Any], str]:
    then, now = played("aa11", name, "2.12", "0" * 64), played("bb22", name, "2.13", "1" * 64)
    causes = find_causes(then.environment, now.environment)
    compared = Comparison("within tolerance", {"weights/last": False}, 3, 9, None, 0.0, {}, {})
    content = certificate(then, now, compared, causes, Tolerance())
    return content, as_markdown(content)


def test_a_reader_learns_from_it_alone_what_was_played_again_where() -> None:
    content, page = told()
    for line in (
        "# Within tolerance",
        "| run | aa11 | bb22 |",
        "| started | 2023-11-14T22:13:20+00:00 | 2023-11-14T22:13:20+00:00 |",
        "| processor | AMD t11 | AMD t11 |",
        "| GPUs | NVIDIA H100 | NVIDIA H100 |",
        "| commit | cccccccccccc | cccccccccccc |",
        "| python | CPython 3.11.7 | CPython 3.11.7 |",
        "| encore-harness | 1.2.3 | 1.2.3 |",
        "| torch | 2.12 | **2.13** |",
        f"| weights/last | {'0' * 64} | **{'1' * 64}** |",
        "- library: torch: 2.12 then, 2.13 now",
    ):
        assert line in page.splitlines(), line
    assert "aiohttp" not in page  # of no number
    assert content["actual"]["commit"] == "c" * 40


def test_names_from_a_store_are_text() -> None:
    page = told(MARKUP)[1]
    assert "<script>" not in page
    assert "\x1b" not in page
    assert page.splitlines().count("# Identical") == 0
    assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in page.splitlines())
