"""Moves the records of one run from the training loop to the store, without making the loop wait.

The caller's thread appends a record to the journal and to a list. A background thread empties the
list every few seconds, or sooner when a full batch has gathered, and samples the machine meanwhile.
A store that is away is tried again, ever more rarely; nothing leaves the list before it has arrived.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from errors import UserError
from host.boundary import first_line
from tracking.journal import Journal
from tracking.metric_writer import MAX_POINTS, MetricWriter, next_batch
from tracking.records import End, Record

UNSAMPLED_TAG = "encore.unsampled"  # why a run has no further `system/…`
_LONGEST_PAUSE_S = 60.0


class Sender:
    """One run's queue and its background thread.

    `sample` returns values for the metrics named `system/…`, logged at the step `clock()`.
    """

    def __init__(
        self,
        run_id: str,
        journal: Journal,
        writer: MetricWriter,
        *,
        send_every_s: float,
        sample_every_s: float,
        sample: Callable[[], Mapping[str, float]] | None,
        clock: Callable[[], int],
    ) -> None:
        self._run_id = run_id
        self._journal = journal
        self._writer = writer
        self._send_every_s = send_every_s
        self._sample_every_s = sample_every_s
        self._sample = sample
        self._clock = clock
        self._pending: list[Record] = []
        self._pending_points = 0
        self._pause_s = send_every_s  # grows while the store is away
        self._sent = 0
        # MLflow's page that compares runs begins with the metric that was written first, which is to be one of theirs.
        self._measured = False
        self._full = False
        self._queue_lock = threading.Lock()  # the journal's order is the list's order
        self._send_lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name=f"encore-sender-{run_id[:8]}", daemon=True)
        self._thread.start()

    def submit(self, record: Record) -> None:
        with self._queue_lock:
            self._journal.append(record)
            self._pending.append(record)
            self._pending_points += len(record.metrics)
            began = bool(record.metrics) and not self._measured
            self._measured |= began
            self._full = self._pending_points >= MAX_POINTS and self._pause_s == self._send_every_s
        if began or self._full:  # not while the store is away
            self._wake.set()

    def flush(self) -> None:
        """Send all that is pending now, on this thread.

        What comes in meanwhile waits: chasing it would send batches of a few points without end.

        Raises:
            UserError: the store cannot be written; the records stay, here and in the journal.
        """
        with self._send_lock:
            with self._queue_lock:
                goal = self._sent + len(self._pending)
            while self._sent < goal:
                with self._queue_lock:
                    leading = self._pending[: min(goal - self._sent, MAX_POINTS)]
                batch = next_batch(leading)
                self._writer.write(self._run_id, batch)
                self._drop(batch.records)

    def stop(self) -> None:
        """End the background thread; what is pending stays pending."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def mark_end(self, end: End) -> None:
        with self._queue_lock:
            self._journal.mark_end(end)

    def sync(self) -> None:
        """What was submitted so far survives a power cut."""
        self._journal.sync()

    @property
    def unsent(self) -> int:
        return len(self._pending)

    def _drop(self, records: int) -> None:
        with self._queue_lock:
            self._pending_points -= sum(len(record.metrics) for record in self._pending[:records])
            del self._pending[:records]
            self._sent += records
            self._journal.mark_sent(self._sent)

    def _work(self) -> None:
        next_send = time.monotonic() + self._send_every_s
        next_sample = time.monotonic() if self._sample else math.inf
        while not self._stopped:
            due = min(next_send, next_sample) if self._measured else next_send
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            if self._sample is not None and self._measured and time.monotonic() >= next_sample:
                sampling = self._submit_sample(self._sample)
                next_sample = time.monotonic() + self._sample_every_s if sampling else math.inf
            if (self._full or time.monotonic() >= next_send) and not self._stopped:
                self._full = False
                self._pause_s = self._send_every_s if self._try_to_send() else self._longer_pause()
                next_send = time.monotonic() + self._pause_s

    def _submit_sample(self, sample: Callable[[], Mapping[str, float]]) -> bool:
        """Whether to go on: a machine that cannot be asked ends the sampling, not the run, and the run says so."""
        try:
            record = Record(metrics=sample(), step=self._clock(), time_ms=now_ms())
        except Exception as error:  # noqa: BLE001 whatever psutil or a driver raises
            self._sample = None
            record = Record(tags={UNSAMPLED_TAG: f"the machine could not be asked ({first_line(error)})"})
        with suppress(UserError):  # a full disk, which the run's own records meet too
            self.submit(record)
        return self._sample is not None

    def _try_to_send(self) -> bool:
        """Whether all is sent. An error is not lost: the records stay, and `flush` meets it again."""
        try:
            self.flush()
        except UserError:
            return False
        return True

    def _longer_pause(self) -> float:
        return min(2 * self._pause_s, _LONGEST_PAUSE_S)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
