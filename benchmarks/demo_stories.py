"""What the stories of the demo's model are worth, by docs/story-quality.md and by the generator's own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.results import table, write_section
from datamodules.bundled.draw import Draw
from datamodules.bundled.stories import PLOTS, drawn_words, generate_stories
from datamodules.bundled.story_words import CLOSINGS, DAYS, OPENINGS, OPENINGS_OF_A_DAY, TIMES_OF_A_DAY

if TYPE_CHECKING:
    from generation.writer import Story
    from tracking.store import Store

EXPERIMENT = "demo_stories"
SEEDS, STORIES = (0, 1, 2), 50
_IN_PERCENT = ("good", "whole_sentences", "ended", "loops", "names_kept", "coherent", "copied_13grams")


def measure() -> None:
    """Trains the demo's storyteller with three seeds; writes the section."""
    from experiments.loading import load_experiment
    from experiments.training.train import train
    from tracking.store import Store

    found: dict[str, dict[str, float]] = {
        "held-out stories": figures(generated("validation"), [True] * STORIES)
    }
    with TemporaryDirectory(prefix="encore-bench-") as scratch:
        store = Store.open(Path(scratch) / "mlruns")
        for seed in SEEDS:
            run = train(load_experiment(EXPERIMENT, [f"seed={seed}", "export.when=never"]), store).run_id
            stories = written(store, run)
            found[f"seed {seed}"] = figures([one.text for one in stories], [one.ended for one in stories])
    write_section(
        "The demo's stories",
        "python -m benchmarks demo_stories",
        f"{STORIES} stories of each model, drawn as the demo draws them: from its prompts, at the default temperature "
        "and top-p. Good ones end by themselves, do not loop, are whole sentences of the generator from the first to "
        "the last, and name two characters, both of them in both halves. In %, but words.\n\n"
        + table(["", *_IN_PERCENT, "words"], [_row(name, of_one) for name, of_one in found.items()]),
    )


def written(store: Store, run_id: str, count: int = STORIES) -> list[Story]:
    """`count` stories of a run of the demo's experiment, from its prompts in turn, with its decoding."""
    from experiments.stories.generate import trained_writer
    from runs.files import run_named

    source = trained_writer(run_named(store, run_id), "torch", threads=1)
    assert source.config.samples is not None
    prompts = source.config.samples.prompts
    asked = [prompts[number % len(prompts)] for number in range(count)]
    return source.writer(batch_size=count).write(asked, source.config.samples.decoding)


def generated(split: str) -> list[str]:
    """The bundled stories of a split; of the validation split as many as are judged of a model."""
    texts = [row["text"] for row in generate_stories()[split]]
    return texts[:STORIES] if split == "validation" else texts


def figures(texts: Sequence[str], ended: Sequence[bool]) -> dict[str, float]:
    """The judge's figures of a sample against the bundled training stories, and `whole_sentences` and `good`."""
    from analysis.stories.story_quality import JudgedStory, is_sound, story_figures, story_quality
    from analysis.stories.training_text import TrainingText

    judged = [JudgedStory(text, ended=end) for text, end in zip(texts, ended, strict=True)]
    training = TrainingText.read(generated("train"), texts)
    whole = [all_whole_sentences(text) for text in texts]
    each = [story_figures(story, training) for story in judged]
    good = [
        sentences and is_sound(of_one, max_copied=1) and of_one["names"] == 2 and of_one["names_kept"] == 1
        for sentences, of_one in zip(whole, each, strict=True)
    ]
    return story_quality(judged, training, max_copied=1) | {
        "whole_sentences": sum(whole) / len(texts),
        "good": sum(good) / len(texts),
    }


def all_whole_sentences(text: str) -> bool:
    """Whether a text is beats of the generator from end to end, of whichever plot, its own words in each slot."""
    return _story().fullmatch(text.strip()) is not None


@cache
def _story() -> re.Pattern[str]:
    words = _words()

    def any_of(beats: Iterable[str]) -> str:
        # re.escape writes the braces of a slot as \\{ and \\}.
        return "|".join(
            re.sub(r"\\{(\w+)\\}", lambda slot: words[slot[1]], re.escape(beat)) for beat in beats
        )

    beats = [beat for plot in PLOTS for beats in (*plot.middle, *plot.ending) for beat in beats]
    opening, beat, closing = map(any_of, ((*OPENINGS, *OPENINGS_OF_A_DAY), beats, CLOSINGS))
    return re.compile(f"(?:{opening})(?: (?:{beat}))+ (?:{closing})")


def _words() -> dict[str, str]:
    """For each slot, a pattern of all words that the generator puts there."""
    found = dict[str, set[str]]()
    for plot in PLOTS:
        for row in (row for rows in plot.tables for row in rows):
            for slot, word in row.items():
                found.setdefault(slot, set()).add(word)
    draw = Draw("words of the slots", 0)
    for _ in range(2000):
        for slot, word in drawn_words(draw, (*DAYS, *TIMES_OF_A_DAY)).items():
            found.setdefault(slot, set()).add(word)
    return {slot: f"(?:{'|'.join(map(re.escape, sorted(words)))})" for slot, words in found.items()}


def _row(name: str, of_one: dict[str, float]) -> list[object]:
    return [name, *(f"{of_one[figure]:.1%}"[:-1] for figure in _IN_PERCENT), f"{of_one['words']:.0f}"]
