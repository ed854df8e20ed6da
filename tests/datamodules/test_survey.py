"""What is said of rows against what they are: every figure is counted here once more, in the plainest way."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.classification import DemoReviewsData
from datamodules.copies import copies_of, overlaps_of
from datamodules.holdout import normalized, text_digests
from datamodules.lengths import PERCENTILES, lengths_of
from datamodules.oddities import has_row, label_oddities, row_like_texts, row_pattern
from datamodules.rows import SplitRows
from datamodules.stories import DemoStoriesData
from datamodules.survey import Survey, survey
from datamodules.tokenized import TokenizedData
from tests.datamodules.modules import made

WORDS = ("dull", "fine", "film", "a", "not", "bad", "utterly", "Charming", "b\u00e9b\u00e9")


def module(folder: Path, kind: type[TokenizedData], **changes: object) -> TokenizedData:
    small = {"max_tokens": 12, "batch_size": 4, "group_by_length": False, "selection_examples": 5, "seed": 3}
    data = made(kind, folder, folder / "cache", **{**small, **changes})
    data.setup()
    return data


def look(data: TokenizedData) -> Survey:
    return survey(data, on_progress=lambda _what, _done, _total: None)


def texts(rows: int, seed: int, longest: int = 30) -> list[str]:
    draw = np.random.Generator(np.random.PCG64(seed))
    return [" ".join(draw.choice(WORDS, draw.integers(1, longest))) + f" {row}" for row in range(rows)]


def reviews(
    folder: Path, train: list[str], labels: list[int], official: list[str], **changes: object
) -> TokenizedData:
    pd.DataFrame({"sentence": train, "label": labels}).to_parquet(folder / "train.parquet")
    pd.DataFrame({"sentence": official, "label": [0, 1] * (len(official) // 2)}).to_parquet(
        folder / "validation.parquet"
    )
    return module(folder, DemoReviewsData, **changes)


def stories(folder: Path, **changes: object) -> TokenizedData:
    for split, seed in (("train", 0), ("validation", 1)):
        pd.DataFrame({"text": texts(40, seed)}).to_parquet(folder / f"{split}.parquet")
    return module(folder, DemoStoriesData, **changes)


def test_a_classifiers_lengths_are_those_of_the_whole_texts_though_the_tokens_are_cut(tmp_path: Path) -> None:
    data = reviews(tmp_path, texts(80, 0), [0, 1] * 40, texts(20, 1))
    found = look(data)
    for split in found.splits:
        rows = data.rows[split.split].texts  # type: ignore[index]
        whole = [len(data.tokenizer(text)["input_ids"]) for text in rows]
        assert max(whole) > 12
        assert split.lengths.whole == sum(length <= 12 for length in whole)
        assert split.lengths.beyond == sum(max(0, length - 12) for length in whole)
        assert split.lengths.percentiles == lengths_of(np.array(whole), 12).percentiles
        assert split.tokens == sum(min(12, length) for length in whole)
    assert look(data) == found  # from the cache
    assert any("longer than data.max_tokens=12 and are cut" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "how", [{}, {"packed": False, "longer_stories": "cut"}, {"packed": False, "max_tokens": 99}]
)
def test_a_storys_tokens_are_found_in_its_table_however_it_is_cut(
    tmp_path: Path, how: dict[str, object]
) -> None:
    data = stories(tmp_path, **how)
    found = look(data)
    for split in found.splits:
        rows = data.rows[split.split].texts  # type: ignore[index]
        whole = [len(data.tokenizer(text)["input_ids"]) + 1 for text in rows]
        assert split.lengths.rows == len(whole)
        assert split.lengths.percentiles == lengths_of(np.array(whole), 12).percentiles
    end = data.tokenizer.eos_token_id
    for sample in found.samples:
        assert sample.text == data.rows["train"].texts[sample.row]
        assert list(sample.ids) == [end, *data.tokenizer(sample.text)["input_ids"], end]


def test_rows_are_drawn_with_the_seed_and_their_pieces_are_their_text(tmp_path: Path) -> None:
    train = [f"{text} \N{ROCKET}" for text in texts(80, 0, 6)]
    data = reviews(tmp_path, train, [0, 1] * 40, texts(20, 1), max_tokens=60)
    found = look(data)
    assert len({sample.row for sample in found.samples}) == 5
    assert look(data).samples == found.samples
    for sample in found.samples:
        assert sample.label == ("negative", "positive")[train.index(sample.text) % 2]
        assert sample.pieces[0] == "[CLS]"
        assert sample.pieces[-1] == "[SEP]"
        written = "".join(piece for piece in sample.pieces[1:-1] if piece.isascii())
        assert written.strip() == sample.text.lower().replace("\N{ROCKET}", "").replace("\u00e9", "e").strip()


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "A", " a", "b", "c d", "C  d", "e"]), st.sampled_from([0, 1])),
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(train=ROWS, val=ROWS, test=ROWS)
def test_copies_and_overlaps_are_counted_after_normalisation(
    train: list[tuple[str, int]], val: list[tuple[str, int]], test: list[tuple[str, int]]
) -> None:
    splits = {"train": train, "val": val, "test": test}
    keys = {split: [normalized(text) for text, _ in rows] for split, rows in splits.items()}
    digests = {split: text_digests((text for text, _ in rows), len(rows)) for split, rows in splits.items()}
    counts = Counter(keys["train"])
    copies = copies_of(
        digests["train"], SplitRows([text for text, _ in train], [label for _, label in train])
    )
    assert copies.more == len(train) - len(counts)
    assert copies.texts == sum(count > 1 for count in counts.values())
    assert [count for _, count in copies.most] == sorted((c for c in counts.values() if c > 1), reverse=True)[
        :3
    ]
    labels = {key: {label for text, label in train if normalized(text) == key} for key in counts}
    assert copies.other_label == sum(len(found) > 1 for found in labels.values())
    for overlap in overlaps_of(digests):
        assert overlap.shared == sum(key in keys[overlap.within] for key in keys[overlap.of])
        assert overlap.rows == len(keys[overlap.of])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60), st.integers(1, 512))
def test_bars_hold_every_row_once_and_percentiles_are_lengths(lengths: list[int], max_tokens: int) -> None:
    found = lengths_of(np.array(lengths), max_tokens)
    assert sum(bar.rows for bar in found.bars) == len(lengths)
    for bar in found.bars:
        assert bar.first <= bar.last
        assert bar.rows == sum(bar.first <= length <= bar.last for length in lengths)
    for bar, following in pairwise(found.bars):
        assert bar.last + 1 == following.first
    assert len(found.bars) <= 15
    for percentile in PERCENTILES:
        value = found.percentiles[str(percentile)]
        assert value in lengths
        assert sum(length <= value for length in lengths) >= percentile / 100 * len(lengths)
        assert sum(length < value for length in lengths) <= percentile / 100 * len(lengths)


@pytest.mark.parametrize(
    ("text", "holds"),
    [("a fine film\t1\na dull film", True), ('dull,"0"\nfine', True), ("one\n1,two", True), ('x\n{"text": "y"}', True),
     ("one\r\n0;two", True), ("a film\nin two lines", False), ("part 1,\n2 of it", False), ("1, 2, 3", False),
     ("room 7\n\nis dull", False), ("a\t7\nb", False)],
)  # fmt: skip
def test_what_looks_like_rows_is_told_from_lines(text: str, holds: bool) -> None:
    assert has_row(text, row_pattern(2)) == holds


def test_of_many_texts_those_at_the_beginning_and_the_end_are_looked_at() -> None:
    texts = ["a film\nin two lines"] * 50_000
    assert list(row_like_texts("train", texts, 2)) == []
    for row in (0, 999, 49_000, 49_999):
        joined = [*texts[:row], "dull\t0\nfine", *texts[row + 1 :]]
        (told,) = row_like_texts("train", joined, 2)
        assert f"1 of 10,000 texts hold what looks like rows, the first is row {row}: " in told
    (told,) = row_like_texts("train", ["dull\t0\nfine"] * 1500, 2)
    assert "1,500 of 1,500 texts" in told


@pytest.mark.parametrize(
    ("counts", "told"),
    [({"negative": 50, "positive": 50}, []), ({}, []), ({"negative": 10, "positive": 90}, []),
     ({"negative": 9, "positive": 91}, ["9 of 100 rows are negative"]),
     ({"negative": 0, "positive": 7}, ["all 7 rows are positive"])],
)  # fmt: skip
def test_one_label_only_and_a_rare_one_are_told(counts: dict[str, int], told: list[str]) -> None:
    found = list(label_oddities("train", counts))
    assert len(found) == len(told)
    assert all(part in sentence for part, sentence in zip(told, found, strict=True))


def test_odd_rows_are_warned_of(tmp_path: Path) -> None:
    train = [f"{text} film" for text in texts(60, 0, 5)] + ["one dull film"] * 20
    train[7] += "\t1\nanother film"
    data = reviews(tmp_path, train, [1] * 76 + [0] * 4, [*train[10:20], *texts(10, 1, 5)], max_tokens=60)
    found = look(data)
    told = " ".join(found.warnings)
    assert "rows are negative" in told
    assert told.count("hold what looks like rows") == 1
    assert repr(train[7])[1:-1][-20:] in told
    assert "rows are copies of others" in told
    assert "test: " in told
    assert "rows stand in train, too" in told
    assert found.summary.text_warnings


def test_letters_that_name_a_special_token_and_unknown_tokens_are_counted(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(
        models.WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "film": 4}, unk_token="[UNK]")
    )
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    pieces.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=pieces, **names).save_pretrained(tmp_path / "pieces")
    train = [f"film dull {row}" for row in range(40)]
    train[3] = "film [SEP] film"
    data = reviews(tmp_path, train, [0, 1] * 20, texts(4, 1), tokenizer=str(tmp_path / "pieces"))
    found = look(data)
    assert sum(split.with_special.get("[SEP]", 0) for split in found.splits) == 1
    assert found.splits[0].unknown == int((np.asarray(data.tables["train"].ids_S) == 1).sum()) > 0
    assert any("of the tokens are unknown to the tokenizer" in warning for warning in found.warnings)
