from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from datamodules.classification import DemoReviewsData, Sst2Data
from errors import UserError
from tests.datamodules.modules import made

ROWS = {"sentence": ["a dull film", "a fine film", "not bad at all", "bad"], "label": [0, 1, 1, 0]}


def data(
    path: Path, cache: Path, kind: type[Sst2Data] | type[DemoReviewsData] = Sst2Data, **changes: object
) -> Sst2Data | DemoReviewsData:
    return made(kind, path, cache, **{"vocab_size": 100, **changes})


def write(
    folder: Path, suffix: str, train: dict[str, list[object]], official: dict[str, list[object]]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("validation", official)):
        frame = pd.DataFrame(rows)
        path = folder / f"{split}.{suffix}"
        match suffix:
            case "parquet":
                frame.to_parquet(path)
            case "jsonl":
                path.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))
            case "csv":
                frame.to_csv(path, index=False)
            case "tsv":
                frame.to_csv(path, index=False, sep="\t")
    return folder


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv", "tsv"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    reference = data(write(tmp_path / "reference", "parquet", ROWS, ROWS), tmp_path / "cache")
    module = data(write(tmp_path / suffix, suffix, ROWS, ROWS), tmp_path / "cache")
    reference.setup()
    module.setup()
    assert module.fingerprints() == reference.fingerprints()
    assert list(module.rows["test"].texts) == ROWS["sentence"]


def test_a_changed_cell_changes_the_fingerprint(tmp_path: Path) -> None:
    changed = {**ROWS, "label": [0, 1, 1, 1]}
    one = data(write(tmp_path / "one", "parquet", ROWS, ROWS), tmp_path / "cache")
    two = data(write(tmp_path / "two", "parquet", ROWS, changed), tmp_path / "cache")
    one.setup()
    two.setup()
    assert one.fingerprints()["test"] != two.fingerprints()["test"]
    assert one.fingerprints()["train"] == two.fingerprints()["train"]


def test_a_folder_counts_also_where_rows_are_bundled(tmp_path: Path) -> None:
    folder = write(tmp_path / "own", "jsonl", ROWS, ROWS)
    module = data(folder, tmp_path / "cache", kind=DemoReviewsData)
    module.setup()
    assert list(module.rows["test"].texts) == ROWS["sentence"]
    assert module.origin == str(folder)


def test_more_train_rows_than_there_are_is_a_mistake(tmp_path: Path) -> None:
    module = data(write(tmp_path / "one", "parquet", ROWS, ROWS), tmp_path / "cache", train_examples=4)
    with pytest.raises(UserError, match="4 rows are asked for, 2 are left to train on"):
        module.setup()


def damaged(folder: Path) -> Path:
    write(folder, "parquet", ROWS, ROWS)
    path = folder / "validation.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    return folder


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


BAD_FOLDERS = {
    "missing": (lambda folder: folder, "no such folder"),
    "empty": (empty, "no file for the split 'train'"),
    "wrong columns": (
        lambda folder: write(folder, "parquet", {"text": ["a"], "label": [1]}, ROWS), "no column 'sentence'"),
    "label out of range": (
        lambda folder: write(folder, "parquet", ROWS, {**ROWS, "label": [0, 1, 2, 0]}), "row 2: label 2"),
    "unlabelled": (
        lambda folder: write(folder, "parquet", ROWS, {**ROWS, "label": [-1] * 4}), "row 0: label -1"),
    "empty text": (
        lambda folder: write(folder, "parquet", {**ROWS, "sentence": ["a", "b", " ", "c"]}, ROWS), "row 2"),
    "no rows": (
        lambda folder: write(folder, "parquet", ROWS, {"sentence": [], "label": []}), "no rows"),
    "corrupt parquet": (damaged, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder_is_named_in_one_line(tmp_path: Path, case: str) -> None:
    make, expected = BAD_FOLDERS[case]
    folder = make(tmp_path / "data")
    with pytest.raises(UserError) as caught:
        data(folder, tmp_path / "cache").setup()
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message
    assert str(tmp_path / "data") in message


def test_without_a_hub_the_error_names_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        data(None, tmp_path / "cache").setup()  # type: ignore[arg-type]
    for way in ("data.path", "model.pretrained", "make demo"):
        assert way in str(caught.value)


def test_batches_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    rows = {"sentence": [f"film number {i} is fine" for i in range(40)], "label": [i % 2 for i in range(40)]}
    folder = write(tmp_path / "data", "parquet", rows, rows)

    def seen(workers: int) -> list[list[int]]:
        module = data(folder, tmp_path / "cache", loader_workers=workers, batch_size=4)
        module.setup()
        return [batch["row"].tolist() for batch in module.train_dataloader()]

    assert seen(0) == seen(2)


def test_tokens_come_from_the_cache_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "data", "parquet", ROWS, ROWS)
    first = data(folder, tmp_path / "cache")
    first.setup()

    def refuse(*_: object) -> None:
        raise AssertionError("tokenized again")

    monkeypatch.setattr(Sst2Data, "tokenize", refuse)
    again = data(folder, tmp_path / "cache")
    again.setup()
    assert again.tables["train"].ids_S.tolist() == first.tables["train"].ids_S.tolist()
    with pytest.raises(AssertionError, match="tokenized again"):
        data(folder, tmp_path / "cache", max_tokens=8).setup()


def test_unquoted_tsv_rows_stay_apart_and_words_like_null_are_texts(tmp_path: Path) -> None:
    lines = ['"the film\t1', "foo bar\t0", '"a fine bar baz\t1', "null\t0", "NA\t0"]
    for split in ("train", "validation"):
        (tmp_path / f"{split}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    module = data(tmp_path, tmp_path / "cache")
    module.setup()
    assert list(module.rows["test"].texts) == [line.split("\t")[0] for line in lines]


def test_a_file_that_changed_under_the_same_name_and_time_is_read_anew(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", "jsonl", ROWS, ROWS)
    path = folder / "validation.jsonl"
    data(folder, tmp_path / "cache").setup()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("a dull film", "a mild film"))
    os.utime(path, ns=times)
    module = data(folder, tmp_path / "cache")
    module.setup()
    assert module.rows["test"].texts[0] == "a mild film"


def test_holding_out_every_row_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", "parquet", ROWS, ROWS)
    with pytest.raises(UserError, match="4 rows are to be held out, and train has 3"):
        data(folder, tmp_path / "cache", selection_examples=4).setup()
    with pytest.raises(UserError, match="no row is left to train on"):
        data(folder, tmp_path / "cache", selection_examples=3).setup()
