"""How exactly float32 products are computed, for a while; imports torch inside the function."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal


@contextmanager
def matmul_precision(name: Literal["highest", "medium"]) -> Generator[None]:
    """As torch.set_float32_matmul_precision has it; what was set before is set again at the block's end."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
