"""What of a checkpoint a resumed run relies upon, tensors among it."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from runs.lightning_state import CALLBACK, SCHEMA, Loops, Part


class _Random(Part):
    python: tuple[int, tuple[int, ...], float | None]
    numpy: tuple[str, torch.Tensor, int, int, float]
    torch: torch.Tensor
    cuda: list[torch.Tensor]


class _Optimiser(Part):
    state: dict[int, dict[str, torch.Tensor]]
    param_groups: list[dict[str, Any]] = Field(min_length=1)


class _State(Part):
    best: dict[str, float]
    best_step: int = Field(ge=0)
    best_checksum: int
    ended: bool
    trained_s: float
    seed: int
    random: _Random
    schema_number: int = Field(default=SCHEMA, alias="schema")


class _Callbacks(Part):
    state: _State = Field(alias=CALLBACK)


class Content(Part):
    """What of a checkpoint a resumed run relies upon."""

    global_step: int = Field(ge=0)
    loops: Loops
    state_dict: dict[str, torch.Tensor]
    optimizer_states: list[_Optimiser] = Field(min_length=1)
    lr_schedulers: list[dict[str, Any]]
    callbacks: _Callbacks
