"""What is served: a proved bundle, its tokenizer, and the engine that answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errors import UserError
from export.bundle_file import BundleFile
from export.session import OnnxModel
from export.text_ids import TextIds
from serving.bundle import Bundle
from serving.engine import Answered, Engine
from serving.limits import Limits
from serving.metrics import Metrics
from serving.proof import Mode, Proof, prove_classifier


@dataclass
class Service:
    """ends: since it was told to end, what is asked is answered and nothing new is waited for."""

    bundle: Bundle
    reader: TextIds
    engine: Engine
    limits: Limits
    metrics: Metrics
    proof: Proof
    ends: bool = False

    @property
    def about(self) -> BundleFile:
        return self.bundle.about

    @property
    def is_ready(self) -> bool:
        return self.engine.is_alive and not self.ends

    async def answer(self, rows: Sequence[Sequence[int]]) -> Answered:
        """The logits of each row of ids; what the engine raises where it cannot."""
        try:
            return await self.engine.answer(rows)
        finally:
            self.metrics.queued.set(self.engine.queued_tokens)


def classifier_service(bundle: Bundle, *, threads: int, mode: Mode) -> Service:
    """A bundle's classifier, loaded, proved and warm.

    UserError for a language model, and where its golden answers are not what they were.
    """
    about = bundle.about
    if about.labels is None:
        raise UserError(
            "it holds a language model, and classifiers are served",
            where=str(bundle.folder),
            cure=f"`encore generate {about.run_id[:8]} --variant {about.variant}` writes with it.",
        )
    reader = TextIds(bundle.folder, max_tokens=about.max_tokens)
    # One thread in each call: the engine's own threads are the parallel ones, and a text's bits depend on neither.
    model = OnnxModel(bundle.folder, threads=1)
    proof = prove_classifier(bundle, reader, model.logits, mode)
    limits = Limits.of(max_tokens=about.max_tokens, batch_invariant=about.batch_invariant)
    metrics = Metrics()
    engine = Engine(model.logits, limits, threads=threads, on_call=metrics.called)
    _warm(model, rows=limits.rows_together, tokens=about.max_tokens)
    return Service(bundle, reader, engine, limits, metrics, proof)


def _warm(model: OnnxModel, *, rows: int, tokens: int) -> None:
    """The largest call first: what the session keeps of memory is that of its largest."""
    import numpy as np

    model.logits(np.zeros((rows, tokens), np.int64))
