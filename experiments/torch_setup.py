"""What this machine can compute, and setting torch up for one run."""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

from errors import RunError, UserError
from experiments.config import Device, ExperimentConfig, Precision
from host.cpu import usable_cores
from lightning_modules.precision import matmul_precision

Support = Literal["native", "emulated", "none"]


def resolve_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """The device a run gets; UserError when CUDA is asked for and absent."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "this machine has no CUDA device", where="train.device=cuda", cure="Use train.device=auto."
        )
    return wanted


def precision_support(precision: Precision, device: Literal["cpu", "cuda"]) -> Support:
    """Whether the device computes in this precision, only imitates it (slowly), or cannot.

    FP16 training needs a GPU: on a CPU, Lightning would silently run bfloat16 instead. bfloat16 on a
    CPU without AVX512-BF16 or AMX works through conversions and is slower than float32.
    """
    import torch

    if precision == "32-true":
        return "native"
    if device == "cuda":
        native = precision == "16-mixed" or torch.cuda.is_bf16_supported(including_emulation=False)
        return "native" if native else "emulated"
    if precision == "16-mixed":
        return "none"
    cpu = torch.backends.cpu.get_cpu_capability()
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    has_bf16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
    return "native" if has_bf16 or "AMX" in cpu else "emulated"


def check_precision(config: ExperimentConfig) -> None:
    """UserError when the machine cannot train as asked; another precision is never put in its place."""
    device = resolve_device(config.train.device)
    if precision_support(config.train.precision, device) == "none":
        raise UserError(
            f"a {device.upper()} cannot train in FP16",
            where=f"train.precision={config.train.precision}",
            cure="Use train.precision=32-true or bf16-mixed, or a machine with a GPU.",
        )


def _fused_attention(*, deterministic: bool) -> None:
    """Which fused attention of a GPU is allowed: cuDNN's has no deterministic way, the others have (`strict.py`)."""
    import torch

    if torch.cuda.is_available():
        torch.backends.cuda.enable_flash_sdp(True)
        torch.backends.cuda.enable_mem_efficient_sdp(True)
        torch.backends.cuda.enable_cudnn_sdp(not deterministic)


def prepare(config: ExperimentConfig, *, threads: int | None = None) -> dict[str, str]:
    """Seed every generator, set threads and determinism; what was set, by name.

    threads: on the CPU, where the config leaves them open; none: one per core.
    """
    import numpy as np
    import torch

    threads = config.train.threads or threads or usable_cores()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(config.train.matmul_precision)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    # oneDNN caches one bf16 matmul kernel per input shape, some MiB each; with batches of every length that reaches
    # 10 GiB. oneDNN reads this variable at its first matmul.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    # An operation that has no deterministic version runs all the same, and the run names it.
    torch.use_deterministic_algorithms(config.train.deterministic, warn_only=True)
    _fused_attention(deterministic=config.train.deterministic)
    # Nothing here reads memory that it did not write, so filling it first would cost time for nothing.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    random.seed(config.seed)
    np.random.seed(config.seed)
    torch.manual_seed(config.seed)
    device = resolve_device(config.train.device)
    return {
        "threads": str(threads),
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "precision_support": precision_support(config.train.precision, device),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }


def full_matmul_precision() -> AbstractContextManager[None]:
    """Float32 products to the full, whatever the training asked for: scores of different runs compare."""
    return matmul_precision("highest")


def prepare_writing(threads: int) -> None:
    """Set torch up for a model that writes: float32 to the full, so many threads."""
    import torch

    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True, warn_only=True)


@contextmanager
def memory_errors(config: ExperimentConfig) -> Generator[None]:
    """A GPU that is too small for the config is one line."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "the GPU's memory is used up",
            where=f"data.batch_size={config.data.batch_size}",
            cure="Lower it (train.accumulate_batches keeps the step's size), data.max_tokens or evaluation_tokens.",
        ) from error
