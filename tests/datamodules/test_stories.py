from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from datamodules.readers.separated import open_separated, texts_of
from datamodules.rows import SplitRows
from datamodules.stories import IGNORED, DemoStoriesData, StoryData, TinyStoriesData
from datamodules.tokenized import SplitName
from datamodules.tokenizers import train_tokenizer
from datamodules.tokens import TokenTable
from errors import UserError
from tests.datamodules.modules import made

STORY = st.lists(st.sampled_from(["Once", "upon", "a", "time", "Tom", "ran", "."]), min_size=1, max_size=30)


def module(folder: Path, block: int, kind: type[StoryData] = TinyStoriesData, **changes: object) -> StoryData:
    small = {"max_tokens": block, "batch_size": 4, "evaluation_tokens": 4 * block, "group_by_length": False}
    return made(kind, folder, folder / "cache", **{**small, **changes})


def write(folder: Path, train: list[str], validation: list[str]) -> Path:
    for split, texts in (("train", train), ("validation", validation)):
        pd.DataFrame({"text": texts}).to_parquet(folder / f"{split}.parquet")
    return folder


def holding(data: StoryData, split: SplitName, stories: list[str]) -> list[list[int]]:
    """Have `data` hold just `stories` as one split, tokenized; the ids of each with its end."""
    data.tokenizer = train_tokenizer("gpt2_bpe", ["Once upon a time Tom ran."], vocab_size=300)
    data.rows = {split: SplitRows(stories, None)}
    data.tables = {split: TokenTable.of(data.tokenize(split))}
    end = data.tokenizer.eos_token_id
    return [[*data.tokenizer(story)["input_ids"], end] for story in stories]


def targets(data: StoryData, split: SplitName) -> list[int]:
    """Every target of the split's batches, in order."""
    batch = data.collate(split, range(len(data.tables[split])))
    assert batch["input_ids"].shape[1] <= data.settings.max_tokens
    return [t for row in batch["labels"].tolist() for t in row if t != IGNORED]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(STORY.map(" ".join), min_size=1, max_size=12),
    st.integers(8, 40),
    st.sampled_from(["train", "test"]),
)
def test_every_token_is_a_target_once_and_none_is_invented(
    tmp_path: Path, stories: list[str], block: int, split: SplitName
) -> None:
    data = module(tmp_path, block)
    expected = holding(data, split, stories)
    assert targets(data, split) == [t for story in expected for t in story]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STORY.map(" ".join), min_size=1, max_size=12), st.integers(8, 40))
def test_blocks_overlap_by_one_and_are_full_but_the_last(
    tmp_path: Path, stories: list[str], block: int
) -> None:
    data = module(tmp_path, block)
    holding(data, "train", stories)
    table = data.tables["train"]
    assert set(table.lengths[:-1].tolist()) <= {block + 1}
    for row in range(len(table) - 1):
        assert table.sequence(row)[-1] == table.sequence(row + 1)[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STORY.map(" ".join), min_size=1, max_size=12), st.integers(8, 40))
def test_a_scored_story_is_told_by_its_windows_and_its_bytes_count_once(
    tmp_path: Path, stories: list[str], block: int
) -> None:
    data = module(tmp_path, block)
    expected = holding(data, "test", stories)
    batch = data.collate("test", range(len(data.tables["test"])))
    story_of = data.example_of("test")
    for number, (text, ids) in enumerate(zip(stories, expected, strict=True)):
        rows = story_of == number
        assert (batch["labels"][rows] != IGNORED).sum() == len(ids)
        assert batch["bytes"][rows].sum() == len(text.encode())


def test_unpacked_a_sequence_is_one_story_from_end_to_end(tmp_path: Path) -> None:
    data = module(tmp_path, 40, packed=False)
    expected = holding(data, "train", ["Tom ran.", "Once upon a time Tom ran."])
    end = data.tokenizer.eos_token_id
    found = [data.tables["train"].sequence(row).tolist() for row in range(2)]
    assert found == [[end, *ids] for ids in expected]


@pytest.mark.parametrize("packed", [True, False])
def test_the_real_end_of_a_story_is_learned_though_padding_has_the_same_id(
    tmp_path: Path, packed: bool
) -> None:
    stories = [f"Tom ran to tree {'far ' * i}." for i in range(6)]
    data = module(write(tmp_path, stories, stories), 60, packed=packed)
    data.setup()
    end = data.tokenizer.eos_token_id
    assert data.tokenizer.pad_token_id == end
    for split, count in (("train", 5), ("test", 6)):
        batch = data.collate(split, range(len(data.tables[split])))
        assert (batch["labels"] == end).sum() == count
        assert ((batch["labels"] == IGNORED) == (batch["attention_mask"] == 0)).all()
        assert (batch["labels"] == IGNORED).any() or (split, packed) == ("train", True)


def test_a_story_longer_than_the_context_is_refused_unpacked_and_taken_packed(tmp_path: Path) -> None:
    stories = ["Tom ran.", "Tom sat.", "Tom " + "ran and ran " * 20 + "home."]
    folder = write(tmp_path, stories, stories)
    module(folder, 30, selection_seed=1).setup()
    with pytest.raises(
        UserError,
        match=r"the story that begins with .Tom ran and ran .* tokens with its end, and the context holds 30",
    ):
        module(folder, 30, selection_seed=1, packed=False).setup()
    cut = module(folder, 30, packed=False, longer_stories="cut")
    holding(cut, "train", stories)
    assert cut.tables["train"].lengths.max() == 31


@pytest.mark.parametrize(
    ("train", "problem"),
    [
        ("", r"train.txt: is empty"),
        ("Tom ran. Tom sat.", r"train.txt: 17 bytes without a <\|endoftext\|> would be one text"),
        (b"Tom ran.<|endoftext|>Tom s\xe4t.<|endoftext|>", r"train.txt: is not UTF-8 at byte 26"),
    ],
)
def test_a_stories_file_that_cannot_be_meant_is_one_line(
    tmp_path: Path, train: str | bytes, problem: str
) -> None:
    (tmp_path / "train.txt").write_bytes(train if isinstance(train, bytes) else train.encode())
    (tmp_path / "validation.txt").write_text("Tom ran.<|endoftext|>")
    with pytest.raises(UserError, match=problem):
        module(tmp_path, 30).setup()


def test_a_file_of_separated_stories_holds_the_rows_that_a_table_holds(tmp_path: Path) -> None:
    stories = [f"Tom ran to tree {i}.\n\nIt was née big." for i in range(300)]
    table, text = tmp_path / "table", tmp_path / "text"
    for folder in (table, text):
        folder.mkdir()
    write(table, stories, stories[:4])
    for split, some in (("train", stories), ("validation", stories[:4])):
        (text / f"{split}.txt").write_text("\n<|endoftext|>\n".join(some) + "\n<|endoftext|>\n")
    one, other = module(table, 30), module(text, 30)
    one.setup()
    other.setup()
    assert one.fingerprints() == other.fingerprints()
    assert other.rows["test"].texts[3] == stories[3]


def test_pieces_of_a_file_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "train.txt"
    file.write_text("\ufeffé one<|endoftext|>two ü<|endoftext|>three")
    for size in range(1, 60):
        monkeypatch.setattr("datamodules.text_files.PIECE_BYTES", size)
        monkeypatch.setattr("datamodules.readers.separated.PIECE_BYTES", size)
        assert list(texts_of(file, "<|endoftext|>")) == ["é one", "two ü", "three"]
        assert open_separated(file, "<|endoftext|>").count() == 3


def test_the_mark_of_an_end_inside_a_row_is_refused(tmp_path: Path) -> None:
    stories = ["Tom ran.", "Tom sat.<|endoftext|>Tom ran again."]
    with pytest.raises(UserError, match=r"<\|endoftext\|> stands in the story that begins with .Tom sat"):
        module(write(tmp_path, ["Tom hid.", "Tom fell."], stories), 30).setup()


def test_a_folder_counts_also_where_stories_are_bundled(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        pd.DataFrame({"text": [f"Tom ran to tree {i}." for i in range(6)]}).to_parquet(
            tmp_path / f"{split}.parquet"
        )
    data = module(tmp_path, 20, DemoStoriesData)
    data.setup()
    assert (data.origin, len(data.rows["test"].texts)) == (str(tmp_path), 6)


def test_a_row_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    raw = b"Tom ran.Lily s\xe4t.Tom sat."
    offsets = np.array([0, 8, 17, 25], dtype=np.int32)
    column = pa.Array.from_buffers(pa.string(), 3, [None, pa.py_buffer(offsets), pa.py_buffer(raw)])
    write(tmp_path, ["Tom ran."], ["Tom ran."])
    pq.write_table(pa.table({"text": column}), tmp_path / "train.parquet")
    with pytest.raises(UserError, match="row 1: the text is not UTF-8"):
        module(tmp_path, 30).setup()


def test_a_story_too_long_is_refused_also_where_it_was_cut_before(tmp_path: Path) -> None:
    stories = ["Tom ran.", "Tom sat.", "Tom " + "ran and ran " * 20 + "home."]
    folder = write(tmp_path, stories, stories)
    module(folder, 30, selection_seed=1, packed=False, longer_stories="cut").setup()
    with pytest.raises(UserError, match="and the context holds 30"):
        module(folder, 30, selection_seed=1, packed=False).setup()


def test_another_end_is_not_read_from_the_cache(tmp_path: Path) -> None:
    """Both tokenizers split every text alike."""
    ends = ("<|endoftext|>", "</s>")
    pieces = Tokenizer(models.WordLevel({**{end: i for i, end in enumerate(ends)}, "Tom": 2, "?": 3}, "?"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    pieces.add_special_tokens(list(ends))
    folder = write(tmp_path, ["Tom Tom.", "Tom ran."], ["Tom"])
    for number, end in enumerate(ends):
        made = PreTrainedTokenizerFast(tokenizer_object=pieces, eos_token=end)
        made.save_pretrained(tmp_path / end.strip("<|/>"))
        data = module(folder, 30, tokenizer=str(tmp_path / end.strip("<|/>")))
        data.setup()
        assert data.tables["test"].sequence(0).tolist() == [number, 2, number]
        assert data.example_of("test").tolist() == [0]


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    TokenTable.write(tmp_path, [[1, 2], [3]])
    table = TokenTable.load(tmp_path)
    assert [table.sequence(row).tolist() for row in range(len(table))] == [[1, 2], [3]]


def test_a_full_disk_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for split in ("train", "validation"):
        (tmp_path / f"{split}.txt").write_text("Tom ran.<|endoftext|>Tom sat.")
    monkeypatch.setattr("datamodules.readers.separated.texts_of", full)
    with pytest.raises(UserError, match="No space left on device"):
        module(tmp_path, 30).setup()
