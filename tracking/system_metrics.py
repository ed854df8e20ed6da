"""What the machine does while a run goes on: processor, memory, accelerators."""

from __future__ import annotations

import psutil

from host.gpu import gpus

_MIB = 2**20


class SystemSampler:
    """Samples the machine; each call covers the time since the one before.

    Metrics, all under `system/`: `cpu_percent` of all cores together, `process_cpu_percent` of one
    core (200 is two cores busy), `process_rss_mib`, `memory_available_mib`, and for each NVIDIA GPU
    `gpu<i>_percent` and `gpu<i>_memory_mib`.
    """

    def __init__(self) -> None:
        self._process: psutil.Process | None = None

    def __call__(self) -> dict[str, float]:
        if self._process is None:  # the first call of each starts the interval
            self._process = psutil.Process()
            self._process.cpu_percent()
            psutil.cpu_percent()
        values = {
            "system/cpu_percent": psutil.cpu_percent(),
            "system/process_cpu_percent": self._process.cpu_percent(),
            "system/process_rss_mib": self._process.memory_info().rss / _MIB,
            "system/memory_available_mib": psutil.virtual_memory().available / _MIB,
        }
        for index, gpu in enumerate(gpus()):
            values[f"system/gpu{index}_percent"] = float(gpu.busy_percent)
            values[f"system/gpu{index}_memory_mib"] = gpu.used_mib
        return values
