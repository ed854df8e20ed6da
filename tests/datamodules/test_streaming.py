"""Memory of a corpus that is set up from a text file: it must not grow with the text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.streaming import SET_UP, peak_of, write_stories
from datamodules.bundled.stories import generate_stories


@pytest.mark.slow
def test_five_times_the_text_needs_hardly_more_memory(tmp_path: Path) -> None:
    texts = [story["text"] for story in generate_stories(sizes={"train": 1500})["train"]]
    peaks: list[int] = []
    for size in (4, 20):
        write_stories(texts, tmp_path / str(size), size * 2**20)
        peaks.append(peak_of([sys.executable, "-c", SET_UP, str(tmp_path / str(size))])[1])
    # 16 MiB more of text; in lists of strings and of ids it would be some 150 MiB more.
    assert peaks[1] - peaks[0] < 48 * 2**20, [f"{peak / 2**20:.0f} MiB" for peak in peaks]
