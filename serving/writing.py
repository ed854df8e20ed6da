"""The thread that writes stories, up to eight side by side, and the queue in front of it.

Stories join and leave between two tokens (`export.streams`); each draws from its own generator, so none depends on
its company. What is asked is counted in tokens, those that may be written included, before it is queued.

Everything but the thread's own loop is called from the event loop's thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from export.decoding_rows import DecodingModel
from export.streams import Streams
from serving.limits import LONGEST_STORY_S, MOST_STORIES, Limits
from serving.queueing import SMOOTHING, ClosedError, ExpiredError, FullError, retry_s
from serving.story import Piece, Story

_ASSUMED_TOKENS_PER_S = 200.0


@dataclass(eq=False)
class Telling:
    """One story and who waits for it. tokens: that it may come to, its prompt's included."""

    story: Story
    tokens: int
    queued: float
    pieces: asyncio.Queue[Piece | BaseException] = field(default_factory=asyncio.Queue)
    began: float = 0.0
    given_up: bool = False
    is_counted: bool = True

    async def next(self) -> Piece:
        """What the next token adds; raises what kept it from being written."""
        found = await self.pieces.get()
        if isinstance(found, BaseException):
            raise found
        return found

    @property
    def waited_s(self) -> float:
        return self.began - self.queued


class Writers:
    """on_call: told of each call of the model its rows, tokens and seconds."""

    def __init__(
        self, model: DecodingModel, *, end: int, limits: Limits, on_call: Callable[[int, int, float], None]
    ) -> None:
        self.limits = limits
        self.queued_tokens = 0
        self._model, self._end, self._on_call = model, end, on_call
        self._streams = Streams(model, most=MOST_STORIES)
        self._rate = _ASSUMED_TOKENS_PER_S
        self._waiting: deque[Telling] = deque()
        self._going: dict[int, Telling] = {}
        self._told: list[tuple[Telling, Piece | BaseException]] = []
        self._changed = threading.Condition()
        self._on_the_way = 0  # calls of `_deliver` that the event loop has not come to
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="writers", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def warm(self) -> None:
        """The longest prompt, and one token of as many stories as there may be: the session's largest calls."""
        streams = [self._streams.join([self._end] * (self._model.context_tokens - 1))[0]]
        streams += [self._streams.join([self._end])[0] for _ in range(self._streams.free)]
        self._streams.step(dict.fromkeys(streams, self._end))
        for stream in streams:
            self._streams.leave(stream)

    def begin(self, stories: Sequence[Story], tokens: Sequence[int]) -> list[Telling]:
        """Take all of them or none. tokens: that each may come to. FullError where they do not fit."""
        if self.queued_tokens + sum(tokens) > self.limits.queued_tokens:
            raise FullError(retry_s(self.queued_tokens, self._rate))
        now = time.monotonic()
        tellings = [Telling(story, most, now) for story, most in zip(stories, tokens, strict=True)]
        with self._changed:
            if self._closed:
                raise ClosedError
            self._waiting.extend(tellings)
            self._changed.notify()
        self.queued_tokens += sum(tokens)
        return tellings

    def give_up(self, tellings: Sequence[Telling]) -> None:
        """Nobody waits for them any longer; those that are at their end are let go, too."""
        with self._changed:
            for telling in tellings:
                telling.given_up = True
                self._uncount(telling)
                if telling in self._waiting:
                    self._waiting.remove(telling)

    async def close(self) -> None:
        """Take nothing more, and come back when what was taken is written."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while self._is_wanted():
            try:
                self._let_go()
                self._join_one()
                self._step()
            except BaseException as error:  # noqa: BLE001 raised where the requests are answered
                self._break_off(error)
            self._tell()

    def _tell(self) -> None:
        """Hand over what was written; while it is on its way one more token is computed, and no further one.

        An event loop that is behind does not know yet who has gone.
        """
        with self._changed:
            while self._on_the_way > 0:
                self._changed.wait()
            self._on_the_way += 1
        self._loop.call_soon_threadsafe(self._deliver, self._told)
        self._told = []

    def _is_wanted(self) -> bool:
        """Waits for a story; False when all are written and no more are taken."""
        with self._changed:
            while not self._waiting and not self._going:
                if self._closed:
                    return False
                self._changed.wait()
            return True

    def _let_go(self) -> None:
        """Of those that nobody waits for, and of those that took too long."""
        late = time.monotonic() - LONGEST_STORY_S
        for stream, telling in list(self._going.items()):
            if telling.given_up or telling.began < late:
                self._told.append((telling, ExpiredError()))
                self._leave(stream)

    def _join_one(self) -> None:
        """One a turn, so that those that are being written wait for one prompt at most."""
        with self._changed:
            telling = self._waiting.popleft() if self._waiting and self._streams.free else None
        if telling is None:
            return
        telling.began = time.monotonic()
        if telling.waited_s > self.limits.deadline_s:
            self._told.append((telling, ExpiredError()))
            return
        ids = [self._end, *telling.story.draft.ids]
        try:
            stream, logits_V = self._streams.join(ids)
        except Exception as error:  # noqa: BLE001 of this story alone: the others' rows are what they were
            self._told.append((telling, error))
            return
        self._going[stream] = telling
        self._take(stream, logits_V)
        self._measured(1, len(ids), telling.began)

    def _step(self) -> None:
        """One more token of every story."""
        if not self._going:
            return
        began = time.monotonic()
        read = {stream: telling.story.draft.ids[-1] for stream, telling in self._going.items()}
        for stream, logits_V in self._streams.step(read).items():
            self._take(stream, logits_V)
        self._measured(len(read), len(read), began)

    def _take(self, stream: int, logits_V: object) -> None:
        telling = self._going[stream]
        try:
            piece: Piece | BaseException = telling.story.take(logits_V)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 of this story alone
            piece = error
        self._told.append((telling, piece))
        if isinstance(piece, BaseException) or piece.why is not None:
            self._leave(stream)

    def _leave(self, stream: int) -> None:
        self._streams.leave(stream)
        del self._going[stream]

    def _break_off(self, error: BaseException) -> None:
        """The model failed, and what it has read is not known: the stories that it was reading are lost."""
        self._told += [(telling, error) for telling in self._going.values()]
        self._going = {}
        self._streams = Streams(self._model, most=MOST_STORIES)

    def _measured(self, rows: int, tokens: int, began: float) -> None:
        seconds = time.monotonic() - began
        self._rate += SMOOTHING * (tokens / max(seconds, 1e-6) - self._rate)
        self._on_call(rows, tokens, seconds)

    def _deliver(self, told: Sequence[tuple[Telling, Piece | BaseException]]) -> None:
        with self._changed:
            self._on_the_way -= 1
            self._changed.notify()
        for telling, piece in told:
            telling.pieces.put_nowait(piece)
            if isinstance(piece, BaseException) or piece.why is not None:
                self._uncount(telling)

    def _uncount(self, telling: Telling) -> None:
        if telling.is_counted:
            telling.is_counted = False
            self.queued_tokens -= telling.tokens
