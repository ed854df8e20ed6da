"""What a person may ask of a text that is written."""

from __future__ import annotations

from pydantic import Field

from schema.strict import Strict


class DecodingConfig(Strict):
    """How a language model writes: samples of a training, `encore generate` and decoding sweeps."""

    max_length: int | None = Field(default=None, ge=2, le=1_000_000)
    """Tokens of a story, those of its prompt and its end included; none: what the model's context holds."""
    temperature: float = Field(default=0.8, gt=0, le=100)
    top_p: float = Field(default=0.95, gt=0, le=1)
    repetition_penalty: float = Field(default=1.0, ge=1, le=100)
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Story number n draws from a generator of its own, of (seed, n)."""
