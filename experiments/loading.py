"""From YAML files and KEY=VALUE overrides to validated configs, with errors a person can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from errors import UserError
from experiments.config import ExperimentConfig
from experiments.entrance import refuse_secrets

CATALOG = Path(__file__).parent / "catalog"
Config = TypeVar("Config", bound=BaseModel)
# What pydantic says of a value that does not fit, and what it calls the kinds that do.
_WANTED = re.compile(
    r"^Input should be (?:a valid )?(?:(?P<bound>(?:greater|less) than .+?)|(?P<kind>.+?))(?:, (?:unable|got) .+)?$"
)
_KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
}


def load_experiment(name: str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """The catalogued experiment `name` (or a YAML file's path) with `KEY=VALUE` overrides."""
    path = catalog_file(CATALOG, name, kind="experiment")
    return parse_overridden(read_yaml(path), overrides, where=str(name))


def parse_overridden(mapping: Mapping[str, Any], overrides: Sequence[str], *, where: str) -> ExperimentConfig:
    """`mapping` with `KEY=VALUE` overrides; UserError also for one that would change nothing."""
    asked = overridden(mapping, overrides)
    refuse_secrets(asked, where=where)
    config = parse(ExperimentConfig, asked, where=where)
    keys = {override.partition("=")[0].strip() for override in overrides}
    if "train.max_epochs" in keys and config.train.max_steps is not None:
        raise UserError(
            f"max_epochs does not count while train.max_steps is {config.train.max_steps}",
            where=f"{where}: train.max_epochs",
            cure="Add train.max_steps=none.",
        )
    return config


def catalog_file(catalog: Path, name: str, *, kind: str) -> Path:
    """`name` as a file's path, or in `catalog`; UserError offers the nearest name."""
    if name.endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise UserError("no such file", where=name, cure=f"Give a YAML file or one of {_names(catalog)}.")
        return Path(name)
    path = catalog / f"{name}.yaml"
    if path.is_file():
        return path
    cure = (
        f"Did you mean {near}?" if (near := nearest(name, catalog_names(catalog))) else "Choose one of those."
    )
    raise UserError(f"unknown (there are {_names(catalog)})", where=f"{kind} {name!r}", cure=cure)


def catalog_names(catalog: Path) -> list[str]:
    """Names in a catalog folder, sorted."""
    return sorted(path.stem for path in catalog.glob("*.yaml"))


def _names(catalog: Path) -> str:
    return ", ".join(catalog_names(catalog))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; UserError when the file is none."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"cannot be read ({error.strerror})", where=str(path), cure="Make it readable for you."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise UserError(
            f"not valid YAML ({problem[:160]})", where=str(path), cure="Mend the file."
        ) from error
    if not isinstance(value, dict):
        raise UserError("not a mapping of keys to values", where=str(path), cure="Mend the file.")
    return value


def overridden(mapping: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of `mapping` with dotted `KEY=VALUE` set; values are read as YAML (`none` is null)."""
    result = _deep_copy(mapping)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            raise UserError(
                "not KEY=VALUE", where=repr(override), cure="Write e.g. optim.learning_rate=3e-5."
            )
        set_path(result, key.strip(), _value(text), where=override)
    return result


def set_path(mapping: dict[str, Any], dotted: str, value: object, *, where: str) -> None:
    """Set `mapping[a][b]` for the path `a.b`; missing tables on the way are made, to be validated later."""
    *parents, last = dotted.split(".")
    table = mapping
    for parent in parents:
        child = table.setdefault(parent, {})
        if not isinstance(child, dict):
            raise UserError(f"{parent!r} is a value, not a table", where=where, cure=f"Set {parent} itself.")
        table = child
    table[last] = value


def _value(text: str) -> Any:
    if text.strip().lower() == "none":
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError("the value is not valid YAML", where=text, cure="Quote it.") from error


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep_copy(inner) for key, inner in value.items()}
    return value


def parse(config_class: type[Config], mapping: Mapping[str, Any], *, where: str) -> Config:
    """Validate `mapping`; the first problem becomes a UserError that names its dotted path."""
    try:
        return config_class.model_validate(mapping)
    except ValidationError as error:
        raise _as_user_error(error, mapping, config_class, where) from error


def _as_user_error(
    error: ValidationError, mapping: Mapping[str, Any], config_class: type[BaseModel], where: str
) -> UserError:
    # An unknown key explains more than the missing one beside it.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    path = _dotted(problem["loc"], mapping)
    place = f"{where}: {path}" if path else where
    if problem["type"] == "extra_forbidden":
        return _unknown_key(path, config_class, mapping, place)
    context = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return UserError("field required", where=place, cure="Set the key.")
        case "union_tag_not_found":
            return UserError("field required", where=f"{place}.kind", cure="Set the key.")
        case "union_tag_invalid":
            given, place = context["tag"], f"{place}.kind"
            cure = f"Give one of {context['expected_tags']}."
        case "model_type" | "model_attributes_type":
            given, cure = problem["input"], f"Set its keys, as in {path}.KEY=VALUE."
        case _:
            message = problem["msg"].removeprefix("Value error, ")
            wanted = _WANTED.search(message)
            if wanted is None:
                message = message[:1].lower() + message[1:]
                if problem["type"] == "value_error":  # of several keys together
                    return UserError(message, where=place, cure="Change one.")
                return UserError(f"{problem['input']!r:.80}: {message}", where=place, cure="Change it.")
            what = _KINDS.get(wanted["kind"], wanted["kind"]) or f"a value {wanted['bound']}"
            given, cure = problem["input"], f"Give {what}."
    return UserError(f"{given!r:.80} is not allowed", where=place, cure=cure)


def _unknown_key(
    path: str, config_class: type[BaseModel], mapping: Mapping[str, Any], place: str
) -> UserError:
    known = dotted_keys(config_class)
    if path in known:
        table = path.rsplit(".", 1)[0]
        kind = mapping[table].get("kind") if isinstance(mapping.get(table), Mapping) else None
        return UserError(
            f"no such key for kind {kind!r}", where=place, cure=f"Leave it out, or change {table}.kind."
        )
    tables = sorted({key.rpartition(".")[0] for key in known} - {""})
    table, _, last = path.rpartition(".")
    siblings = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == table]
    near = nearest(path, known if table in tables else known + tables) or nearest(last, known)
    cure = f"Did you mean {near}?" if near else "`--dry-run` prints every key."
    if table in tables and (near is None or nearest(last, siblings) is None):
        cure = f"{table} has {', '.join(siblings)}."
    return UserError("no such key", where=place, cure=cure)


def _dotted(location: Sequence[str | int], mapping: Mapping[str, Any]) -> str:
    """The dotted path of a pydantic location, without the tags of discriminated unions."""
    parts: list[str] = []
    here: Any = mapping
    for item in location:
        if isinstance(here, Mapping) and item not in here and here.get("kind") == item:
            continue
        parts.append(str(item))
        here = here.get(item, {}) if isinstance(here, Mapping) else {}
    return ".".join(parts)


def dotted_keys(config_class: type[BaseModel]) -> list[str]:
    """Every key that a config of this class can have, as dotted paths, sorted."""
    keys: set[str] = set()
    for name, field in config_class.model_fields.items():
        tables = [kind for kind in _classes(field.annotation) if issubclass(kind, BaseModel)]
        for table in tables:
            keys |= {f"{name}.{key}" for key in dotted_keys(table)}
        if not tables or type(None) in getattr(field.annotation, "__args__", ()):
            keys.add(name)
    return sorted(keys)


def _classes(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return [annotation]
    return [kind for inner in getattr(annotation, "__args__", ()) for kind in _classes(inner)]


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word nearest to `word`, or whose last part is; None when nothing is near."""
    if close := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return close[0]
    by_last = {key.rsplit(".", 1)[-1]: key for key in known}
    close = difflib.get_close_matches(word.rsplit(".", 1)[-1], list(by_last), n=1, cutoff=0.7)
    return by_last[close[0]] if close else None
