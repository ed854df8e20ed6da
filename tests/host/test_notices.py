"""A notice is one line that a terminal obeys nothing in, said once."""

from __future__ import annotations

import pytest

from host.notices import notice


def test_a_notice_is_one_plain_line_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        notice("left alone: \x1b[2Ja\nb\udcff.py " + "x" * 1_000)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("encore: left alone: \\x1b[2Ja b\\udcff.py xxx")
    assert len(said) == 501
