from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stories.story_quality import JudgedStory, story_figures, story_quality
from analysis.stories.training_text import TrainingText
from benchmarks.story_quality import quality_of, samples_of
from datamodules.bundled.stories import generate_stories

TRAINING = [
    "One day, Tim and Lily went to the big park and saw a red ball there.",
    "It was fun, Tim said, and Lily was happy, but Tim and Lily had to go.",
]
COPY = JudgedStory(TRAINING[0], ended=True)
OWN = JudgedStory('Lily saw Tim. "The park was fun," said Tim, and Lily went zooming', ended=False)
COUNTS = {"words", "names"}
CORPUS = {
    split: [story["text"] for story in rows]
    for split, rows in generate_stories(sizes={"train": 600, "validation": 60}).items()
}


def test_the_figures_of_hand_made_stories() -> None:
    training = TrainingText.read(TRAINING, [COPY.text, OWN.text])
    assert training.names == {"tim", "lily"}
    assert story_figures(COPY, training) == {
        "ended": 1,
        "sentence_end": 1,
        "words": 16,
        "repeated_4grams": 0,
        "loop": 0,
        "known_words": 1,
        "known_3grams": 1,
        "copied_13grams": 1,
        "names": 2,
        "names_kept": 0,
    }
    assert story_figures(OWN, training) == {
        "ended": 0,
        "sentence_end": 0,
        "words": 13,
        "repeated_4grams": 0,
        "loop": 0,
        "known_words": pytest.approx(12 / 13),
        "known_3grams": pytest.approx(2 / 11),  # tim and lily, and lily went
        "copied_13grams": 0,
        "names": 2,
        "names_kept": 1,
    }


def test_the_quality_of_a_sample_is_the_mean_and_pools_its_13grams() -> None:
    longer = JudgedStory(TRAINING[1] + " Then Tim and Lily went home with the ranger's dog.", ended=True)
    sample = [COPY, OWN, longer, JudgedStory("A park.", ended=True)]
    training = TrainingText.read(TRAINING, [story.text for story in sample])
    quality = story_quality(sample, training)
    assert quality["ended"] == 3 / 4
    assert quality["sentence_end"] == 3 / 4
    assert quality["words"] == (16 + 13 + 26 + 2) / 4
    assert quality["copied_13grams"] == (4 + 0 + 4 + 0) / (4 + 1 + 14 + 0)
    assert quality["named"] == 3 / 4
    # COPY names Tim and Lily in its first half alone, OWN and the longer one hold on to them.
    assert quality["names_kept"] == pytest.approx((0 + 1 + 1) / 3)
    assert quality["sound"] == 1 / 4
    assert quality["coherent"] == 0
    lenient = story_quality(sample, training, max_copied=0.3)
    assert (lenient["sound"], lenient["coherent"]) == (2 / 4, 1 / 4)


@pytest.mark.parametrize(
    ("story", "sound"),
    [
        (JudgedStory("Tim saw Lily in the park. It was fun.", ended=True), True),
        (JudgedStory("Tim saw Lily in the park. It was fun.", ended=False), False),
        (JudgedStory("Tim saw Lily in the park. It was", ended=True), False),
        (JudgedStory("Tim saw Lily. It was fun here. It was fun here.", ended=True), False),
        (COPY, False),
    ],
)
def test_each_condition_of_a_sound_story_counts(story: JudgedStory, sound: bool) -> None:
    training = TrainingText.read(TRAINING, [story.text])
    assert story_quality([story], training)["sound"] == sound


@pytest.mark.parametrize(
    ("text", "coherent"),
    [
        ("It was fun, Tim said. Tim had to go.", True),
        ("Tim and Lily had to go. It was fun, Tim said.", True),  # half of the names
        ("It was fun, Tim said. And Lily was happy.", False),  # none of them
        ("There was a red ball. It was fun to go.", True),  # no names
        ("Was it fun? Said Tim. To go had Tim.", False),  # the words of the first one
    ],
)
def test_a_coherent_story_keeps_names_and_has_known_3grams(text: str, coherent: bool) -> None:
    training = TrainingText.read([*TRAINING, "There was a red ball. It was fun to go."], [text])
    quality = story_quality([JudgedStory(text, ended=True)], training)
    assert (quality["sound"], quality["coherent"]) == (1, coherent)


WORDS = st.sampled_from(["Tim", "Lily", "the", "park", "saw", "zoom.", "\u201cfun!\u201d", "and", "\n"])
TEXTS = st.lists(WORDS, max_size=40).map(" ".join)
STORIES = st.lists(st.builds(JudgedStory, TEXTS, st.booleans()), min_size=1, max_size=5)


@settings(deadline=None)
@given(STORIES)
def test_all_figures_are_there_and_in_range(stories: list[JudgedStory]) -> None:
    training = TrainingText.read(TRAINING, [story.text for story in stories])
    of_all = [story_quality(stories, training), *(story_figures(story, training) for story in stories)]
    for figures in of_all:
        assert all(math.isfinite(value) and value >= 0 for value in figures.values())
        assert all(value <= 1 for name, value in figures.items() if name not in COUNTS)
    assert of_all[0]["coherent"] <= of_all[0]["sound"] <= min(of_all[0]["ended"], of_all[0]["sentence_end"])


@settings(deadline=None)
@given(STORIES)
def test_the_order_of_the_stories_and_of_the_training_stories_does_not_matter(
    stories: list[JudgedStory],
) -> None:
    texts = [story.text for story in stories]
    one = story_quality(stories, TrainingText.read(TRAINING, texts))
    other = story_quality(stories[::-1], TrainingText.read(TRAINING[::-1], [*texts[::-1], "more text"]))
    assert one == pytest.approx(other)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(0, 3))
def test_a_training_story_is_copied_whole_however_it_is_written(training: list[str], which: int) -> None:
    text = training[which % len(training)]
    rewritten = text.upper().replace("\u201c", '"').replace(" ", "  ")
    figures = story_figures(JudgedStory(rewritten, ended=True), TrainingText.read(training, [rewritten]))
    assert figures["known_words"] == (figures["words"] > 0)
    assert figures["known_3grams"] == (figures["words"] >= 3)
    assert figures["copied_13grams"] == (figures["words"] >= 13)


@pytest.fixture(scope="module")
def quality() -> dict[str, dict[str, float]]:
    """Of the bundled validation stories as they are, and spoilt in each way."""
    return quality_of(samples_of(CORPUS["validation"], CORPUS["train"]), CORPUS["train"])


@pytest.mark.parametrize(
    ("spoilt", "figure", "margin"),
    [
        ("broken off", "ended", -1.0),
        ("broken off", "sentence_end", -0.7),
        ("shuffled", "known_3grams", -0.8),
        ("shuffled", "sentence_end", -0.7),
        ("mixed", "names_kept", -0.4),
        ("looped", "loops", 0.95),
        ("looped", "repeated_4grams", 0.3),
        ("misspelt", "known_words", -0.03),
        ("copies", "copied_13grams", 0.4),
        ("alike", "distinct_3", -0.2),
    ],
)
def test_bundled_stories_differ_from_spoilt_ones(
    quality: dict[str, dict[str, float]], spoilt: str, figure: str, margin: float
) -> None:
    difference = quality[spoilt][figure] - quality["real"][figure]
    assert difference / margin >= 1, difference
