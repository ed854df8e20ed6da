"""Real TinyStories and spoilt ones: every figure tells apart what it is there for; about ten seconds."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.stories.training_text import TrainingText
from benchmarks.story_quality import quality_of, samples_of

pytestmark = pytest.mark.acceptance


def test_real_stories_and_spoilt_ones_differ_by_clear_margins(real_data: Path) -> None:
    folder = real_data / "data" / "tinystories"
    if not folder.is_dir():
        pytest.skip(f"no TinyStories in {folder}")
    train, validation = (
        pq.read_table(folder / f"{split}.parquet", columns=["text"])["text"].to_pylist()
        for split in ("train", "validation")
    )
    quality = quality_of(samples_of(validation[:400], train), train)
    names = TrainingText.read(train, []).names
    assert {"lily", "tim", "ben", "spot"} <= names
    assert not {"i", "mom", "the", "fox"} & names
    real = quality["real"]
    assert real["sound"] > 0.97
    assert real["coherent"] > 0.95
    assert real["loops"] < 0.02
    assert real["copied_13grams"] < 0.03
    assert real["known_words"] > 0.99
    assert real["names_kept"] > 0.9
    assert quality["broken off"]["sentence_end"] < 0.2 < 0.98 < real["sentence_end"]
    assert quality["shuffled"]["known_3grams"] < 0.1 < 0.7 < real["known_3grams"]
    assert quality["mixed"]["names_kept"] < 0.2
    assert quality["looped"]["loops"] > 0.99
    assert quality["looped"]["repeated_4grams"] > 0.3 > 0.02 > real["repeated_4grams"]
    assert quality["misspelt"]["known_words"] < 0.97
    assert quality["copies"]["copied_13grams"] == 1
    assert quality["alike"]["distinct_3"] < real["distinct_3"] / 4
    for spoilt in ("broken off", "looped", "copies"):
        assert quality[spoilt]["sound"] < 0.01
    for spoilt in ("broken off", "shuffled", "mixed", "looped", "copies"):
        assert quality[spoilt]["coherent"] < 0.08
