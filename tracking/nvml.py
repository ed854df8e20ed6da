"""NVIDIA GPUs through the driver's own library (NVML), so that neither torch nor a package is needed.

https://docs.nvidia.com/deploy/nvml-api/ names the functions and the structures.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache

_MIB = 2**20
_NAME_BYTES = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
_VERSION_BYTES = 80  # NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE


@dataclass(frozen=True)
class Gpu:
    name: str
    driver: str
    total_mib: float
    used_mib: float
    busy_percent: int


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


@cache
def _library() -> ctypes.CDLL | None:
    """The initialised driver library, or None on a machine without an NVIDIA driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


def gpus() -> list[Gpu]:
    """The GPUs that the driver shows; empty where there is none. A value it cannot tell is 0."""
    library = _library()
    count = ctypes.c_uint()
    if library is None or library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return []
    return [_read(library, index) for index in range(count.value)]


def _read(library: ctypes.CDLL, index: int) -> Gpu:
    device, memory, busy = ctypes.c_void_p(), _Memory(), _Utilization()
    name, driver = ctypes.create_string_buffer(_NAME_BYTES), ctypes.create_string_buffer(_VERSION_BYTES)
    library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device))
    library.nvmlDeviceGetName(device, name, _NAME_BYTES)
    library.nvmlSystemGetDriverVersion(driver, _VERSION_BYTES)
    library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory))
    library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(busy))
    return Gpu(name.value.decode(), driver.value.decode(), memory.total / _MIB, memory.used / _MIB, busy.gpu)
