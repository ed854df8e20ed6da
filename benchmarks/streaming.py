"""Memory of the set-up of a text file of many stories, which is read, held out, tokenized and fingerprinted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import table, write_section

SIZES_MIB = (128, 2048)
SET_UP = """
import sys
from pathlib import Path
from benchmarks.streaming import set_up
set_up(Path(sys.argv[1]))
"""


def set_up(folder: Path) -> None:
    """Everything that a run does with its data before the first batch."""
    from experiments.build import build_data
    from experiments.loading import load_experiment

    config = load_experiment("tinystories_small", [f"data.path={folder}", "data.selection_examples=100"])
    data = build_data(config, cache_dir=folder / "cache")
    order = data.train_order()
    data.fingerprints()
    checksums = [len(rows.checksums) for rows in data.rows.values()]
    print(len(order), checksums)


def measure(real_data: Path) -> None:
    """The peak of memory that is not a file's, at two sizes; writes the section."""
    import pandas as pd

    texts = pd.read_parquet(real_data / "data" / "tinystories" / "train.parquet")["text"].tolist()
    rows: list[list[object]] = []
    for size in SIZES_MIB:
        with TemporaryDirectory(prefix="encore-bench-") as scratch:
            folder = Path(scratch) / "stories"
            stories = write_stories(texts, folder, size * 2**20)
            seconds, peak = peak_of([sys.executable, "-c", SET_UP, str(folder)])
            rows.append(
                [f"{size:,} MiB", f"{stories:,}", f"{seconds / 60:.1f} min", f"{peak / 2**20:,.0f} MiB"]
            )
            print(rows[-1], flush=True)
            shutil.rmtree(scratch, ignore_errors=True)
    body = (
        "A train.txt of stories between separators, each a real one with another beginning; set up as "
        "tinystories_small is, in a process of its own. Memory is RssAnon, which leaves out pages of mapped files.\n\n"
        + table(["train.txt", "stories", "time", "most memory"], rows)
    )
    write_section("Streaming", "python -m benchmarks streaming", body)


def write_stories(texts: Sequence[str], folder: Path, size: int) -> int:
    """`size` bytes of distinct stories, and a validation file; how many there are."""
    words = sorted({word for text in texts[:50] for word in text.split() if word.isalpha()})[:60]
    folder.mkdir(parents=True)
    written = number = 0
    with (folder / "train.txt").open("w", encoding="utf-8") as file:
        while written < size:
            written += file.write(f"{_numeral(number, words)}. {texts[number % len(texts)]}\n<|endoftext|>\n")
            number += 1
    (folder / "validation.txt").write_text("\n<|endoftext|>\n".join(texts[:200]), encoding="utf-8")
    return number


def _numeral(number: int, words: Sequence[str]) -> str:
    """A number in words, of which there are few: a new word each time would be a vocabulary that grows."""
    digits = [words[number // len(words) ** place % len(words)] for place in range(4)]
    return " ".join(digits)


def peak_of(command: list[str]) -> tuple[float, int]:
    """Seconds of a process and the most anonymous memory that it had, in bytes."""
    begun = time.perf_counter()
    process = subprocess.Popen(command)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            kib = next((line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")), "0")
            peak = max(peak, int(kib) * 1024)
            time.sleep(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    code = process.wait()
    watching.join()
    assert code == 0, f"{command} ended with {code}"
    return time.perf_counter() - begun, peak
