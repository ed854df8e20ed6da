"""The page of results: one section per part, rewritten by the command that measures it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parent / "results.md"
_HEAD = """# Results

Every section was written by the command it names, on the machine it names. Times on a shared machine are noisy:
ratios of runs that alternate in one process hold better than seconds.
"""


def machine() -> str:
    """One line: processor, instruction sets that matter, cores, memory, versions."""
    import psutil
    import torch

    from tracking.provenance import collect

    found = collect(PAGE.parent.parent).machine
    flags = [
        flag for flag in found.cpu_flags if flag in {"avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}
    ]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{found.cpu_model} ({', '.join(flags) or 'no AVX-512'}), {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def commit() -> str:
    """The short name of the one that is checked out."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=PAGE.parent.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip()


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write_section(title: str, command: str, body: str) -> None:
    """Replace, or add, the section `title` of the page, and print it."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else _HEAD
    section = f"## {title}\n\n`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine()}.\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: section + "\n", text)
    else:
        text = text.rstrip() + "\n\n" + section
    PAGE.write_text(text.rstrip() + "\n", encoding="utf-8")
    print(section)
