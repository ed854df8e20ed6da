"""NVIDIA GPUs as their driver shows them (NVML), so that torch need not be loaded to ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pynvml

_MIB = 2**20


@dataclass(frozen=True)
class Gpu:
    """One GPU. busy_percent: share of the last moments in which a kernel ran. 0: the driver gives no value."""

    name: str
    driver: str
    total_mib: float
    used_mib: float
    busy_percent: int


@cache
def _has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no library, no driver, no permission
        return False
    return True


def gpus() -> list[Gpu]:
    """The GPUs that the driver shows; empty where there is none."""
    if not _has_driver():
        return []
    return [_read(index) for index in range(pynvml.nvmlDeviceGetCount())]


def _read(index: int) -> Gpu:
    device = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory: Any = pynvml.nvmlDeviceGetMemoryInfo(
        device
    )  # a structure whose fields the checker takes for texts
    try:
        busy: Any = pynvml.nvmlDeviceGetUtilizationRates(device).gpu
    except pynvml.NVMLError:  # a MIG slice has no such figure
        busy = 0
    name, driver = pynvml.nvmlDeviceGetName(device), pynvml.nvmlSystemGetDriverVersion()
    return Gpu(str(name), str(driver), memory.total / _MIB, memory.used / _MIB, int(busy))
