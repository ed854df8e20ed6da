"""How a csv or a tsv was written is told from what it holds."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.readers.quoting import Said
from datamodules.readers.records import quoted_records, unquoted
from errors import UserError
from tests.datamodules.folders import REVIEWS, STORIES, Content, fill, labels, read, texts

FILMS = [(f"a film of {i} parts", i % 2) for i in range(12)]


def lines(*rows: tuple[str, object], header: str = "sentence,label", between: str = ",") -> str:
    """Rows as they are, nothing quoted."""
    return "".join(f"{line}\n" for line in [header, *(f"{text}{between}{label}" for text, label in rows)])


def frame(rows: list[tuple[str, int]], **options: object) -> Content:
    return lambda path: pd.DataFrame(rows, columns=["sentence", "label"]).to_csv(path, index=False, **options)  # type: ignore[call-overload]


SAID = [(f'they said "part {i}", and left', i % 2) for i in range(12)]
PLAIN_SAID = [(f'they said "part {i}" and left', i % 2) for i in range(12)]
STORY = 'A hare ran.\n\nIt met a "friend".\nThe end.'
TAB = {"sep": "\t"}
HOW: dict[str, tuple[str, Content, str, list[tuple[str, int]]]] = {
    "quoted tsv": ("tsv", frame(PLAIN_SAID, **TAB), "quoted", PLAIN_SAID),
    "unquoted tsv": (
        "tsv", lines(*PLAIN_SAID, header="sentence\tlabel", between="\t"), "unquoted", PLAIN_SAID),
    "quoted csv": ("csv", frame(SAID), "quoted", SAID),
    "header and texts quoted": ("csv", frame(FILMS, quoting=csv.QUOTE_NONNUMERIC), "quoted", FILMS),
    "labels quoted too": (
        "csv", lines(*[(f'"{t}"', f'"{n}"') for t, n in FILMS]), "quoted", FILMS),
    "every text in quotation marks": ("csv", lines(*[(f'"{t}"', n) for t, n in FILMS]), "quoted", FILMS),
    "one text in quotation marks of its own": (
        "csv", lines(*FILMS, ('"what a film"', 1)), "unquoted", [*FILMS, ('"what a film"', 1)]),
    "texts that open a quotation": (
        "csv", lines(FILMS[0], ('"mine', 1), FILMS[1], FILMS[2], ('"yours', 0), FILMS[3]), "unquoted",
        [FILMS[0], ('"mine', 1), FILMS[1], FILMS[2], ('"yours', 0), FILMS[3]]),
    "rows within a quoted text without labels": (
        "csv", frame([("one, x\ntwo", 1), *FILMS]), "quoted", [("one, x\ntwo", 1), *FILMS]),
    "CR LF": ("csv", lines(*FILMS).replace("\n", "\r\n"), "without quotation marks", FILMS),
    "a mark of the byte order": ("csv", "\ufeff" + lines(*FILMS), "without quotation marks", FILMS),
    "blank lines": ("csv", lines(*FILMS).replace("\n", "\n\n"), "without quotation marks", FILMS),
    "no end of the last line": ("csv", lines(*FILMS)[:-1], "without quotation marks", FILMS),
    "texts like numbers": (
        "csv", lines(("010000", 1), ("True", 0), ("1e5", 1), ("NA", 0)), "without quotation marks",
        [("010000", 1), ("True", 0), ("1e5", 1), ("NA", 0)]),
    "quotation marks in another column": (
        "csv", 'by,sentence,label\n"me",a film,1\n', "without quotation marks", [("a film", 1)]),
    "labels like floats": ("csv", lines(("a film", "1.0"), ("no film", "0.0")), "without quotation marks",
        [("a film", 1), ("no film", 0)]),
}  # fmt: skip


@pytest.mark.parametrize("case", HOW)
def test_rows_are_read_as_they_were_written(tmp_path: Path, case: str) -> None:
    kind, content, how, expected = HOW[case]
    other = lines(*FILMS) if kind == "csv" else lines(*FILMS, header="sentence\tlabel", between="\t")
    splits = read(fill(tmp_path / "data", {f"train.{kind}": content, f"validation.{kind}": other}))
    assert list(zip(texts(splits), labels(splits), strict=True)) == expected
    assert splits.reads[0].files[0].how == f"{kind}, {how}"


def test_paragraphs_of_a_quoted_tsv_are_one_story(tmp_path: Path) -> None:
    stories = pd.DataFrame({"text": [STORY] * 12})
    files: dict[str, Content] = {
        f"{split}.tsv": lambda path: stories.to_csv(path, index=False, sep="\t")
        for split in ("train", "validation")
    }
    assert texts(read(fill(tmp_path / "data", files), STORIES)) == [STORY] * 12


def test_a_file_that_leaves_it_open_is_read_as_the_one_beside_it(tmp_path: Path) -> None:
    few = frame([FILMS[0], PLAIN_SAID[0]], **TAB)  # type: ignore[arg-type]
    files = {"train.tsv": frame(PLAIN_SAID, **TAB), "validation.tsv": few}  # type: ignore[arg-type]
    found = read(fill(tmp_path / "data", files)).official
    assert found[:]["sentence"] == [FILMS[0][0], PLAIN_SAID[0][0]]
    with pytest.raises(UserError) as caught:
        read(fill(tmp_path / "alone", {"train.tsv": few, "validation.tsv": few}))
    assert """'they said "part 0" and left' or '"they said ""part 0"" and left"'""" in str(caught.value)


REFUSED: dict[str, tuple[Content, str]] = {
    "a field too many": (
        lines(("warm, truly", 1)), "row 0 (line 2) has 3 fields, the header 2. Put texts that hold a comma in quot"),
    "a field too few": (lines(*FILMS) + "a film\n", "row 12 (line 14) has 1 field, the header 2"),
    "a text that ends with CR": (
        "label,sentence\n1,a film\r\n0,no film\n", "line 2 ends with CR LF and the header with LF alone"),
    "a text that ends with CR in a quoted file": (
        '"label","sentence"\n1,"a film\r"\n0,no film\r\n1,"a\r\nb"\n', "line 3 ends with CR LF and the header"),
    "an escape character": (
        frame(PLAIN_SAID, doublequote=False, escapechar="\\"), "a backslash stands before each quotation mark"),
    "backslashes": (
        lines(*[('"they say \\"mine\\" twice"', n) for _, n in FILMS]), "a backslash stands before the quotation"),
    "rows within a quoted text": (
        lines(*FILMS, ('"I saw it.', 1), ("It was.", 0), ('I left."', 1), *FILMS),
        "in line 14 holds what looks like rows"),
    "rows with commas within a quoted text": (
        lines(*FILMS, ('"I saw it, and', 1), ('I left."', 1), *FILMS), "in line 14 holds what looks like rows"),
    "apostrophes": (lines(*[(f"'{text}'", label) for text, label in FILMS]), "stands between apostrophes"),
    "a quotation mark left open": (lines(('"warm, truly"', 1), ('"open, mine', 1)), "is not closed"),
    "one damaged row of a quoted file": (
        lines(*[('"a ""film"""', 1)] * 9, ('a "film', 1)), "in line 11) nor its texts'"),
    "semicolons": (lines(*FILMS, header="sentence;label", between=";"), "a semicolon stands between its columns"),
    "tabs": (lines(*FILMS, header="sentence\tlabel", between="\t"), "a tab stands between its columns"),
    "a space in the header": (lines(*FILMS, header="sentence, label"), "it has 'sentence', ' label')"),
    "spaces in the header": (lines(*FILMS, header="sentence,  label"), r"it has 'sentence', '\x20\x20label')"),
    "no header": (lines(*FILMS[1:], header="a film,1"), "no column 'sentence' (its first line names the columns"),
    "a column twice": (lines(("a film,1", 1), header="sentence,label,label"), "two columns 'label'"),
    "latin-1": (lines(*FILMS[:2], ("caf\xe9", 1)).encode("latin-1"), "is not UTF-8 at byte 58 (line 4). Write it"),
    "UTF-16": (lines(*FILMS).encode("utf-16"), "is UTF-16"),
    "UTF-16 without a mark": (lines(*FILMS).encode("utf-16-be"), "is UTF-16"),
    "CR alone": (lines(*FILMS).replace("\n", "\r"), "end with a carriage return alone"),
    "empty": ("", "is empty"),
    "a header alone": ("sentence,label\n", "no rows"),
    "a packed file": (b"\x1f\x8b\x08\0\0\0\0\0", "is a gzip file. Unpack it"),
    "a missing label": (lines(*FILMS[:5], ("a film", ""), *FILMS), "row 5 (line 7): the label is missing ('')"),
    "a missing label among floats": (lines(("a", "0.0"), ("b", "")), "row 1 (line 3): the label is missing"),
    **{f"label {label!r}": (lines(*FILMS, ("a film", label)), f"row 12 (line 14): label {label!r}")
       for label in (" 1", "+1", "positive", "True", "0.5", "1e0", "-1", "٣")},
    "label '2'": (lines(("a film", 2)), "label 2. Labels are whole numbers: 0 (negative), 1 (positive)"),
    "the header once more": (lines(*FILMS) + lines(*FILMS), "line 14 is the header once more"),
    "a quoted header once more": (
        lines(*[(f'"{t}"', n) for t, n in FILMS], header='"sentence",label') * 2, "line 14 is the header once more"),
    "Excel's line with the delimiter": (
        "sep=,\r\n" + lines(*FILMS), "its first line is 'sep=,', which Excel alone takes for the delimiter"),
    "Excel's line with a semicolon": (
        "sep=;\n" + lines(*FILMS, header="sentence;label", between=";"), "write a comma between the columns"),
    "delimiters at the ends of lines": (lines(("a film,1", "")), "Take the delimiters at the ends of lines away"),
    "a line below the rows": (lines(*FILMS) + "(12 rows)\n", "Give that row a field for each column, or take it out"),
    "a space before quotation marks": (
        lines(*[(f"{n}", ' "warm, truly"') for _, n in FILMS], header="label,sentence"),
        "(a space stands before the quotation mark that opens a field in line 2)"),
    "UTF-32": (lines(*FILMS).encode("utf-32"), "is UTF-32"),
    "an Excel file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "is an Office document. Save the sheet as CSV"),
    "a web page": ("<!DOCTYPE html><html></html>", "is a web page. Fetch the file itself"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "is a pointer of Git LFS"),
    "an empty text": (lines(("  ", 1)), "row 0 (line 2): 'sentence' is"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_fits_no_way_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    content, expected = REFUSED[case]
    folder = fill(tmp_path / "data", {"train.csv": content, "validation.csv": lines(*FILMS)})
    with pytest.raises(UserError) as caught:
        read(folder, REVIEWS)
    assert str(caught.value).startswith(f"{folder}/train.csv: ")
    assert expected in str(caught.value)


def test_a_row_like_the_header_is_no_story(tmp_path: Path) -> None:
    stories = "text\na hare ran\ntext\na fox sat\n"
    folder = fill(tmp_path / "data", {"train.csv": stories, "validation.csv": stories})
    with pytest.raises(UserError, match="line 3 is the header once more"):
        read(folder, STORIES)


@given(
    st.lists(
        st.lists(st.text('",\r\n aé\u2028\0', max_size=5), min_size=2, max_size=2), min_size=1, max_size=4
    ),
    st.integers(1, 12),
)
def test_records_do_not_depend_on_the_pieces_they_come_in(rows: list[list[str]], size: int) -> None:
    written = "".join(
        ",".join('"' + field.replace('"', '""') + '"' for field in row) + "\r\n" for row in rows
    )
    pieces = [written[i : i + size] for i in range(0, len(written), size)]
    found = [[unquoted(field) for field in fields] for _, fields in quoted_records(pieces, ",")]
    assert found == rows


def test_a_count_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "data", {f"{split}.csv": lines(*FILMS) for split in ("train", "validation")})
    assert [one.counted for one in read(folder).reads[0].files] == [12]
    monkeypatch.setattr("datamodules.readers.delimited.count_lines", lambda *_, **__: 14)
    with pytest.raises(UserError, match="12 rows were read and lines counts 13"):
        read(fill(tmp_path / "again", {f"{split}.csv": lines(*FILMS) for split in ("train", "validation")}))


def test_a_text_that_another_reader_does_not_find_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {f"{split}.csv": frame(SAID) for split in ("train", "validation")}
    assert [one.counted_by for one in read(fill(tmp_path / "data", written)).reads[0].files] == [
        "Python's csv reader"
    ]

    def careless(field: str) -> str:
        return field.strip('"')

    monkeypatch.setattr("datamodules.readers.delimited.unquoted", careless)
    with pytest.raises(UserError, match="Python's csv reader finds other texts in it"):
        read(fill(tmp_path / "again", {name: frame(SAID[:11]) for name in written}))


FEW = '"a ""fine"" film"\t1\nof its kind\t0\n'


@pytest.mark.parametrize(
    "text", ["part #1", "a film \\ a book", "one; two", "NULL", "wide \u00a0open", "ends wide "]
)
def test_a_text_that_some_program_quotes_decides_nothing_alone(tmp_path: Path, text: str) -> None:
    """DuckDB quotes what holds `#`, others do for other marks: the text is not in marks of its own."""
    folder = fill(
        tmp_path / "data",
        {f"{split}.csv": lines(*FILMS, (f'"{text}"', 1)) for split in ("train", "validation")},
    )
    with pytest.raises(UserError, match="can be its writer's or its texts'"):
        read(folder)
    assert text.strip() in texts(read(folder, quoting="quoted"))[-1]


@pytest.mark.parametrize(
    ("said", "expected"), [("quoted", 'a "fine" film'), ("unquoted", '"a ""fine"" film"')]
)
def test_a_person_may_say_whose_the_quotation_marks_are(tmp_path: Path, said: Said, expected: str) -> None:
    content = f"sentence\tlabel\n{FEW}"
    folder = fill(tmp_path / "data", {"train.tsv": content, "validation.tsv": content})
    with pytest.raises(UserError, match=r"Say data.quoting=quoted or data.quoting=unquoted"):
        read(folder)
    found = read(folder, quoting=said)
    assert texts(found) == [expected, "of its kind"]
    assert found.reads[0].files[0].how == f"tsv, {said}"


JOINED = lines(*FILMS, ('"I saw it.', 1), ("It was.", 0), ('I left."', 1), *FILMS)


def test_a_text_of_what_looks_like_rows_is_one_where_that_is_said(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data", {"train.csv": JOINED, "validation.csv": lines(*FILMS)})
    with pytest.raises(UserError, match=r"looks like rows. Say data.quoting=quoted if it is one text"):
        read(folder)
    assert "I saw it.,1\nIt was.,0\nI left." in texts(read(folder, quoting="quoted"))
    assert '"I saw it.' in texts(read(folder, quoting="unquoted"))


CONTRADICTED: dict[str, tuple[Said, str, str]] = {
    "a stray mark": ("quoted", lines(*FILMS, ('a "fine film', 1)), "is not quoted, as data.quoting says: a quotation"),
    "backslashes": ("quoted", lines(*[('"they say \\"mine\\" twice"', 1)] * 3), "a backslash stands before"),
    "a comma": ("unquoted", lines(('"warm, truly"', 1)), "is not unquoted, as data.quoting says: row 0 (line 2) has 3"),
    "no label": ("unquoted", lines(('"warm', "truly"), *FILMS), "is not unquoted, as data.quoting says: line 2 has no"),
    "a header": (
        "unquoted", lines(*[(f'"{t}"', n) for t, n in FILMS], header='"sentence",label'), "the names of its columns"),
    "doubled marks": ("unquoted", lines(*[('"a ""film"""', 1)] * 4), "most have two quotation marks for one"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTED)
def test_a_file_that_is_not_as_was_said_is_refused(tmp_path: Path, case: str) -> None:
    said, content, expected = CONTRADICTED[case]
    folder = fill(tmp_path / "data", {"train.csv": content, "validation.csv": lines(*FILMS)})
    with pytest.raises(UserError) as caught:
        read(folder, quoting=said)
    assert str(caught.value).startswith(f"{folder}/train.csv: ")
    assert expected in str(caught.value)


def test_what_is_said_of_quotation_marks_counts_for_delimited_files(tmp_path: Path) -> None:
    rows = '{"sentence": "a", "label": 1}\n'
    folder = fill(tmp_path / "data", {"train.jsonl": rows, "validation.jsonl": rows})
    with pytest.raises(UserError, match="counts for csv and tsv files, and here are none"):
        read(folder, quoting="quoted")
