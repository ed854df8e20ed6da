"""The processor: its model, its instructions, the cores that this process may use."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# Linux's names: x86 "flags", ARM "Features"; the best for INT8 first.
_INT8_DOT_PRODUCTS = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp")
_VECTORS = ("avx512f", "avx2", "asimd")


@dataclass(frozen=True)
class Cpu:
    """Model and instruction-set flags as the kernel names them; other systems tell the model alone."""

    model: str
    flags: frozenset[str] | None


def read_cpu(cpuinfo: Path = _CPUINFO) -> Cpu:
    """The first processor that the kernel lists; flags: none where nothing tells them."""
    if not cpuinfo.is_file():
        return Cpu(platform.processor() or platform.machine(), None)
    lines = (line.partition(":") for line in cpuinfo.read_text(encoding="utf-8").splitlines())
    fields: dict[str, str] = {}
    for key, _, value in lines:
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags") or fields.get("Features")
    model = fields.get("model name") or platform.machine()
    return Cpu(model, None if flags is None else frozenset(flags.split()))


def instruction_set(cpuinfo: Path = _CPUINFO) -> str:
    """Such as "avx512_vnni + avx512f + avx2", "avx2 (no INT8 dot product)", or the bare architecture.

    INT8 answers differ between CPUs with and without VNNI (onnxruntime#5849), and latency differs more, so a
    measurement names them.
    """
    flags = read_cpu(cpuinfo).flags
    if flags is None:
        return f"{platform.machine()} (instructions unknown)"
    dot_products = [name for name in _INT8_DOT_PRODUCTS if name in flags]
    vectors = [name for name in _VECTORS if name in flags]
    names = " + ".join([*dot_products, *vectors]) or platform.machine()
    return names if dot_products else f"{names} (no INT8 dot product)"


def usable_cores() -> int:
    """Cores that this process may run on, which a container or a scheduler may have limited."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
