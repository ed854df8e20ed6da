"""The thread that writes stories, its queue, and who gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from export.decoding_rows import DecodingModel, DecodingRows
from generation.sampling import Draft
from serving.limits import MOST_STORIES, Limits
from serving.queueing import ClosedError, ExpiredError, FullError
from serving.story import Piece, Story
from serving.writing import Telling, Writers

END = 0
ROOM = Limits(queued_tokens=10_000, deadline_s=30, rows_together=8)


@pytest.fixture(scope="module")
def model(story_bundle: Path) -> DecodingModel:
    return DecodingModel(story_bundle, threads=1, rows_apart=False)


def story(number: int = 0, *, tokens: int = 40, kind: type[Story] = Story) -> Story:
    """One that never ends by itself."""
    draft = Draft(
        [number + 5], (0, number), end=-1, max_length=tokens + 1, temperature=1, top_p=1, repetition_penalty=1
    )
    return kind(draft, lambda ids: "x" * len(ids), [])


async def text(telling: Telling) -> str:
    pieces: list[Piece] = [await telling.next()]
    while pieces[-1].why is None:
        pieces.append(await telling.next())
    return "".join(piece.text for piece in pieces)


def run(
    model: DecodingModel,
    work: Callable[[Writers, list[int]], Awaitable[None]],
    limits: Limits = ROOM,
) -> None:
    """`work` with writers, and the rows of each call so far; afterwards nothing may be counted as queued."""
    calls: list[int] = []

    async def whole() -> None:
        writers = Writers(model, end=END, limits=limits, on_call=lambda rows, *_: calls.append(rows))
        writers.start()
        await work(writers, calls)
        await writers.close()
        await asyncio.sleep(0)
        assert writers.queued_tokens == 0
        assert not writers.is_alive

    asyncio.run(whole())


def test_stories_are_written_side_by_side_up_to_the_most_and_all_come_to_their_end(
    model: DecodingModel,
) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        stories = [story(number) for number in range(20)]
        tellings = writers.begin(stories, [41] * 20)
        assert writers.queued_tokens == 20 * 41
        assert [len(found) for found in await asyncio.gather(*map(text, tellings))] == [40] * 20
        assert max(calls) == MOST_STORIES
        assert sum(calls) == sum(one.tokens for one in stories) == 20 * 40

    run(model, work)


def test_who_gives_up_costs_at_most_two_tokens_more(model: DecodingModel) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        [telling] = writers.begin([story(tokens=500)], [501])
        for _ in range(5):
            await telling.next()
        writers.give_up([telling])
        before = len(calls)
        assert writers.queued_tokens == 0
        await text(writers.begin([story(1, tokens=20)], [21])[0])
        assert set(calls[before + 2 :]) == {1}, "the other one is still read"
        assert len(calls) - before <= 20 + 2

    run(model, work)


def test_what_waits_and_is_given_up_is_never_begun(model: DecodingModel) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        going = writers.begin(
            [story(number, tokens=400) for number in range(MOST_STORIES)], [401] * MOST_STORIES
        )
        waiting = [story(number) for number in range(5)]
        writers.give_up(writers.begin(waiting, [41] * 5))
        await asyncio.gather(*map(text, going))
        assert {one.tokens for one in waiting} == {0}

    run(model, work)


def test_what_does_not_fit_is_refused_at_once_and_whole(model: DecodingModel) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        tellings = writers.begin([story()], [41])
        with pytest.raises(FullError) as error:
            writers.begin([story(1), story(2)], [41, 41])
        assert 1 <= error.value.retry_s <= 60
        assert writers.queued_tokens == 41
        await text(tellings[0])
        await text(writers.begin([story(1)], [41])[0])

    run(model, work, Limits(queued_tokens=100, deadline_s=30, rows_together=8))


def test_a_story_whose_turn_comes_too_late_is_not_begun(model: DecodingModel) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        with pytest.raises(ExpiredError):
            await text(writers.begin([story()], [41])[0])
        assert calls == []

    run(model, work, Limits(queued_tokens=100, deadline_s=0, rows_together=8))


def test_a_story_that_takes_too_long_is_broken_off(
    model: DecodingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.writing.LONGEST_STORY_S", 0)

    async def work(writers: Writers, calls: list[int]) -> None:
        with pytest.raises(ExpiredError):
            await text(writers.begin([story(tokens=400)], [401])[0])
        assert len(calls) < 10

    run(model, work)


def test_an_end_writes_what_was_accepted_and_takes_no_more(model: DecodingModel) -> None:
    async def work(writers: Writers, calls: list[int]) -> None:
        tellings = writers.begin([story(number) for number in range(12)], [41] * 12)
        ends = asyncio.ensure_future(writers.close())
        await asyncio.sleep(0)
        with pytest.raises(ClosedError):
            writers.begin([story()], [41])
        assert [len(found) for found in await asyncio.gather(*map(text, tellings))] == [40] * 12
        await ends

    run(model, work)


def test_a_fault_of_one_story_is_its_own(model: DecodingModel) -> None:
    class Broken(Story):
        def take(self, logits_V: Any) -> Piece:
            if self.tokens == 3:
                raise ValueError
            return super().take(logits_V)

    async def work(writers: Writers, calls: list[int]) -> None:
        broken, whole = writers.begin([story(kind=Broken), story(1)], [41, 41])
        found = await asyncio.gather(text(broken), text(whole), return_exceptions=True)
        assert isinstance(found[0], ValueError)
        assert found[1] == "x" * 40

    run(model, work)


def failing(monkeypatch: pytest.MonkeyPatch, call: str, at: int) -> None:
    """The model throws at that one of the calls of it in which so many tokens are read: a prompt's, or one of each."""
    asked: list[int] = []
    sound = DecodingRows._call

    def faulty(rows: DecodingRows, begin: int, ids_RN: Any, lengths_R: Any) -> Any:
        if (call == "join") == (lengths_R.max() == 0):
            asked.append(0)
            if len(asked) == at:
                raise MemoryError
        return sound(rows, begin, ids_RN, lengths_R)

    monkeypatch.setattr(DecodingRows, "_call", faulty)


def test_a_prompt_that_makes_the_model_throw_ends_its_own_story_alone(
    model: DecodingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are written on, to the token as without it."""
    drawn: list[list[list[int]]] = []

    async def work(writers: Writers, calls: list[int]) -> None:
        stories = [story(number, tokens=60) for number in range(4)]
        found = await asyncio.gather(*map(text, writers.begin(stories, [61] * 4)), return_exceptions=True)
        drawn.append([one.draft.ids for one in stories])
        assert [isinstance(one, MemoryError) for one in found] == [False, bool(drawn[1:]), False, False]

    run(model, work)
    failing(monkeypatch, "join", at=2)
    run(model, work)
    alone, beside = drawn
    assert [beside[number] for number in (0, 2, 3)] == [alone[number] for number in (0, 2, 3)]


def test_a_fault_of_the_model_between_two_tokens_is_told_and_the_next_story_is_written(
    model: DecodingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "step", at=20)

    async def work(writers: Writers, calls: list[int]) -> None:
        tellings = writers.begin([story(0, tokens=100), story(1, tokens=100)], [101, 101])
        found = await asyncio.gather(*map(text, tellings), return_exceptions=True)
        assert [type(one) for one in found] == [MemoryError, MemoryError]
        assert await text(writers.begin([story(2)], [41])[0]) == "x" * 40

    run(model, work)
