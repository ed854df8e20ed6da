"""The study of sentiment: which label a classifier gives a text, or each text of a file, and how surely."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, field_validator, model_validator

from datamodules.file_texts import texts_of_file
from datamodules.fingerprint import fingerprint
from datamodules.readers.quoting import Said
from errors import UserError
from experiments.studies.asked import OfModel
from experiments.studies.sources import is_local, model_commit, model_folder
from experiments.studies.study import Findings, Prepared
from export.variants import ORIGINAL, VariantName
from host.progress import Reporter, working
from pages.texts import label
from schema.strict import absolute
from schema.validation import TogetherError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from experiments.studies.labeller import Labeller
    from export.text_ids import Ids

KIND = "sentiment"


class SentimentRequest(OfModel):
    """Which texts, and which classifier.

    run: a finished run's ID, whole. model: a folder or a model of the hub, in place of a run; max_tokens is then where
    a text is cut.
    """

    path: str | None = None
    """Of a file of texts."""
    column: str = Field(default="text", min_length=1, max_length=200)
    """Of a file with columns: that holds the texts."""
    quoting: Said = "auto"
    """Whose the quotation marks of a csv or tsv file are, as `data.quoting` has it."""
    variant: VariantName = ORIGINAL.name
    max_tokens: int = Field(default=512, ge=4, le=512)

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        return None if path is None else absolute(path)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.path is None):
            raise TogetherError("a study is of one text or of one file", "Give one of the two.")
        if (self.run is None) == (self.model is None):
            raise TogetherError("a run labels texts, or a model", "Give --run ID or --model FOLDER.")
        if self.model is not None and self.variant != ORIGINAL.name:
            raise TogetherError("a variant is of a run's export", "Give --run ID, or leave --variant out.")
        return self


@dataclass(frozen=True)
class Answer:
    """probability: of the label, by softmax. margin: of its logit over the next best one's. cut: the text had more
    than the model's most tokens."""

    text: str
    label: str
    probability: float
    margin: float
    tokens: int
    cut: bool


OnAnswer = Callable[[Answer], None]


def prepare(
    asked: SentimentRequest, *, root: Path, reporter: Reporter, on_answer: OnAnswer | None = None
) -> Prepared:
    """on_answer: is told of each answer as soon as it is there. UserError for a file, a run or a model that is not."""
    texts = [asked.text.strip()] if asked.text is not None else _texts(asked)
    request = _pinned(asked, root)
    with working(reporter, "loading the classifier"):
        labeller = _labeller(request, root)
    return Prepared(
        kind=KIND,
        request=request,
        title=f"sentiment: {label(asked.text or Path(str(asked.path)).name)}",
        fingerprints={**labeller.fingerprints, "texts": fingerprint((text,) for text in texts)},
        work=partial(_study, texts, labeller, on_answer),
    )


def _texts(asked: SentimentRequest) -> list[str]:
    file = Path(str(asked.path))
    texts = list(texts_of_file(file, column=asked.column, quoting=asked.quoting))
    if not texts:
        raise UserError("holds no text", where=str(file), cure="Give a file with at least one.")
    return texts


def _labeller(asked: SentimentRequest, root: Path) -> Labeller:
    from experiments.studies.labeller import of_folder, of_run

    if asked.run is not None:
        from runs.files import run_named
        from tracking.store import Store

        return of_run(run_named(Store.read(root), asked.run), asked.variant)
    assert asked.model is not None
    return of_folder(model_folder(asked.model, asked.revision), max_tokens=asked.max_tokens)


def _pinned(asked: SentimentRequest, root: Path) -> SentimentRequest:
    """With the commit that a hub model's revision means now."""
    if asked.model is None or is_local(asked.model):
        return asked
    cure = "Give a folder, as in --model ./FOLDER, or a run."
    commit = model_commit(asked.model, asked.revision, option="--model", cure=cure, root=root)
    return asked.model_copy(update={"revision": commit})


def _study(
    texts: Sequence[str], labeller: Labeller, on_answer: OnAnswer | None, reporter: Reporter
) -> Findings:
    from experiments.studies.sentiment_page import margins_picture, sentiment_page

    found: list[Answer] = []
    with reporter.progress() as on_progress:
        for text, (ids, logits_C) in zip(texts, labeller.answers(texts), strict=True):
            answer = _answer(text, ids, logits_C, labeller.labels)
            found.append(answer)
            if on_answer is not None:
                on_answer(answer)
            on_progress("labelling", len(found), len(texts))
    content = {"labels": list(labeller.labels), "answers": [asdict(answer) for answer in found]}
    return Findings(
        content=content,
        page=sentiment_page(content),
        pictures={"margins.png": margins_picture(content)} if len(found) > 1 else {},
        metrics=_metrics(found, labeller.labels),
    )


def _answer(text: str, ids: Ids, logits_C: NDArray[np.float32], labels: Sequence[str]) -> Answer:
    logits = [float(logit) for logit in logits_C]
    order = sorted(range(len(logits)), key=lambda number: -logits[number])
    best, margin = order[0], logits[order[0]] - logits[order[1]]
    whole = math.fsum(math.exp(logit - logits[best]) for logit in logits)
    return Answer(text, labels[best], 1 / whole, margin, len(ids.ids), ids.cut)


def _metrics(found: Sequence[Answer], labels: Sequence[str]) -> Mapping[str, float]:
    counts = [sum(answer.label == name for answer in found) for name in labels]
    return {
        "study/texts": float(len(found)),
        "study/mean_probability": math.fsum(answer.probability for answer in found) / len(found),
        **{f"study/share_of_label_{number}": count / len(found) for number, count in enumerate(counts)},
    }
