"""Values, files, names and roots as hypothesis draws them, and what may become of each: what was typed, or one line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
import yaml
from hypothesis import strategies as st
from mlflow.utils.file_utils import local_file_uri_to_path
from sqlalchemy.engine import make_url

from cli.options import folder_given
from errors import UserError
from experiments.config import ExperimentConfig
from experiments.loading import load_experiment
from schema.catalog import catalog_names
from schema.fields import dotted_keys
from schema.yaml_files import read_yaml, yaml_value
from sweeps.loading import CATALOG as SWEEPS
from sweeps.loading import load_search
from tracking.addresses import sqlite_path, sqlite_uri
from tracking.places import local_path
from tracking.search import is_run_id

LONGEST_LINE = 500
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 9)}]\n"
    for level in range(9)
)
# Each of them ended in a traceback, filled the memory, or said something else than was typed.
ODD = [
    "", " ", "#", "# x", "own #2", "#mine", "none", "None", "NONE", "null", "~", "true", "True", "yes",
    "on", "off", "no", "010", "008", "-010", "+5", "0x10", "0o17", "0b1", "1e3", "1_000", "12:30", "1:2:3",
    "2024-01-01", "2024-01-01 10:00:00", ".5", "5.", ".inf", "-.inf", ".nan", "nan", "inf", "1e999",
    "1e-999", "-0", "0.0", "2e-5", "9" * 5000, "0" * 5000 + "1", "1" + "0" * 18, "9223372036854775807",
    "9223372036854775808", "١٢", "\uff11\uff12", "1\n", " 1", "1 ", "\t1", "a\nb", "a\rb", "a\x00b", "\ufeffa",
    "\x1b[31m", "a\u2028b", "a\x85b", "\udcff\udcfe", "💥", "é", "é", "[1", "[" * 2000, "{a: " * 500,
    "- " * 500, "? " * 500, "&a [*a]", "*a", "<<: {a: 1}", "!!python/object/apply:os.system [true]",
    "!!timestamp 99-99-99", "!!binary ///", "!!int x", "!!set {a}", "%YAML 1.1\n---\na", "---\na\n---\nb",
    "a: 1\na: 2", "{a: 1, a: 2}", "[a, b]", "{a: b}", "'", '"', "''", '"\\ud800"', '"\\U00110000"', "`",
    "@", "%", "|", ">", "a" * 300, "a/" * 3000, "a" * 100_000, "~", "~/x", "~nobody-here/x", "./none",
    "../..", "/", "//x", "-x", "--root", "my%20project", "100%", "a?b", "a*b[1]", "a::b", "a;b", "$HOME",
    "owner/name", "owner/name/third", "-", "=", "a=b", BOMB,
]  # fmt: skip
_SCHEMA = ExperimentConfig.model_json_schema()
characters = st.characters(codec=None)  # surrogates too: they are a command line's bytes that are no UTF-8
values = st.one_of(
    st.sampled_from(ODD),
    st.text(characters, max_size=30),
    st.text("0123456789+-.eE_:xXnaif ", max_size=12),
    st.text("[]{}:,-&*!|>'\"%@`#? \n\tab1", max_size=40),
    st.integers().map(str),
    st.floats().map(repr),
    st.floats(0, 1).map(repr),
    st.integers(0, 64).map(str),
)
keys = st.one_of(
    st.sampled_from(dotted_keys(ExperimentConfig)),
    st.sampled_from(
        ["data", "model", "sed", "train.max_step", "seed.x", "data.path.x", "a.b", ".", "a" * 300, "🔑"]
    ),
    st.text(characters, max_size=20),
)
experiments = st.sampled_from(["demo_reviews", "demo_stories"])
_FITTING = {
    "integer": st.integers(0, 3000).map(str) | st.integers(0, 64).map("{:05}".format),
    "number": st.floats(0, 1).map(repr) | st.floats(0, 1e-3).map("{:e}".format),
    "string": st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20),
    "boolean": st.sampled_from(["true", "false"]),
    "null": st.just("none"),
}


@st.composite
def fitting(draw: st.DrawFn) -> tuple[str, str, str]:
    """An override whose value is of its key's type, and often within its bounds."""
    key = draw(st.sampled_from(dotted_keys(ExperimentConfig)))
    types = sorted(types_of(key) & _FITTING.keys()) or ["null"]
    return draw(experiments), key, draw(_FITTING[draw(st.sampled_from(types))])


overrides = fitting() | st.tuples(experiments, keys, values)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
structures = st.dictionaries(
    st.text(max_size=10),
    st.recursive(
        _scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)
yaml_texts = st.one_of(
    values,
    st.tuples(st.text("abc", min_size=1, max_size=3), values).map(lambda pair: f"{pair[0]}: {pair[1]}\n"),
    structures.map(lambda content: yaml.safe_dump(content, allow_unicode=True)),
    st.lists(st.text("ab:- #[]{},'\"&*!?|>\n\t0129~", max_size=25), max_size=8).map("\n".join),
)
names = st.one_of(
    values,
    st.text("0123456789abcdef", min_size=1, max_size=40),
    st.sampled_from(catalog_names(SWEEPS)),
    st.sampled_from(catalog_names(SWEEPS)).flatmap(
        lambda name: st.sampled_from([name[:-1], f"{name}/", f"../{name}"])
    ),
)
roots = st.one_of(
    st.sampled_from(ODD),
    st.text(characters, min_size=1, max_size=20),
    st.text("ab%20?#{}[]*@:;&+=~!$' \"\\", min_size=1, max_size=20),
)


def line_of(error: UserError) -> str:
    """What the error says, checked to be one printable line of at most 500 characters."""
    line = str(error)
    assert line.isprintable(), line
    assert len(f"encore: {line}") <= LONGEST_LINE, len(line)
    assert error.cure
    return line


def outcome(judge: Callable[[Any], None], case: Any) -> str:
    """`taken` as it was typed, or `refused` in one line. Anything else that is raised is a fault."""
    try:
        judge(case)
    except UserError as error:
        line_of(error)
        return "refused"
    except typer.BadParameter:  # `encore` makes one line of it
        return "refused"
    return "taken"


def judge_override(case: tuple[str, str, str]) -> None:
    """An override that is taken means what its text says to the JSON schema's type of its key."""
    name, key, text = case
    config = load_experiment(name, [f"{key}={text}"])
    if "=" in key:
        return  # the text begins earlier
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    assert means(value, text, types_of(key)), (key, text, value)


def means(value: object, text: str, types: set[str]) -> bool:
    """Whether `value` is what `text` says for a key of these JSON types."""
    if value is None:
        return "null" in types and text in {"none", "null", "~"}
    if isinstance(value, bool):
        return "boolean" in types and text == str(value).lower()
    if isinstance(value, int):
        return "integer" in types and re.fullmatch(r"[+-]?[0-9]+", text) is not None and _whole(text) == value
    if isinstance(value, float):
        return (
            text.isascii()
            and "_" not in text
            and text == text.strip()
            and math.isfinite(value)
            and float(text) == value
        )
    if isinstance(value, str):
        return value == text or (value.startswith("/") and Path(value) == Path(text).expanduser().absolute())
    return bool(types & {"array", "object"})


def _whole(text: str) -> int:
    """Python converts at most 4,300 digits, leading zeros among them."""
    return int(text[:1].strip("0123456789") + (text.lstrip("+-").lstrip("0") or "0"))


def types_of(key: str) -> set[str]:
    """The JSON types of a key, from pydantic's own schema."""
    nodes: list[Any] = [_SCHEMA]
    for part in key.split("."):
        nodes = [
            node["properties"][part] for node in _flat(nodes, _SCHEMA) if part in node.get("properties", {})
        ]
    return {node.get("type", "string") for node in _flat(nodes, _SCHEMA)}


def _flat(nodes: list[Any], schema: Any) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        if "$ref" in node:
            found += _flat([schema["$defs"][node["$ref"].rpartition("/")[2]]], schema)
        elif inner := node.get("anyOf") or node.get("oneOf"):
            found += _flat(inner, schema)
        else:
            found.append(node)
    return found


def judge_yaml(text: str) -> None:
    """A YAML text that is taken has the shape that PyYAML sees without types, and scalars that mean their text."""
    value = yaml_value(text, where="drawn.yaml", cure="Mend it.")
    plain = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  builds texts only
    assert _same_shape(value, plain), (text, value, plain)


def _same_shape(value: Any, plain: Any) -> bool:
    if isinstance(value, dict):
        return list(value) == list(plain) and all(_same_shape(value[key], plain[key]) for key in plain)
    if isinstance(value, list):
        return len(value) == len(plain) and all(map(_same_shape, value, plain))
    if value is None:
        return plain in ("", "null", "~", None)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return plain == (str(value).lower() if isinstance(value, bool) else value)
    return plain.isascii() and (_whole(plain) if isinstance(value, int) else float(plain)) == value


def judge_structure(content: dict[str, Any]) -> None:
    """What JSON writes is read as it was; JSON is YAML."""
    text = json.dumps(content)
    assert yaml_value(text, where="drawn.json", cure="Mend it.") == content


def judge_name(name: str) -> None:
    """A name or an ID finds what is called so, and nothing else."""
    if is_run_id(name):
        assert re.fullmatch("[0-9a-f]{1,32}", name)
        assert name.isascii()
    if name.endswith((".yaml", ".yml")) and Path(name).exists():
        read_yaml(Path(name))
    spec, _ = load_search(name)
    assert spec.name == name


def judge_root(name: str) -> None:
    """A root is that folder to every library that is given it."""
    root = folder_given(name).absolute()
    if not name.startswith("~"):
        assert str(root) == str(Path(name).absolute())
    for path in (root / "mlflow.db", root / "optuna.db"):
        uri = sqlite_uri(path)
        assert make_url(uri).database == str(path)
        assert sqlite_path(uri) == path
        assert make_url(uri.format(SCHEMA_VERSION=12)).database == str(path)  # what Optuna makes of it
        assert Path(uri.removeprefix("sqlite:///")).parent in {path.parent, Path("/")}  # which MLflow makes
    artifacts = root / "artifacts"
    assert local_path(artifacts.as_uri()) == artifacts
    assert Path(local_file_uri_to_path(artifacts.as_uri())) == artifacts
