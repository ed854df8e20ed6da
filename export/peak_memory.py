"""How much memory a process needs that has loaded a variant and made its largest call: one of its own for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from errors import RunError
from export.session import OnnxModel

if TYPE_CHECKING:
    from export.latency_grid import Shape
    from export.options import ExportOptions
    from export.scoring import LoadedVariant

_STATUS = Path("/proc/self/status")
_PEAK = "VmHWM:"  # the kernel's high-water mark of resident memory, in KiB
_ROOMS = Path(__file__).parents[1]
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); from export.peak_memory import tell; tell(*sys.argv[2:])"
)
_MOST_SECONDS = 600


def peak_memories(
    variants: Sequence[LoadedVariant], shape: Shape, *, options: ExportOptions
) -> dict[str, float]:
    """The metric `export/<variant>/peak_memory_mib` of each exported variant; none where the system does not tell."""
    if not _STATUS.is_file():
        return {}
    threads = options.asked.threads
    return {
        f"export/{variant.name}/peak_memory_mib": _peak_mib(variant.path.parent, shape, threads)
        for variant in variants
    }


def _peak_mib(folder: Path, shape: Shape, threads: int) -> float:
    """MiB that a new process has taken at most, onnxruntime and Python included, when it has loaded the variant in
    `folder` and answered once. RunError where it fails."""
    asked = [str(_ROOMS), str(folder), str(shape.batch), str(shape.tokens), str(threads)]
    command = [sys.executable, "-P", "-c", _CHILD, *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_MOST_SECONDS)
        return int(done.stdout) / 1024
    except (subprocess.SubprocessError, ValueError) as error:
        told = getattr(error, "stderr", None) or str(error)
        raise RunError(
            f"its memory cannot be measured ({str(told).strip().splitlines()[-1][:200]})",
            where=str(folder),
            cure="Look whether there is memory for a second process with this model.",
        ) from error


def tell(folder: str, batch: str, tokens: str, threads: str) -> None:
    """Of this process, on stdout: the peak in KiB after one call, with ids that any vocabulary has."""
    import numpy as np

    model = OnnxModel(Path(folder), threads=int(threads))
    model.logits(np.zeros((int(batch), int(tokens)), dtype=np.int64))
    peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith(_PEAK))
    print(peak.split()[1])  # noqa: T201 what the parent reads
