"""The threads that run the model, and the queue in front of them.

One session serves all threads, each with one text or one batch of equal lengths at a time. What is asked is counted in
tokens before it is queued; the queue is bounded, so that nobody waits for an answer that comes too late.

Everything but the threads' own loop is called from the event loop's thread.

Shape legend: B rows of a call, L tokens, C classes.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from serving.limits import Limits
from serving.queueing import SMOOTHING, ClosedError, ExpiredError, FullError, retry_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

Run = Callable[["NDArray[np.int64]"], "Logits"]
"""From ids (B, L) to logits (B, C)."""
_ASSUMED_TOKENS_PER_S = 10_000.0


@dataclass
class _Job:
    """One request. rows: the ids of each text; answers: their logits (C,), as they come. given_up: nobody waits."""

    rows: Sequence[Sequence[int]]
    future: asyncio.Future[list[Logits]]
    deadline: float
    queued: float
    answers: list[Logits | None] = field(default_factory=list)
    left: int = 0
    started: float = 0.0
    ended: float = 0.0
    given_up: bool = False
    failed: BaseException | None = None


@dataclass(frozen=True)
class Answered:
    """The logits of each text; seconds that they waited, and that they took."""

    logits: list[Logits]
    waited_s: float
    took_s: float


class Engine:
    """threads: that run the model side by side. on_call: told of each call its rows, tokens and seconds."""

    def __init__(
        self, run: Run, limits: Limits, *, threads: int, on_call: Callable[[int, int, float], None]
    ) -> None:
        self.limits = limits
        self.queued_tokens = 0
        self._run, self._on_call = run, on_call
        self._rate = _ASSUMED_TOKENS_PER_S
        self._waiting: deque[tuple[_Job, int]] = deque()
        self._calls: deque[tuple[int, int, float]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"model-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    async def answer(self, rows: Sequence[Sequence[int]]) -> Answered:
        """The logits of each row. FullError at once where they do not fit, ExpiredError after the deadline.

        Cancelled, what has not begun of it is not computed.
        """
        job = self._accepted(rows)
        tokens = sum(map(len, rows))
        self.queued_tokens += tokens
        try:
            logits = await job.future
        finally:
            self.queued_tokens -= tokens
            job.given_up = True
        return Answered(logits, job.started - job.queued, job.ended - job.started)

    async def close(self) -> None:
        """Take nothing more, and come back when what was taken is computed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        await asyncio.to_thread(lambda: [thread.join() for thread in self._threads])

    def _accepted(self, rows: Sequence[Sequence[int]]) -> _Job:
        tokens = sum(map(len, rows))
        if self.queued_tokens + tokens > self.limits.queued_tokens:
            raise FullError(retry_s(self.queued_tokens, self._rate))
        now = time.monotonic()
        job = _Job(rows, self._loop.create_future(), now + self.limits.deadline_s, now)
        job.answers, job.left = [None] * len(rows), len(rows)
        with self._changed:
            if self._closed:
                raise ClosedError
            self._waiting.extend((job, row) for row in range(len(rows)))
            self._changed.notify(len(rows))
        return job

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            self._compute(batch)

    def _next_batch(self) -> list[tuple[_Job, int]] | None:
        """The row that waited longest and others of its length; none when all is done and nothing more is taken."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            first = self._waiting.popleft()
            if self.limits.rows_together == 1 or not self._waiting:
                return [first]
            return [first, *self._companions(len(first[0].rows[first[1]]))]

    def _companions(self, length: int) -> list[tuple[_Job, int]]:
        found: list[tuple[_Job, int]] = []
        others: deque[tuple[_Job, int]] = deque()
        for job, row in self._waiting:
            fits = len(found) < self.limits.rows_together - 1 and len(job.rows[row]) == length
            (found if fits else others).append((job, row))
        self._waiting = others
        return found

    def _compute(self, batch: list[tuple[_Job, int]]) -> None:
        began = time.monotonic()
        wanted = [(job, row) for job, row in batch if not job.given_up and job.failed is None]
        for job, _ in wanted:
            if began > job.deadline:
                job.failed = ExpiredError()
            job.started = job.started or began
        going = [(job, row) for job, row in wanted if job.failed is None]
        if going:
            self._call(going, began)
        done = [job for job, _ in batch if self._is_done(job)]
        if done:
            self._loop.call_soon_threadsafe(self._deliver, done)

    def _call(self, going: list[tuple[_Job, int]], began: float) -> None:
        try:
            logits_BC = self._run(np.array([job.rows[row] for job, row in going], np.int64))
        except BaseException as error:  # noqa: BLE001 raised where the request is answered
            for job, _ in going:
                job.failed = error
            return
        ended = time.monotonic()
        for (job, row), logits_C in zip(going, logits_BC, strict=True):
            job.answers[row], job.ended = logits_C, ended
        tokens = sum(len(job.rows[row]) for job, row in going)
        self._calls.append((len(going), tokens, ended - began))

    def _is_done(self, job: _Job) -> bool:
        with self._changed:  # two threads may have rows of one job
            job.left -= 1
            return job.left == 0

    def _deliver(self, jobs: list[_Job]) -> None:
        while self._calls:  # counted here, since the model's threads have better to do
            rows, tokens, seconds = self._calls.popleft()
            self._rate += SMOOTHING * (tokens / max(seconds, 1e-6) * len(self._threads) - self._rate)
            self._on_call(rows, tokens, seconds)
        for job in jobs:
            if job.future.done():
                continue
            if job.failed is not None:
                job.future.set_exception(job.failed)
            else:
                job.future.set_result(job.answers)  # type: ignore[arg-type]
