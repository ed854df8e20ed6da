"""Numbers of README and docs that say which run they come from are what that run came to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.annotations import Figure, annotations
from benchmarks.certificate import FOLDER, Certificate, read_certificate
from benchmarks.check_results import HOME, faults, pages
from errors import UserError

TEXTS = {page: page.read_text(encoding="utf-8") for page in pages()}
SHOWN = [(page, figure) for page, text in TEXTS.items() for figure in annotations(text).figures]
RUN = "14c5b11c" + "0" * 24
LINK = f"[{RUN[:8]}](certificates/{RUN[:8]}.json"


def sealed(**changes: object) -> Certificate:
    plain = Certificate(
        run_id=RUN, name="a run", experiment="demo_reviews", kind="run", started="2026-11-26", commit="0" * 40,
        processor="a processor", python="3.11.7", torch="2.13.0",
        params={"optim.learning_rate": "0.00102", "model.kind": "distilbert"},
        metrics={"test/accuracy": 0.92605, "export/int8/size_mib": 0.2477, "time/training_s": 90.0,
                 "export/int8/accuracy_change": -0.0023, "drop_points": 0.46, "tokens": 12345.0},
        digests={},
    ).model_copy(update=changes)  # fmt: skip
    return plain.model_copy(update={"sha256": plain.digest()})


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page beside a folder with one certificate."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / f"{RUN[:8]}.json").write_text(sealed().model_dump_json())
    return tmp_path / "page.md"


def problems(page: Path, text: str) -> list[str]:
    found = faults(page, text, page.parent / "certificates")
    return [f"{fault.line}: {fault.run}: {fault.problem}" for fault in found]


def test_the_pages_hold_and_there_are_numbers_to_hold() -> None:
    found = {page.name: faults(page, text) for page, text in TEXTS.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert len(SHOWN) >= 20


@settings(max_examples=200)
@given(st.sampled_from(SHOWN), st.data())
def test_a_wrong_digit_is_found_by_line_and_run(shown: tuple[Path, Figure], data: st.DataObject) -> None:
    page, figure = shown
    text = TEXTS[page]
    digits = [i for i, letter in enumerate(figure.shown) if letter.isdigit()]
    place = figure.start + data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != text[place]]))
    found = faults(page, text[:place] + other + text[place + 1 :])
    assert (figure.line, figure.run) in {(fault.line, fault.run) for fault in found}


def test_the_command_counts_what_holds() -> None:
    page, figure = SHOWN[0]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.check_results"], cwd=HOME, capture_output=True, text=True
    )
    assert (told.returncode, told.stdout) == (0, f"{len(SHOWN)} numbers are what their runs came to\n")
    assert figure.run in {path.stem for path in FOLDER.glob("*.json")}
    assert page.is_file()


@pytest.mark.parametrize(
    "shown",
    [
        "92.6 %",
        "93 %",
        "92.61 %",
        "92.60 %",
        "92.605 %",
        "0.926",
        "0.92605",
        "1",
        "9.26e-1",
        "+0.9",
        "92.6 points",
    ],
)
def test_any_correct_rounding_of_the_value_holds(page: Path, shown: str) -> None:
    assert problems(page, f'It has {shown} right ({LINK} "test/accuracy")).') == []


def test_a_metric_in_points_is_shown_as_it_is(page: Path) -> None:
    assert problems(page, f'It loses 0.5 points ({LINK} "drop_points")).') == []
    assert len(problems(page, f'It loses 46 points ({LINK} "drop_points")).')) == 1


@pytest.mark.parametrize("shown", ["92.5 %", "92.7 %", "92 %", "92.62 %", "92.6", "0.927", "-0.926", "0"])
def test_a_wrong_rounding_is_told(page: Path, shown: str) -> None:
    told = problems(page, f'\nIt has {shown} right ({LINK} "test/accuracy")).')
    assert len(told) == 1
    assert told[0].startswith(f"2: {RUN[:8]}: test/accuracy is ")
    assert told[0].endswith(f"and {shown} is shown")


def test_numbers_stand_before_their_run_in_the_order_of_its_metrics(page: Path) -> None:
    text = f"""With 2 layers it has 92.6 % in
1.5 minutes at a rate of 0.001, \u22120.23 points less as INT8, and 12,345 tokens
({LINK} "test/accuracy, time/training_s, optim.learning_rate, export/int8/accuracy_change, tokens")).
Then 0.25 MiB ({LINK} "export/int8/size_mib")), and 7 of anything.
"""
    assert problems(page, text) == []
    assert [figure.line for figure in annotations(text).figures] == [1, 2, 2, 2, 2, 4]
    assert problems(page, text.replace("0.25", "0.26")) == [
        f"4: {RUN[:8]}: export/int8/size_mib is 0.25, and 0.26 is shown"
    ]


def test_a_number_can_be_left_out(page: Path) -> None:
    text = f'# 92.6 % (95 % interval)\n# in 90 s ({LINK} "test/accuracy, -,\n# time/training_s"))'
    assert problems(page, text) == []
    assert [figure.key for figure in annotations(text).figures] == ["test/accuracy", "time/training_s"]


def test_a_row_of_a_table_has_its_own_numbers(page: Path) -> None:
    text = f"""| what | measured |
| --- | --- |
| size | 0.25 MiB |
| accuracy | {LINK} "test/accuracy, tokens")) |
"""
    assert problems(page, text) == [f"4: {RUN[:8]}: 2 metrics, and 0 numbers before them"]


SHELL = """<!-- figures: optim.learning_rate, -, test/accuracy, export/int8/size_mib -->
```
│ trial │ run      │ status   │ learning_rate │ test    │ MiB  │
│ 0     │ 14c5b11c │ 0.001    │ finished      │ 92.60 % │ 0.25 │
```
12 outside
"""


def test_cells_of_a_block_are_held_by_the_comment_above_it(page: Path) -> None:
    assert problems(page, SHELL) == []
    assert [figure.key for figure in annotations(SHELL).figures] == [
        "optim.learning_rate", "test/accuracy", "export/int8/size_mib",
    ]  # fmt: skip
    wrong = problems(page, SHELL.replace("92.60", "92.50"))
    assert wrong == [f"4: {RUN[:8]}: test/accuracy is 92.60 %, and 92.50 % is shown"]
    assert problems(page, SHELL.replace("```\n", "")) == []  # a table of Markdown


def test_what_stands_in_a_fence_is_no_link_and_no_comment(page: Path) -> None:
    link = '9 % ([deadbeef](certificates/deadbeef.json "test/accuracy"))'
    text = f"```\n{link}\n<!-- figures: a -->\n| deadbeef | 9 |\n```\n"
    assert problems(page, text) == []
    assert len(problems(page, text + text.replace("```\n", ""))) == 2


def test_cells_without_bars_stand_two_blanks_apart(page: Path) -> None:
    text = "<!-- figures: -, test/accuracy -->\n```\ntrial  run       lr    test\n    0  14c5b11c  1e-3  92.6 %\n```\n"
    assert problems(page, text) == []
    assert len(problems(page, text.replace("92.6", "92.7"))) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'92.6 % ({LINK} "test/acuracy"))', "the run has no number test/acuracy"),
        (f'92.6 % ({LINK} "model.kind"))', "the run has no number model.kind"),
        (f'It is good ({LINK} "test/accuracy"))', "1 metrics, and 0 numbers before them"),
        ('92.6 % ([deadbeef](certificates/deadbeef.json "test/accuracy"))', "there is no such certificate"),
        ('92.6 % ([14c5b11d](certificates/14c5b11c.json "test/accuracy"))', "the link is called '14c5b11d'"),
        ('92.6 % ([14c5b11c](docs/certificates/14c5b11c.json "test/accuracy"))', "is not the place of"),
        ("<!-- figures: test/accuracy -->\n\n| 14c5b11c | 92.6 % |", "no row under the comment names a run"),
        ("<!-- figures: test/accuracy, tokens -->\n| 14c5b11c | 92.6 % |", "2 metrics, and 1 cells"),
        ("<!-- figures: test/accuracy -->\n| 14c5b11c | good |", "test/accuracy: 'good' is no number"),
        ("<!-- figures: test/accuracy -->\n| deadbeef | 92.6 % |", "there is no such certificate"),
    ],
)
def test_a_claim_that_cannot_be_held_is_told(page: Path, text: str, problem: str) -> None:
    told = problems(page, text)
    assert len(told) == 1
    assert problem in told[0]


@settings(max_examples=60)
@given(st.data())
def test_a_certificate_that_was_changed_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any digit of any value, its own digest included."""
    path = tmp_path_factory.mktemp("one") / f"{RUN[:8]}.json"
    text = json.dumps(sealed().model_dump(), indent=1)
    places = [i for i, letter in enumerate(text) if letter.isdigit()]
    place = data.draw(st.sampled_from(places))
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    with pytest.raises(UserError):
        read_certificate(path)


def test_every_certificate_is_whole_and_shown_somewhere() -> None:
    named = {figure.run for _, figure in SHOWN}
    for path in FOLDER.glob("*.json"):
        assert read_certificate(path).run_id[:8] in named


@pytest.mark.parametrize(
    "link",
    [
        f"{LINK} 'test/accuracy')",
        f'{LINK} "test/accuracy" )',
        f'[{RUN[:8]}][1]).\n\n[1]: certificates/{RUN[:8]}.json "test/accuracy"',
    ],
)
def test_a_link_that_is_written_otherwise_is_told_not_passed_over(page: Path, link: str) -> None:
    (problem,) = problems(page, f"It reaches 12.34 % ({link}).\n")
    assert "a link to a certificate is not written as" in problem


def test_an_id_that_goes_on_otherwise_is_another_run(page: Path) -> None:
    other = f"{RUN[:8]}{'f' * 24}"
    rows = "<!-- figures: test/accuracy -->\n| {} | 92.60 % |\n"
    assert problems(page, rows.format(RUN)) == []
    assert f"its certificate is of run {RUN}" in problems(page, rows.format(other))[0]


def test_a_number_of_forty_digits_is_held_too(page: Path) -> None:
    text = 'It is {} ([{}](certificates/{}.json "test/accuracy")).\n'
    assert problems(page, text.format(f"0.92605{'0' * 35}", RUN[:8], RUN[:8])) == []
    assert len(problems(page, text.format(f"0.92605{'0' * 34}1", RUN[:8], RUN[:8]))) == 1
