"""Running text is parted where its sentences end, and nowhere else."""

from __future__ import annotations

import pytest

from datamodules.sentences import sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One here. Two there! Three?", ["One here.", "Two there!", "Three?"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        (
            'It ends... "And begins." (It does.) 3 more.',
            ["It ends...", '"And begins."', "(It does.)", "3 more."],
        ),
        ("A line<br /><br />another<BR>and\x85a fourth", ["A line", "another", "and", "a fourth"]),
        (
            "Mr. Smith met J. R. R. Tolkien of the U.S. Army.",
            ["Mr. Smith met J. R. R. Tolkien of the U.S. Army."],
        ),
        ("At 7.30 p.m. on Sept. 11 it was e.g. rainy.", ["At 7.30 p.m. on Sept.", "11 it was e.g. rainy."]),
        ('Is it (Dr. No) or "Mr. T"? Yes.', ['Is it (Dr. No) or "Mr. T"?', "Yes."]),
        ("no capital. follows here", ["no capital. follows here"]),
        ("?! ... <br /> -- . 10/10", []),
        ("", []),
    ],
)
def test_it_is_parted_at_the_ends_of_sentences(text: str, found: list[str]) -> None:
    assert list(sentences(text)) == found


@pytest.mark.parametrize("repeated", ["!", "?! ", "!'", "'!", ". (", "A.\t", "Mr. ", "<br "])
def test_a_megabyte_of_marks_takes_the_time_of_a_megabyte_of_prose(repeated: str) -> None:
    """Time quadratic in it would be hours."""
    many = repeated * (1_000_000 // len(repeated))
    assert list(sentences(many + "x")) == [many + "x"]


def test_any_number_of_marks_ends_a_sentence() -> None:
    ends = "!" * 1_000_000 + ")" * 1_000_000
    assert list(sentences(f"(Well{ends} Then.")) == [f"(Well{ends}", "Then."]
