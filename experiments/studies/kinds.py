"""The studies: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.studies import tokens
from experiments.studies.study import Prepared
from schema.strict import Strict


@dataclass(frozen=True)
class StudyKind:
    """request: what may be asked. prepare: of a request, with cache_dir and reporter; UserError for what is missing."""

    request: type[Strict]
    prepare: Callable[..., Prepared]


KINDS: Mapping[str, StudyKind] = {tokens.KIND: StudyKind(tokens.TokensRequest, tokens.prepare)}


def prepared(kind: str, request: Any, **how: Any) -> Prepared:
    """how: cache_dir, reporter."""
    return KINDS[kind].prepare(request, **how)
