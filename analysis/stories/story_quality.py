"""How good generated stories are, judged by their text and the training stories alone.

docs/story-quality.md has what each figure can and cannot tell, measured on real and on spoilt stories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.stories.names import names_in_both_halves
from analysis.stories.repetition import distinct, loops, repeated
from analysis.stories.training_text import COPIED, FLUENT, TrainingText
from analysis.stories.words import ends_a_sentence, words_of

MAX_COPIED = 0.1  # share of its 13-grams that a sound story may have in common with training stories
# What a coherent story has at least: 1.3 % and 0.1 % of the real ones have less, and 96 % of those mixed from others.
MIN_NAMES_KEPT = 0.5
MIN_KNOWN_3GRAMS = 0.4
# Figures of a story whose mean over the stories is that of a sample.
_MEANS = ("ended", "sentence_end", "words", "repeated_4grams", "known_words", "known_3grams")


@dataclass(frozen=True)
class JudgedStory:
    """A story as a language model told it.

    text: with the prompt. ended: the model wrote the end-of-text token itself, before any limit.
    """

    text: str
    ended: bool


def story_figures(story: JudgedStory, training: TrainingText) -> dict[str, float]:
    """The figures of one story, all of them always there and finite; `training` was read for it.

    ended, sentence_end, loop: 0 or 1. words, names: counts. All others are shares from 0 to 1, and 0 where
    there is nothing to share out: `copied_13grams` of fewer than 13 words (13-grams as in Brown et al. 2020,
    https://arxiv.org/abs/2005.14165), `names_kept` where `names` is 0.
    """
    words = words_of(story.text)
    kept, names = names_in_both_halves(story.text, training.names)
    return {
        "ended": float(story.ended),
        "sentence_end": float(ends_a_sentence(story.text)),
        "words": float(len(words)),
        "repeated_4grams": repeated(words),
        "loop": float(loops(words)),
        "known_words": _share(sum(word in training.words for word in words), len(words)),
        "known_3grams": _mean(training.holds(words, FLUENT)),
        "copied_13grams": _mean(training.holds(words, COPIED)),
        "names": float(names),
        "names_kept": _share(kept, names),
    }


def story_quality(
    stories: Sequence[JudgedStory], training: TrainingText, *, max_copied: float = MAX_COPIED
) -> dict[str, float]:
    """The figures of a sample of one story or more; `training` was read for all of them.

    Means over the stories, but `copied_13grams` is the share of all 13-grams of the sample, and `names_kept`
    the mean over the stories that name somebody, whose share is `named`. `loops` is the share of stories
    with a loop, `sound` that of stories that end by themselves, at a sentence's end, without a loop and with
    at most `max_copied` of their 13-grams copied, and `coherent` that of sound stories that have two fifths of
    their 3-grams from the training stories and keep half of their names, if they have any. `distinct_1` to
    `distinct_3` fall as the sample grows.
    """
    assert stories, "there is no quality of no stories"
    figures = [story_figures(story, training) for story in stories]
    words = [words_of(story.text) for story in stories]
    named = [of_one for of_one in figures if of_one["names"] > 0]
    sound = [of_one for of_one in figures if is_sound(of_one, max_copied=max_copied)]
    return {
        **{name: _mean([of_one[name] for of_one in figures]) for name in _MEANS},
        "loops": _mean([of_one["loop"] for of_one in figures]),
        "copied_13grams": _mean(np.concatenate([training.holds(of_one, COPIED) for of_one in words])),
        "named": len(named) / len(figures),
        "names_kept": _mean([of_one["names_kept"] for of_one in named]),
        **{f"distinct_{size}": distinct(words, size) for size in (1, 2, 3)},
        "sound": len(sound) / len(figures),
        "coherent": sum(_holds_together(of_one) for of_one in sound) / len(figures),
    }


def is_sound(figures: Mapping[str, float], *, max_copied: float = MAX_COPIED) -> bool:
    """Whether `figures` of a story are those of one that ended well: see `story_quality`."""
    ended_well = figures["ended"] == 1 and figures["sentence_end"] == 1
    return ended_well and figures["loop"] == 0 and figures["copied_13grams"] <= max_copied


def _holds_together(figures: Mapping[str, float]) -> bool:
    keeps_names = figures["names"] == 0 or figures["names_kept"] >= MIN_NAMES_KEPT
    return keeps_names and figures["known_3grams"] >= MIN_KNOWN_3GRAMS


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 0.0
