"""Short stories for children: someone is introduced, runs into a problem, and it comes out well.

In the spirit of TinyStories (Eldan and Li 2023, https://arxiv.org/abs/2305.07759): few words, whole
plots. Names, things and ways of telling are drawn anew for each story, so that a small model has to
carry the names through instead of reciting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypedDict

from datamodules.bundled.draw import Draw, check_sizes
from datamodules.bundled.plots_of_feelings import PLOTS_OF_FEELINGS
from datamodules.bundled.plots_of_things import PLOTS_OF_THINGS
from datamodules.bundled.story_words import (
    CLOSINGS,
    DAYS,
    ELDERS,
    FRIENDS,
    HEROES,
    HOUSES,
    OPENINGS,
    OPENINGS_OF_A_DAY,
    PLACES,
    TIMES_OF_A_DAY,
    TRAITS,
)

PLOTS = (*PLOTS_OF_THINGS, *PLOTS_OF_FEELINGS)
DEFAULT_SIZES: Mapping[str, int] = MappingProxyType({"train": 2400, "validation": 300})
MIN_WORDS, MAX_WORDS = 80, 140
SHARE_OF_A_DAY = 0.3  # of the stories: they open with the day on which all of it happens


class BundledStory(TypedDict):
    text: str


def generate_stories(
    seed: int = 0, sizes: Mapping[str, int] = DEFAULT_SIZES
) -> dict[str, list[BundledStory]]:
    """Write the splits named in `sizes`, in that order; no story occurs twice, within or across splits.

    Raises `UserError` for a negative size.
    """
    check_sizes(sizes)
    seen: set[str] = set()
    return {
        split: [BundledStory(text=_write_unseen(draw, seen)) for _ in range(size)]
        for split, size in sizes.items()
        for draw in (Draw(f"stories/{split}", seed),)
    }


def _write_unseen(draw: Draw, seen: set[str]) -> str:
    """A story that was not written before; there are billions, so this ends."""
    while True:
        text = write_story(draw)
        if text not in seen and MIN_WORDS <= len(text.split()) <= MAX_WORDS:
            seen.add(text)
            return text


def write_story(draw: Draw) -> str:
    """One story: an opening, the beats of one plot in order, a closing."""
    plot = draw.pick(PLOTS)
    openings, days = (OPENINGS_OF_A_DAY, TIMES_OF_A_DAY) if draw.chance(SHARE_OF_A_DAY) else (OPENINGS, DAYS)
    words = drawn_words(draw, days)
    for table in plot.tables:
        words |= draw.pick(table)
    beats = (openings, *plot.middle, *plot.ending, CLOSINGS)
    return " ".join(draw.pick(beat).format(**words) for beat in beats)


def drawn_words(draw: Draw, days: Sequence[str]) -> dict[str, str]:
    """Words that every plot has: the hero, a friend and a grown-up, where they live, and one of `days`."""
    hero, kind, (he, his, him) = draw.pick(HEROES)
    friend, friend_kind, _ = draw.pick(FRIENDS)
    return {
        "hero": hero,
        "kind": kind,
        "friend": friend,
        "friend_kind": friend_kind,
        "elder": draw.pick(ELDERS),
        "trait": draw.pick(TRAITS),
        "house": draw.pick(HOUSES),
        "place": draw.pick(PLACES),
        "day": draw.pick(days),
        "he": he,
        "his": his,
        "him": him,
        "He": he.capitalize(),
        "His": his.capitalize(),
    }
