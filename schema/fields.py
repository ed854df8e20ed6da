"""What a key of a strict model takes, by its dotted path, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

Kind = Literal["text", "choice", "whole", "decimal", "flag", "structure"]
_SCALARS: dict[Any, Kind] = {bool: "flag", int: "whole", float: "decimal", str: "text"}


@dataclass(frozen=True)
class Taken:
    """What a key takes. words: as a cure says it, such as `a whole number from 1 to 64, or none`."""

    kind: Kind
    optional: bool
    words: str


def taken_at(config_class: type[BaseModel], key: str, mapping: Mapping[str, Any]) -> Taken | None:
    """What the dotted `key` takes; None where there is no such key.

    Where tables of several kinds have it, the `kind` that `mapping` says decides.
    """
    *parents, last = key.split(".")
    having = [table for table in _tables_at(config_class, parents) if last in table.model_fields]
    if not having:
        return None
    said = _said_kind(mapping, parents)
    chosen = next((table for table in having if said in _tags(table)), having[0])
    return _taken(chosen.model_fields[last])


def dotted_keys(config_class: type[BaseModel]) -> list[str]:
    """Every key that a config of this class can have, as dotted paths, sorted."""
    keys: set[str] = set()
    for name, field in config_class.model_fields.items():
        tables = _tables(field.annotation)
        for table in tables:
            keys |= {f"{name}.{key}" for key in dotted_keys(table)}
        if not tables or NoneType in get_args(field.annotation):
            keys.add(name)
    return sorted(keys)


def _tables_at(config_class: type[BaseModel], parents: Sequence[str]) -> list[type[BaseModel]]:
    """Every class that the table at the path `parents` can be."""
    tables = [config_class]
    for parent in parents:
        fields = [table.model_fields[parent] for table in tables if parent in table.model_fields]
        tables = [inner for field in fields for inner in _tables(field.annotation)]
    return tables


def _tables(annotation: Any) -> list[type[BaseModel]]:
    return [
        kind for kind in _alternatives(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, what is only annotated bare."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for member in get_args(annotation) for kind in _alternatives(member)]
    return [annotation]


def _said_kind(mapping: Mapping[str, Any], parents: Sequence[str]) -> Any:
    here: Any = mapping
    for key in (*parents, "kind"):
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def _tags(table: type[BaseModel]) -> tuple[Any, ...]:
    field = table.model_fields.get("kind")
    return () if field is None else get_args(field.annotation)


def _taken(field: FieldInfo) -> Taken:
    members = _alternatives(field.annotation)
    wanted = [member for member in members if member is not NoneType]
    optional = len(wanted) < len(members)
    kind, words = _said(wanted[0], field) if len(wanted) == 1 else ("structure", "what the schema has there")
    return Taken(kind, optional, f"{words}, or none" if optional else words)


def _said(wanted: Any, field: FieldInfo) -> tuple[Kind, str]:
    if get_origin(wanted) is Literal:
        *some, last = (repr(option) for option in get_args(wanted))
        return "choice", f"{', '.join(some)} or {last}" if some else last
    kind = _SCALARS.get(wanted, "structure")
    match kind:
        case "flag":
            return kind, "true or false"
        case "whole":
            return kind, f"a whole number{_whole_range(field)}"
        case "decimal":
            return kind, f"a number{_range(field)}"
        case "text":
            return kind, "text"
        case _:
            return kind, "a list" if get_origin(wanted) in (tuple, list) else "a table"


def _whole_range(field: FieldInfo) -> str:
    """Both ends included: ` from 1 to 64`; as `_range` says it where an end is open."""
    low = high = None
    for limit in field.metadata:
        match limit:
            case Ge(ge=int(least)):
                low = least
            case Le(le=int(most)):
                high = most
            case Gt(gt=int(below)):
                low = below + 1
            case Lt(lt=int(above)):
                high = above - 1
            case _:
                pass
    return _range(field) if low is None or high is None else f" from {low} to {high}"


def _range(field: FieldInfo) -> str:
    """The bounds in words: ` from 0, below 1`."""
    bounds: list[str] = []
    for limit in field.metadata:
        match limit:
            case Ge():
                bounds.append(f"from {limit.ge}")
            case Gt():
                bounds.append(f"above {limit.gt}")
            case Le():
                bounds.append(f"at most {limit.le}")
            case Lt():
                bounds.append(f"below {limit.lt}")
            case _:
                pass
    return f" {', '.join(bounds)}" if bounds else ""
