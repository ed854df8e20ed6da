"""An error is one line that can be read to its end, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import UserError, one_line

texts = st.text(st.characters(codec=None)) | st.sampled_from(["x" * 10_000, "a\n" * 5000, "\x1b[31m" * 900])


@given(texts, texts, texts)
def test_an_error_is_one_printable_line(what: str, where: str, cure: str) -> None:
    line = str(UserError(what, where=where, cure=cure))
    assert len(line) <= 480
    assert line.isprintable()


@pytest.mark.parametrize("long", ["what", "where"])
def test_the_cure_stays_whole_however_long_the_rest_is(long: str) -> None:
    parts = {"what": "is odd", "where": "a.yaml", long: "x" * 100_000}
    line = str(UserError(parts["what"], where=parts["where"], cure="Write it as a: b."))
    assert line.endswith("Write it as a: b.")
    assert "x…x" in line
    assert ("is odd" in line) == (long == "where")


def test_a_short_error_is_as_it_was_written() -> None:
    assert str(UserError("is odd", where="a\n b", cure="Mend it.")) == "a b: is odd. Mend it."


def test_of_a_long_text_the_middle_is_left_out() -> None:
    assert one_line("a" * 50 + "b" * 50, 21) == "a" * 10 + "…" + "b" * 10
    assert one_line("\x07 \u202e", 100) == "\\x07 \\u202e"
