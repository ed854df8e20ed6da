from __future__ import annotations

from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamodules.stories import IGNORED, DemoStoriesData, StoryData, TinyStoriesData
from datamodules.tokenizers import train_tokenizer

STORY = st.lists(st.sampled_from(["Once", "upon", "a", "time", "Tom", "ran", "."]), min_size=1, max_size=30)


def module(folder: Path, block: int, kind: type[StoryData] = TinyStoriesData) -> StoryData:
    return kind(
        path=folder, revision="main", tokenizer=None, tokenizer_revision="main",
        vocab_size=300, max_tokens=block, batch_size=4,
        batch_tokens=None, evaluation_tokens=4 * block, group_by_length=False, selection_examples=1,
        selection_seed=0, train_examples=None, seed=0, loader_workers=0, accumulate_batches=1,
        cache_dir=folder / "cache", local_files_only=True,
    )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STORY.map(" ".join), min_size=1, max_size=12), st.integers(8, 40))
def test_every_token_is_a_target_once_and_none_is_invented(
    tmp_path: Path, stories: list[str], block: int
) -> None:
    data = module(tmp_path, block)
    data.tokenizer = train_tokenizer("gpt2_bpe", ["Once upon a time Tom ran."], vocab_size=300)
    data.tables = {"test": data.tokenize(stories)}
    end = data.tokenizer.eos_token_id
    expected = [t for story in stories for t in (*data.tokenizer(story)["input_ids"], end)]
    batch = data.collate("test", range(len(data.tables["test"])))
    targets = [t for row in batch["labels"].tolist() for t in row if t != IGNORED]
    assert targets == expected
    assert batch["input_ids"].shape[1] <= block


def test_the_real_end_of_a_story_is_learned_though_padding_has_the_same_id(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [f"Tom ran to tree {i}." for i in range(6)]})
    for split in ("train", "validation"):
        frame.to_parquet(tmp_path / f"{split}.parquet")
    data = module(tmp_path, 20)  # does not divide the stream, so the last block is padded
    data.setup()
    batch = data.collate("test", range(len(data.tables["test"])))
    end = data.tokenizer.eos_token_id
    assert data.tokenizer.pad_token_id == end
    assert (batch["labels"] == end).sum() == 6
    assert (batch["labels"] == IGNORED).any()


def test_a_folder_counts_also_where_stories_are_bundled(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        pd.DataFrame({"text": [f"Tom ran to tree {i}." for i in range(6)]}).to_parquet(
            tmp_path / f"{split}.parquet"
        )
    data = module(tmp_path, 20, DemoStoriesData)
    data.setup()
    assert (data.origin, len(data.rows["test"].texts)) == (str(tmp_path), 6)
