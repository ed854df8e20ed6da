"""What is counted, for Prometheus: sizes and times, nothing of a text."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16)


class Metrics:
    """A registry of its own, so that two servers of one process do not share theirs."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "encore_requests", "Answered requests.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "encore_request_seconds",
            "From the head to the last byte.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.calls = Histogram(
            "encore_model_seconds", "One call of the model.", buckets=_SECONDS, registry=registry
        )
        self.rows = Histogram("encore_model_rows", "Texts of one call.", buckets=_ROWS, registry=registry)
        self.tokens = Counter("encore_model_tokens", "Tokens that the model has read.", registry=registry)
        self.queued = Gauge(
            "encore_queued_tokens", "Of what was accepted and is not answered.", registry=registry
        )

        # A child is looked up under a lock, of label values made into text; there are few, and they stay.
        self._requests_of, self._seconds_of = cache(self.requests.labels), cache(self.seconds.labels)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request; route: the pattern, never the path."""
        self._requests_of(route, status).inc()
        self._seconds_of(route).observe(seconds)

    def called(self, rows: int, tokens: int, seconds: float) -> None:
        """One call of the model."""
        self.calls.observe(seconds)
        self.rows.observe(rows)
        self.tokens.inc(tokens)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)
