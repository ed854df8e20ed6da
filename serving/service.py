"""What is served: a proved bundle, its tokenizer, and the threads that answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

from export.bundle_file import BundleFile
from export.golden import here
from export.session import OnnxModel
from export.text_ids import TextIds
from serving.bundle import Bundle
from serving.engine import Answered, Engine
from serving.limits import LARGEST_BODY, MOST_CHARACTERS, MOST_STORIES, MOST_TEXTS, Limits
from serving.metrics import Metrics
from serving.prompt_proof import open_writer, prove_prompts
from serving.proof import Mode, Proof, prove_classifier
from serving.story import Story
from serving.writing import Telling, Writers

_FINGERPRINT = 16  # hexadecimal digits


class Threads(Protocol):
    """What computes."""

    queued_tokens: int

    def start(self) -> None: ...

    @property
    def is_alive(self) -> bool: ...

    async def close(self) -> None: ...


Computing = TypeVar("Computing", bound=Threads)


@dataclass
class Service(Generic[Computing]):
    """ends: since it was told to end, what is asked is answered and nothing new is waited for."""

    bundle: Bundle
    reader: TextIds
    threads: Computing
    limits: Limits
    metrics: Metrics
    proof: Proof
    ends: bool = False

    @property
    def about(self) -> BundleFile:
        return self.bundle.about

    @property
    def model_id(self) -> str:
        """As a client names the model."""
        return f"{self.about.experiment}-{self.about.variant}-{self.about.run_id[:8]}"

    @property
    def is_ready(self) -> bool:
        return self.threads.is_alive and not self.ends

    def most(self) -> dict[str, int | float]:
        """What a request may ask for, and what the queue holds."""
        return {"characters": MOST_CHARACTERS, "body_bytes": LARGEST_BODY, **asdict(self.limits)}

    def counted(self) -> None:
        """Called when something was queued, or is no longer."""
        self.metrics.queued.set(self.threads.queued_tokens)


@dataclass
class ClassifierService(Service[Engine]):
    """Labels texts."""

    def most(self) -> dict[str, int | float]:
        return {"texts": MOST_TEXTS, **super().most()}

    async def answer(self, rows: Sequence[Sequence[int]]) -> Answered:
        """The logits of each row of ids; what the engine raises where it cannot."""
        try:
            return await self.threads.answer(rows)
        finally:
            self.counted()


@dataclass
class WriterService(Service[Writers]):
    """Writes stories. end: the token that opens and ends one. context_tokens: positions that the model has.
    fingerprint: of all that decides which story is written, but for the request."""

    end: int = 0
    context_tokens: int = 0
    fingerprint: str = ""

    def most(self) -> dict[str, int | float]:
        return {"stories": MOST_STORIES, "context_tokens": self.context_tokens, **super().most()}

    def begin(self, stories: Sequence[Story], tokens: Sequence[int]) -> list[Telling]:
        """See `Writers.begin`."""
        try:
            return self.threads.begin(stories, tokens)
        finally:
            self.counted()

    def give_up(self, tellings: Sequence[Telling]) -> None:
        """See `Writers.give_up`."""
        self.threads.give_up(tellings)
        self.counted()


def service_of(bundle: Bundle, *, threads: int, mode: Mode) -> Service[Any]:
    """A bundle's model, loaded, proved and warm. UserError where its golden answers are not what they were."""
    loaded = _writer if bundle.about.labels is None else _classifier
    return loaded(bundle, threads, mode)


def _classifier(bundle: Bundle, threads: int, mode: Mode) -> ClassifierService:
    about = bundle.about
    reader = TextIds(bundle.folder, limit=about.limit)
    # One thread in each call: the engine's own threads are the parallel ones, and a text's bits depend on neither.
    model = OnnxModel(bundle.folder, threads=1)
    proof = prove_classifier(bundle, reader, model.logits, mode)
    limits = Limits.of_texts(max_tokens=about.max_tokens, batch_invariant=about.batch_invariant)
    metrics = Metrics()
    # No thread more than cores: two calls that share one each take twice as long, and both of their askers wait.
    engine = Engine(model.logits, limits, threads=threads, on_call=metrics.called)
    _warm(model, rows=limits.rows_together, tokens=about.max_tokens)
    return ClassifierService(bundle, reader, engine, limits, metrics, proof)


def _warm(model: OnnxModel, *, rows: int, tokens: int) -> None:
    """The largest call first: what the session keeps of memory is that of its largest."""
    import numpy as np

    model.logits(np.zeros((rows, tokens), np.int64))


def _writer(bundle: Bundle, threads: int, mode: Mode) -> WriterService:
    opened = open_writer(bundle, threads=threads)
    proof = prove_prompts(bundle, opened, mode)
    model, metrics = opened.model, Metrics()
    limits = Limits.of_stories(context_tokens=model.context_tokens, batch_invariant=not model.rows_apart)
    writers = Writers(model, end=opened.end, limits=limits, on_call=metrics.called)
    writers.warm()
    return WriterService(
        bundle,
        opened.reader,
        writers,
        limits,
        metrics,
        proof,
        end=opened.end,
        context_tokens=model.context_tokens,
        fingerprint=_fingerprint(bundle),
    )


def _fingerprint(bundle: Bundle) -> str:
    decides = json.dumps([bundle.about.files, here().model_dump()], sort_keys=True)
    return hashlib.sha256(decides.encode()).hexdigest()[:_FINGERPRINT]
