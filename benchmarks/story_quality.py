"""The figures of story quality on real stories, and on stories that are spoilt in one way each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.stories.story_quality import JudgedStory, story_quality
from analysis.stories.training_text import TrainingText
from benchmarks.broken_stories import broken_off, looped, misspelt, sentences_mixed, words_shuffled
from benchmarks.results import table, write_section
from runs.files import run_named

REAL, BROKEN_OFF = "real", "broken off"
_IN_PERCENT = (
    *("ended", "sentence_end", "repeated_4grams", "loops", "known_words", "known_3grams", "copied_13grams"),
    *("named", "names_kept", "distinct_1", "distinct_2", "distinct_3", "sound", "coherent"),
)


def measure(real_data: Path) -> None:
    """Writes the section."""
    folder = real_data / "data" / "tinystories"
    training, validation = (_texts(folder / f"{split}.parquet") for split in ("train", "validation"))
    begun = time.perf_counter()
    TrainingText.read(training, validation)
    seconds = time.perf_counter() - begun
    quality = quality_of(samples_of(validation, training), training)
    write_section(
        "Story quality of real and spoilt stories",
        "python -m benchmarks story_quality",
        f"{len(validation):,} validation stories of TinyStories (Eldan & Li 2023) against {len(training):,} train "
        f"stories: as they are, spoilt in one way each, as many train stories (copies), and a tenth of them told "
        f"ten times (alike). In %, but words. The pass over the train stories took {seconds:.1f} s.\n\n"
        + _figures_table(quality),
    )


def samples_of(real: Sequence[str], training: Sequence[str]) -> dict[str, Sequence[str]]:
    """The real stories and the controls, by name; all of about as many stories."""
    return {
        REAL: real,
        BROKEN_OFF: broken_off(real),
        "shuffled": words_shuffled(real),
        "mixed": sentences_mixed(real),
        "looped": looped(real),
        "misspelt": misspelt(real),
        "copies": training[: len(real)],
        "alike": [*real[: len(real) // 10]] * 10,
    }


def quality_of(samples: Mapping[str, Sequence[str]], training: Sequence[str]) -> dict[str, dict[str, float]]:
    """The figures of each sample; only stories that are broken off did not end by themselves."""
    text = TrainingText.read(training, [story for stories in samples.values() for story in stories])
    return {
        name: story_quality([JudgedStory(story, ended=name != BROKEN_OFF) for story in stories], text)
        for name, stories in samples.items()
    }


def _texts(file: Path) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_table(file, columns=["text"])["text"].to_pylist()


def _figures_table(quality: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["words", *(f"{of_one['words']:.0f}" for of_one in quality.values())]]
    rows += [[name, *(f"{of_one[name]:.1%}"[:-1] for of_one in quality.values())] for name in _IN_PERCENT]
    return table(["figure", *quality], rows)


def measure_perplexity(real_data: Path, root: Path, run_id: str) -> None:
    """How likely a trained model finds the same samples; writes the section."""
    import math

    from experiments.stories.generate import trained_writer
    from experiments.stories.quality import nats_of
    from host.cpu import usable_cores
    from tracking.store import Store

    store = Store.open(root)
    source = trained_writer(run_named(store, run_id), "torch", threads=usable_cores())
    tokenizer, model = source.writer().tokenizer, source.model()
    folder = real_data / "data" / "tinystories"
    training, validation = (_texts(folder / f"{split}.parquet") for split in ("train", "validation"))
    perplexity: dict[str, str] = {}
    for name, texts in samples_of(validation[:300], training).items():
        nats, tokens = nats_of(
            [JudgedStory(text, ended=name != BROKEN_OFF) for text in texts], model, tokenizer
        )
        perplexity[name] = f"{math.exp(nats.sum() / tokens.sum()):.2f}"
    write_section(
        "Perplexity of real and spoilt stories",
        "python -m benchmarks story_perplexity ID",
        "Under a run of tinystories_small; 300 validation stories and their spoilt kin, as in the section on story "
        "quality.\n\n" + table(["", *perplexity], [["perplexity", *perplexity.values()]]),
    )
