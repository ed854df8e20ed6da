"""What pydantic finds wrong with a mapping, as one line that names the dotted key, the value and what is possible."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from errors import UserError
from schema.fields import Taken, dotted_keys, taken_at


class TogetherError(ValueError):
    """Values of a config that do not go together, and which ones do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


Config = TypeVar("Config", bound=BaseModel)
# What pydantic says of a value inside a list or a table of names, and what it calls the kinds that fit.
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
_WORDS = {None: "none", True: "true", False: "false"}
_LONGEST_WORD = 100  # difflib takes the square of it


def parse(config_class: type[Config], mapping: Mapping[str, Any], *, where: str) -> Config:
    """Validate `mapping`; the first problem becomes a UserError that names its dotted path."""
    try:
        return config_class.model_validate(mapping)
    except ValidationError as error:
        raise _as_user_error(error, mapping, config_class, where) from error


def not_allowed(given: object, where: str, taken: Taken) -> UserError:
    """For a value that its key does not take."""
    return UserError(f"{_shown(given)} is not allowed", where=where, cure=f"Give {taken.words}.")


def _shown(value: object) -> str:
    return _WORDS[value] if value is None or isinstance(value, bool) else f"{value!r:.80}"


def _as_user_error(
    error: ValidationError, mapping: Mapping[str, Any], config_class: type[BaseModel], where: str
) -> UserError:
    # An unknown key explains more than the missing one beside it.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    path = _dotted(problem["loc"], mapping)
    place = f"{where}: {path}" if path else where
    match problem["type"]:
        case "extra_forbidden":
            return unknown_key(path, config_class, mapping, place)
        case "missing":
            return UserError("field required", where=place, cure="Set the key.")
        case "union_tag_not_found":
            return UserError("field required", where=f"{place}.kind", cure="Set the key.")
        case "union_tag_invalid":
            context = problem.get("ctx", {})
            tag, tags = context["tag"], context["expected_tags"]
            return UserError(
                f"{tag!r:.80} is not allowed", where=f"{place}.kind", cure=f"Give one of {tags}."
            )
        case "model_type" | "model_attributes_type":
            cure = f"Set its keys, as in {path}.KEY=VALUE." if path else "Give a table of its keys."
            return UserError(f"{_shown(problem['input'])} is not allowed", where=place, cure=cure)
        case _:
            return _of_a_value(problem, taken_at(config_class, path, mapping), place)


def _of_a_value(problem: Mapping[str, Any], taken: Taken | None, place: str) -> UserError:
    message, given = problem["msg"].removeprefix("Value error, "), problem["input"]
    wanted = _WANTED.search(message)
    if wanted is None:
        message = message[:1].lower() + message[1:]
        if problem["type"] == "value_error" and (
            taken is None or taken.kind == "structure"
        ):  # of several keys together
            cause = problem.get("ctx", {}).get("error")
            cure = cause.cure if isinstance(cause, TogetherError) else "Change one."
            return UserError(message, where=place, cure=cure)
        return UserError(f"{_shown(given)}: {message}", where=place, cure="Change it.")
    if taken is not None:
        return not_allowed(given, place, taken)
    words = _KINDS.get(wanted["kind"], wanted["kind"]) or f"a value {wanted['bound']}"
    return UserError(f"{_shown(given)} is not allowed", where=place, cure=f"Give {words}.")


def unknown_key(
    path: str, config_class: type[BaseModel], mapping: Mapping[str, Any], place: str
) -> UserError:
    """For a key that there is not: the nearest, or what its table has."""
    known = dotted_keys(config_class)
    if path in known:
        table = path.rsplit(".", 1)[0]
        kind = mapping[table].get("kind") if isinstance(mapping.get(table), Mapping) else None
        return UserError(
            f"no such key for kind {kind!r}", where=place, cure=f"Leave it out, or change {table}.kind."
        )
    tables = sorted({key.rpartition(".")[0] for key in known} - {""})
    table, _, last = path.rpartition(".")
    if table in known and table not in tables:
        return UserError(f"{table!r} is a value, not a table", where=place, cure=f"Set {table} itself.")
    siblings = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == table]
    near = nearest(path, known if table in tables else known + tables) or nearest(last, known)
    cure = (
        f"Did you mean {near}?" if near else "`--dry-run` (of `encore train` and `sweep`) prints every key."
    )
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


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word nearest to `word`, or whose last part is; None when nothing is near."""
    if len(word) > _LONGEST_WORD:
        return None
    if close := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return close[0]
    by_last = {key.rsplit(".", 1)[-1]: key for key in known}
    close = difflib.get_close_matches(word.rsplit(".", 1)[-1], list(by_last), n=1, cutoff=0.7)
    return by_last[close[0]] if close else None
