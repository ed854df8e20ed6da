"""The one reader of YAML: what stands in the file, or the line that it fails at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from errors import UserError
from experiments.loading import load_experiment
from schema.yaml_files import read_yaml, yaml_value
from tests.schema.drawn import BOMB


def _value(text: str) -> object:
    return yaml_value(text, where="f.yaml", cure="Mend it.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("No", "No"), ("True", "True"), ("true", True), ("false", False),
        ("010", 10), ("008", 8), ("-1", -1), ("+5", 5), ("0x10", "0x10"), ("0o17", "0o17"), ("1_000", "1_000"),
        ("12:30", "12:30"), ("2024-01-01", "2024-01-01"), ("99-99-99", "99-99-99"), ("2e-5", 2e-5), ("5.", 5.0),
        (".5", 0.5), ("1.0", 1.0), (".inf", ".inf"), (".nan", ".nan"), ("null", None), ("~", None), ("", None),
        ("Null", "Null"), ("none", "none"), ("'010'", "010"), ('"true"', "true"), ("\u0661", "\u0661"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2_in_decimal(text: str, value: object) -> None:
    found = _value(f"a: {text}")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands here and in line 1"),
        ("t: {x: 1}\ns: 1\nt: {y: 2}", "line 3, column 1: the key 't' stands here and in line 1"),
        ("{a: 1, 'a': 2}", "the key 'a' stands here and in line 1"),
        (BOMB, "line 1, column 4: anchors and aliases"),
        ("&a [*a]", "anchors and aliases"),
        ("a: *b", "line 1, column 4: anchors and aliases"),
        ("<<: {a: 1}", "a merge key"),
        ("!!python/object/apply:os.system [true]", "asks for a type"),
        ("a: !!timestamp 99-99-99", "line 1, column 4: the tag"),
        ("a: !!binary ///", "asks for a type"),
        ("a: ! 5", "asks for a type"),
        ("%YAML 1.1\n---\na: yes", "a directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "a directive"),
        ("a: 1\n---\na: 2", "line 2, column 1: begins a second document"),
        ("[a, b]: c", "line 1, column 1: a key is a list or a table"),
        ("? {a: b}\n: c", "a key is a list or a table"),
        ("a: " + "9" * 5000, "line 1, column 4: a whole number of 5,000 digits does not fit 64 bits"),
        ("a: 9223372036854775808", "does not fit 64 bits"),
        ("a: 1e999", "too large"),
        ("a: 1e-999", "too small"),
        ("[" * 1500 + "]" * 1500, "nested more than 20 deep"),
        ("{a: " * 1500, "nested more than 20 deep"),
        ("- " * 1500 + "a", "nested more than 20 deep"),
        ('a: "\\0"', "NUL"),
        ('a: "\\ud800"', "no UTF-8"),
        ('a: "\\U00110000"', "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("a: 'x\u2028y'", "line 1 holds the line separator U+2028"),
        ("a: 1\nb: x\x85y", "line 2 holds the line separator U+0085"),
        ("a: b: c", "line 1, column 5: not valid YAML"),
        ("\ta: b", "line 1, column 1: not valid YAML"),
        ("a: [1", "not valid YAML"),
        ("x" * 200_000, "200,000 characters"),
    ],
    ids=lambda text: text[:30],
)
def test_what_builds_repeats_or_drops_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UserError) as told:
        _value(text)
    assert message in str(told.value)
    assert len(str(told.value)) < 500


def test_a_file_is_read_in_utf_8_with_any_ends_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\nb: 1\r\n")
    assert read_yaml(file) == {"a": "\xe9", "b": 1}
    for content, message in {
        b"a: 1\nb: \xe9": "line 2 is not UTF-8",
        b"": "not a mapping",
        b"- a": "not a mapping",
        b"a": "not a mapping",
        b"#" * 200_000: "bytes",
    }.items():
        file.write_bytes(content)
        with pytest.raises(UserError, match=message):
            read_yaml(file)
    with pytest.raises(UserError, match="cannot be read"):
        read_yaml(tmp_path)


def test_a_table_given_twice_in_an_experiments_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("name: x\ntrain: {max_steps: 4}\ndescription: x\ntrain: {validations: 1}\n")
    with pytest.raises(UserError, match="line 4, column 1: the key 'train' stands here and in line 2"):
        load_experiment(str(file))


def test_values_of_files_have_the_type_of_their_key(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "experiments" / "catalog" / "demo_reviews.yaml").read_text()
    file = tmp_path / "mine.yaml"
    for line, message in {
        "seed: yes": "seed: 'yes' is not allowed. Give a whole number from 0",
        "seed: true": "seed: true is not allowed. Give a whole number from 0",
        "seed: 1.0": "seed: 1.0 is not allowed. Give a whole number from 0",
        "seed: '1'": "seed: '1' is not allowed. Give a whole number from 0",
        "seed: -1": "seed: -1 is not allowed. Give a whole number from 0",
    }.items():
        file.write_text(text.replace("seed: 0", line))
        with pytest.raises(UserError) as told:
            load_experiment(str(file))
        assert message in str(told.value)
    file.write_text(
        text.replace("seed: 0", "seed: 010").replace("  vocab_size", "  pretrained: none\n  vocab_size")
    )
    assert load_experiment(str(file)).seed == 10
    assert load_experiment(str(file)).model.pretrained is None


@pytest.mark.slow
def test_bombs_take_no_memory() -> None:
    """In a process of its own: how far the largest of its memory rises over what it had once all was imported."""
    code = (
        "import resource\n"
        "from tests.schema.drawn import ODD, judge_override, judge_yaml, outcome\n"
        "outcome(judge_override, ('demo_reviews', 'seed', '1'))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "for text in [*ODD, '[' + '1,' * 60_000, '{a: ' * 30_000, 'k: v\\n' * 20_000, '- a\\n' * 30_000]:\n"
        "    for key in ('description', 'seed', 'samples', 'samples.prompts', text):\n"
        "        outcome(judge_override, ('demo_stories', key, text))\n"
        "    outcome(judge_yaml, text)\n"
        "print(peak() - before)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(process.stdout) < 100 * 1024  # KiB
