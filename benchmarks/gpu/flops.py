"""Floating-point operations of a training step, and what a GPU could do: their quotient is the model FLOPs utilisation.

PaLM (Chowdhery et al. 2022, arXiv 2204.02311), appendix B: 6 N + 12 L H Q T operations a token, forward and backward;
N parameters, L layers, H heads of width Q, T tokens of the sequence. N are here those that a token is multiplied with:
no table of positions, and of words only the head that a tied table is. Attention counts whole, causal or not, and
whatever an implementation leaves out or does twice counts as the model has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Dense operations a second, in TFLOP/s, by precision, of the SXM parts: NVIDIA's data sheets of the H100 and the H200.
# `highest` float32 products run outside the tensor cores, `high` ones in TF32.
_HOPPER = {"bf16-mixed": 989.4, "16-mixed": 989.4, "32-true highest": 66.9, "32-true high": 494.7}
_PEAKS = {"H100 80GB HBM3": _HOPPER, "H200": _HOPPER}


def peak_flops(device_name: str, precision: str, products: str) -> tuple[float, str] | None:
    """Operations a second and which peak that is; none for a GPU whose peak is not in the table, and for a CPU."""
    name = f"{precision} {products}" if precision == "32-true" else precision
    for part, peaks in _PEAKS.items():
        if part in device_name and name in peaks:
            return peaks[name] * 1e12, f"{part} {name}, dense: {peaks[name]} TFLOP/s (NVIDIA's data sheet)"
    return None


def flops_of_rows(config: Any, lengths_N: np.ndarray) -> float:
    """Operations of training once on rows of `lengths_N` tokens, of a GPT2Config or a DistilBertConfig."""
    lengths = np.asarray(lengths_N, dtype=np.float64)
    if config.model_type == "gpt2":
        layers, dim, hidden = config.n_layer, config.n_embd, config.n_inner or 4 * config.n_embd
        of_a_token, of_a_row = config.vocab_size * dim, 0
    else:
        layers, dim, hidden = config.n_layers, config.dim, config.hidden_dim
        of_a_token, of_a_row = 0, dim * (dim + config.num_labels)
    of_a_token += layers * (4 * dim**2 + 2 * dim * hidden)
    attention = 12 * layers * dim * (lengths**2).sum()  # H Q is the width
    return float(6 * of_a_token * lengths.sum() + 6 * of_a_row * len(lengths) + attention)
