"""Which instructions this CPU has for INT8: answers differ between CPUs with and without VNNI
(onnxruntime#5849), and latency differs more, so a measurement names them."""

from __future__ import annotations

import platform
from pathlib import Path

# Linux's names in /proc/cpuinfo: x86 "flags", ARM "Features"; the best for INT8 first.
_INT8_DOT_PRODUCTS = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp")
_VECTORS = ("avx512f", "avx2", "asimd")


def instruction_set(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Such as "avx512_vnni + avx512f + avx2", "avx2 (no INT8 dot product)", or the bare architecture."""
    flags = _flags(cpuinfo)
    if flags is None:
        return f"{platform.machine()} (instructions unknown)"
    dot_products = [name for name in _INT8_DOT_PRODUCTS if name in flags]
    vectors = [name for name in _VECTORS if name in flags]
    names = " + ".join([*dot_products, *vectors]) or platform.machine()
    return names if dot_products else f"{names} (no INT8 dot product)"


def _flags(cpuinfo: Path) -> frozenset[str] | None:
    if not cpuinfo.is_file():
        return None
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return frozenset(value.split())
    return None
