"""Short stories for children: someone is introduced, runs into a problem, and it comes out well.

In the spirit of TinyStories (Eldan and Li 2023, https://arxiv.org/abs/2305.07759): few words, whole
plots. Names, things and ways of telling are drawn anew for each story, so that a small model has to
carry the names through instead of reciting.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from datamodules.bundled.draw import Draw, check_sizes
from datamodules.bundled.plots_of_feelings import PLOTS_OF_FEELINGS
from datamodules.bundled.plots_of_things import PLOTS_OF_THINGS
from datamodules.bundled.story_words import (
    ANIMALS,
    BOYS,
    CLOSINGS,
    DAYS,
    ELDERS,
    GIRLS,
    HE,
    HOMES,
    OPENINGS,
    SHE,
    TRAITS,
)

PLOTS = (*PLOTS_OF_THINGS, *PLOTS_OF_FEELINGS)
DEFAULT_SIZES: Mapping[str, int] = MappingProxyType({"train": 1500, "validation": 150})
MIN_WORDS, MAX_WORDS = 60, 150


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
    words = {**_draw_characters(draw), **draw.pick(plot.casts), "day": draw.pick(DAYS)}
    beats = (OPENINGS, *plot.middle, *plot.ending, CLOSINGS)
    return " ".join(draw.pick(beat).format(**words) for beat in beats)


def _draw_characters(draw: Draw) -> dict[str, str]:
    """Words for the hero, a friend of another name and a grown-up."""
    is_girl = draw.chance(0.5)
    hero = draw.pick(GIRLS if is_girl else BOYS)
    he, his, him = SHE if is_girl else HE
    child = "girl" if is_girl else "boy"
    return {
        "hero": hero,
        "friend": draw.pick([name for name in (*GIRLS, *BOYS) if name != hero]),
        "elder": draw.pick(ELDERS),
        "kind": child if draw.chance(0.5) else draw.pick(ANIMALS),
        "trait": draw.pick(TRAITS),
        "home": draw.pick(HOMES),
        "he": he,
        "his": his,
        "him": him,
        "He": he.capitalize(),
        "His": his.capitalize(),
    }
