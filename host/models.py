"""Weights from a model folder, read by transformers with every option given that a config could decide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from errors import UserError
from host.boundary import boundary
from host.model_config import private_model
from host.model_keys import Family

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

ATTENTION = "sdpa"  # always given, so that no config decides which code computes it


@dataclass(frozen=True)
class Loaded:
    """A model, and the names of its weights that are random: the folder lacks them, or has another shape of them."""

    model: PreTrainedModel
    missing: tuple[str, ...]
    others: dict[str, tuple[int, ...]]


def load_model(
    model_class: type[PreTrainedModel], folder: Path, *, where: str, cure: str, **changes: Any
) -> Loaded:
    """A model in float32 and evaluation mode. changes: to its config.

    Only what `private_model` lets through is read. Raises UserError, with `cure` where the library refused.
    """
    family = cast("Family", model_class.config_class.model_type)  # type: ignore[union-attr]
    with (
        private_model(folder, family, where=where) as (private, shapes),
        boundary("cannot be read", where=where, cure=cure),
    ):
        loaded: Any = model_class.from_pretrained(
            private,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation=ATTENTION,
            ignore_mismatched_sizes=True,  # they are in the report
            output_loading_info=True,
            **changes,
        )
        model, report = loaded
        # transformers 4 tells their names, 5 names and shapes
        others = [entry if isinstance(entry, str) else entry[0] for entry in report["mismatched_keys"]]
        return Loaded(
            model.float(), tuple(report["missing_keys"]), {name: shapes.get(name, ()) for name in others}
        )


def check_finite(model: nn.Module, *, where: str, cure: str) -> None:
    """UserError, naming the first of them, when a weight is NaN or infinite."""
    if (name := non_finite_weight(model)) is not None:
        raise UserError(f"the weights hold NaN or infinity, first in {name}", where=where, cure=cure)


def non_finite_weight(model: nn.Module) -> str | None:
    """The name of the first weight that holds NaN or infinity; none where all are finite."""
    weights = model.named_parameters()
    return next((name for name, weight in weights if not bool(weight.isfinite().all())), None)
