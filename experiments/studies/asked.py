"""What studies of a model's answers ask alike: a text, and whose model."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints, field_validator

from experiments.studies.sources import placed
from schema.strict import Strict, check_text
from schema.texts import Revision

_MOST_CHARACTERS = 2**24


class OfModel(Strict):
    """run: a finished run's ID, whole. model: a folder or a model of the hub, at `revision`, in place of a run."""

    text: Annotated[str, StringConstraints(max_length=_MOST_CHARACTERS)] | None = None
    run: str | None = None
    model: str | None = None
    revision: Revision = "main"

    @field_validator("text", mode="before")
    @classmethod
    def _can_be_recorded(cls, text: object) -> object:
        return check_text(text) if isinstance(text, str) else text

    @field_validator("text")
    @classmethod
    def _holds_something(cls, text: str | None) -> str | None:
        if text is not None and not text.strip():
            raise ValueError("is empty, or all spaces")
        return text

    @field_validator("model")
    @classmethod
    def _placed(cls, model: str | None) -> str | None:
        return None if model is None else placed(model)
