"""`python -m benchmarks.gpu.attention`: attention as a deterministic run calls it gives the same bits each time.

Needs a CUDA device. Legend: B batch, T tokens, K width of a head.
"""

from __future__ import annotations

import os
import sys
import warnings
from functools import partial
from itertools import product

import torch
import torch.nn.functional as F

from lightning_modules.kernels.strict import fused_attention

AGAIN = 5
HEADS = 12
SHAPES = ((1024, 13, 64), (128, 33, 64), (16, 512, 64))
MASKS = ("causal", "none", "mask")
Case = tuple[tuple[int, int, int], torch.dtype, str, float]


def cases() -> list[Case]:
    """Shapes (B, T, K), precision, mask, dropout: what batches of both models have, and odd ones."""
    precisions = (torch.bfloat16, torch.float16, torch.float32)
    usual = list(product(SHAPES, precisions, MASKS, (0.0, 0.1)))
    odd = (((16, 257, 64), "full"), ((4, 128, 256), "causal"), ((4, 128, 320), "mask"))
    return usual + [(shape, precision, mask, 0.1) for (shape, mask), precision in product(odd, precisions)]


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("attention's fused kernels need a CUDA device, and torch sees none.")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.enable_cudnn_sdp(False)  # as a run has it: it has no deterministic backward pass
    torch.use_deterministic_algorithms(True, warn_only=True)
    other = 0
    for case in cases():
        same, kernel, warned = _measured(*case)
        other += same < AGAIN or warned
        print(*case, f"{kernel}: {same} of {AGAIN} the same{', with a warning' if warned else ''}")
    print(
        f"{torch.cuda.get_device_name()}: {len(cases()) - other} of {len(cases())} cases the same each time"
    )
    sys.exit(1 if other else 0)


def _measured(
    shape: tuple[int, int, int], precision: torch.dtype, mask: str, dropout: float
) -> tuple[int, str, bool]:
    """How often result and gradients were those of the first time, by which kernel, whether torch warned of it."""
    torch.manual_seed(1)
    B, T, K = shape
    inputs = [
        torch.randn(B, HEADS, T, K, device="cuda", dtype=precision, requires_grad=True) for _ in range(3)
    ]
    upstream = torch.randn_like(inputs[0])
    attend = partial(
        F.scaled_dot_product_attention,
        attn_mask=_mask(mask, B, T),
        is_causal=mask == "causal",
        dropout_p=dropout,
    )

    def once() -> tuple[list[torch.Tensor], str]:
        torch.manual_seed(0)
        for tensor in inputs:
            tensor.grad = None
        found = fused_attention(attend, *inputs)
        kernel = _kernel(found)
        found.backward(upstream)
        return [found.detach(), *(tensor.grad for tensor in inputs if tensor.grad is not None)], kernel

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        first, kernel = once()
        same = sum(all(map(torch.equal, first, once()[0])) for _ in range(AGAIN))
    return same, kernel, any("determin" in str(warning.message) for warning in told)


def _mask(kind: str, B: int, T: int) -> torch.Tensor | None:
    """Which keys count (B, 1, 1, T), or with the causal ones (B, 1, T, T); none where all do or the kernel masks."""
    if kind in ("causal", "none"):
        return None
    lengths = torch.randint(max(1, T // 2), T + 1, (B, 1), device="cuda")
    keep = (torch.arange(T, device="cuda")[None] < lengths)[:, None, None]
    return keep if kind == "mask" else keep & torch.ones(T, T, dtype=torch.bool, device="cuda").tril()


def _kernel(found: torch.Tensor) -> str:
    """The fused kernel in the graph behind a result; `written out` where there is none."""
    waiting = [found.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and "ScaledDot" in node.name():
            return node.name().removeprefix("ScaledDotProduct").removesuffix("Backward0")
        waiting += [] if node is None else [above for above, _ in node.next_functions]
    return "written out"


if __name__ == "__main__":
    main()
