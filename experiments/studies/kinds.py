"""The studies: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.studies import attention, sentiment, skipgram, tokens, vectors
from experiments.studies.study import Prepared
from schema.strict import Strict


@dataclass(frozen=True)
class StudyKind:
    """request: what may be asked. prepare: of a request, with the store's root and a reporter; UserError for what is
    missing."""

    request: type[Strict]
    prepare: Callable[..., Prepared]


KINDS: Mapping[str, StudyKind] = {
    tokens.KIND: StudyKind(tokens.TokensRequest, tokens.prepare),
    sentiment.KIND: StudyKind(sentiment.SentimentRequest, sentiment.prepare),
    attention.KIND: StudyKind(attention.AttentionRequest, attention.prepare),
    vectors.KIND: StudyKind(vectors.VectorsRequest, vectors.prepare),
    skipgram.KIND: StudyKind(skipgram.SkipGramRequest, skipgram.prepare),
}


def prepared(kind: str, request: Any, **how: Any) -> Prepared:
    """how: root, reporter, and what else the study takes."""
    return KINDS[kind].prepare(request, **how)
