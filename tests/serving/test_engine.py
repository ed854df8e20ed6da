"""The queue and its threads: what is bounded, what is given up, what is put together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.engine import Engine
from serving.limits import Limits
from serving.queueing import ClosedError, ExpiredError, FullError

Ids = NDArray[np.int64]


class Held:
    """A model that answers the first id of each row, when it is let go; calls: of what it was asked."""

    def __init__(self, *, free: bool = False) -> None:
        self.go = threading.Event()
        self.calls: list[list[list[int]]] = []
        if free:
            self.go.set()

    def __call__(self, ids_BL: Ids) -> NDArray[np.float32]:
        self.calls.append(ids_BL.tolist())
        assert self.go.wait(10)
        if (ids_BL < 0).any():
            raise RuntimeError("negative")
        return ids_BL[:, :1].astype(np.float32)


def on_engine(
    model: Held, asked: Callable[[Engine], Coroutine[Any, Any, None]], *, threads: int = 1, **limits: Any
) -> None:
    """Run `asked` with an engine, and close it."""

    async def go() -> None:
        settings = {"queued_tokens": 100, "deadline_s": 30.0, "rows_together": 1, **limits}
        engine = Engine(model, Limits(**settings), threads=threads, on_call=lambda *_: None)
        engine.start()
        try:
            await asked(engine)
        finally:
            model.go.set()
            await engine.close()

    asyncio.run(go())


async def begun(model: Held, calls: int = 1) -> None:
    while len(model.calls) < calls:
        await asyncio.sleep(0.001)


def test_what_does_not_fit_is_refused_at_once_with_a_time_to_come_back() -> None:
    model = Held()

    async def asked(engine: Engine) -> None:
        first = asyncio.ensure_future(engine.answer([[1] * 60]))
        await begun(model)
        with pytest.raises(FullError) as error:
            await engine.answer([[2] * 41])
        assert error.value.retry_s >= 1
        other = asyncio.ensure_future(engine.answer([[2] * 40]))
        model.go.set()
        assert [float(row[0]) for row in (await first).logits + (await other).logits] == [1.0, 2.0]
        assert engine.queued_tokens == 0

    on_engine(model, asked)


def test_nothing_is_computed_for_who_has_gone() -> None:
    model = Held()

    async def asked(engine: Engine) -> None:
        first = asyncio.ensure_future(engine.answer([[1]]))
        await begun(model)
        gone = asyncio.ensure_future(engine.answer([[2], [3]]))
        stays = asyncio.ensure_future(engine.answer([[4]]))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        model.go.set()
        await asyncio.gather(first, stays)

    on_engine(model, asked)
    assert model.calls == [[[1]], [[4]]]


def test_what_waited_too_long_is_not_computed() -> None:
    model = Held()

    async def asked(engine: Engine) -> None:
        first = asyncio.ensure_future(engine.answer([[1]]))
        await begun(model)
        late = asyncio.ensure_future(engine.answer([[2]]))
        await asyncio.sleep(0.1)
        model.go.set()
        await first
        with pytest.raises(ExpiredError):
            await late

    on_engine(model, asked, deadline_s=0.05)
    assert model.calls == [[[1]]]


def test_only_rows_of_one_length_are_put_together_and_only_where_it_is_allowed() -> None:
    for together, expected in ((4, [[[0]], [[1, 1], [3, 3], [5, 5]], [[2]], [[4, 4, 4]]]), (1, None)):
        model = Held()

        async def asked(engine: Engine, model: Held = model) -> None:
            rows = [[1, 1], [2], [3, 3], [4, 4, 4], [5, 5]]
            first = asyncio.ensure_future(engine.answer([[0]]))
            await begun(model)
            others = [asyncio.ensure_future(engine.answer([row])) for row in rows]
            await asyncio.sleep(0.01)
            model.go.set()
            await first
            assert [float((await one).logits[0][0]) for one in others] == [1, 2, 3, 4, 5]

        on_engine(model, asked, rows_together=together)
        assert model.calls == (expected or [[row] for row in ([0], [1, 1], [2], [3, 3], [4, 4, 4], [5, 5])])


def test_a_failure_is_of_its_request_alone() -> None:
    model = Held(free=True)

    async def asked(engine: Engine) -> None:
        with pytest.raises(RuntimeError, match="negative"):
            await engine.answer([[-1]])
        assert engine.is_alive
        assert (await engine.answer([[7]])).logits[0].tolist() == [7.0]

    on_engine(model, asked)


def test_closed_it_answers_what_it_has_and_takes_nothing_more() -> None:
    model = Held()

    async def asked(engine: Engine) -> None:
        waiting = [asyncio.ensure_future(engine.answer([[number]])) for number in range(3)]
        await begun(model)
        closing = asyncio.ensure_future(engine.close())
        await asyncio.sleep(0.01)
        with pytest.raises(ClosedError):
            await engine.answer([[9]])
        model.go.set()
        await closing
        assert [float((await one).logits[0][0]) for one in waiting] == [0, 1, 2]

    on_engine(model, asked)


def test_many_threads_answer_every_row_of_a_request_in_its_order() -> None:
    model = Held(free=True)

    async def asked(engine: Engine) -> None:
        found = await engine.answer([[number] for number in range(100)])
        assert [float(row[0]) for row in found.logits] == list(range(100))

    on_engine(model, asked, threads=4)
