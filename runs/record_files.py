"""What the files of a run's record look like: a type for each, through which every reader goes.

A record may have been written by another version of Encore, or by somebody who made its digests anew. Keys that are
not known are let through; what is known has its type, a path stays inside the run, and a whole number fits 64 bits.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from typing_extensions import TypedDict

from errors import UserError
from runs.layout import ran_tag
from tracking.places import checked

T = TypeVar("T")
MALFORMED = (
    "An earlier version of Encore wrote it, or it was altered; restore it, or run the experiment anew."
)
_SHOWN = 120
_MOST_THREADS = 1024  # what a config may ask for


def _stays_inside(path: str) -> str:
    checked(path)
    return path


RunPath = Annotated[str, AfterValidator(_stays_inside)]
"""Relative, with slashes, without `..`: of a file among a run's artifacts."""
Digests = dict[RunPath, str]
"""sha256 in hex by the path of a file, or by the name of what was digested."""
Numbers = dict[str, float]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ResultFile(_File):
    """`run/result.json`: how a run ended."""

    run_id: str = ""
    name: str = ""
    status: Literal["finished", "pruned"]
    steps: int = Field(ge=0)
    metrics: Numbers
    seconds: Numbers = Field(default_factory=dict)
    gate_failures: list[str] = Field(default_factory=list)


class ReportFile(_File):
    """`export/report.json`: figures, conditions and digests of an export."""

    metrics: Numbers
    digests: Digests
    params: dict[str, str] = Field(default_factory=dict)
    failures: list[str] = Field(default_factory=list)


class CodeFields(TypedDict):
    """Of `run/provenance.json`; an older record has no digest of each file."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    commit: str | None
    remote: NotRequired[str | None]
    dirty: bool | None
    tree_digest: str
    files: NotRequired[dict[str, str] | None]


class GpuFields(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    name: str


class MachineFields(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    cpu_model: str
    cpu_flags: list[str]
    gpus: list[GpuFields]


class ProvenanceFile(TypedDict):
    """`run/provenance.json`: code, lock, libraries, machine."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    code: CodeFields
    lock_digest: str | None
    distributions: dict[str, str]
    python: str
    platform: str
    machine: MachineFields
    torch: dict[str, Any] | None
    environment: dict[str, str]
    record_format: NotRequired[int]
    """None of a version before manifests."""


class ConfigFile(TypedDict, total=False):
    """`run/config.json` as written: the keys of another version may not be ours."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]
    data: dict[str, Any]
    train: dict[str, Any]
    export: dict[str, Any]


class TableFile(_File):
    """A table that MLflow shows: as many cells in each row as there are columns."""

    columns: list[str]
    data: list[list[Any]]

    @model_validator(mode="after")
    def _is_a_table(self) -> TableFile:
        if any(len(row) != len(self.columns) for row in self.data):
            raise ValueError("a row has not as many cells as there are columns")
        return self

    def rows(self) -> list[dict[str, Any]]:
        """Each row by the names of its columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.data]


class StoryRow(_File):
    """A row of `stories/stories.json`."""

    number: int = Field(ge=0)
    prompt: str
    story: str
    tokens: int
    ended: bool


class SampleRow(_File):
    """A row of `samples/stories.json`."""

    step: int = Field(ge=0)
    prompt: str
    story: str
    ended: bool


def parsed(kind: type[T], content: object, *, file: str, where: str) -> T:
    """`content`, which is JSON, as a `kind`. UserError, with the place in `file`, when it is none."""
    try:
        return TypeAdapter(kind).validate_python(content, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        message = problem["msg"].removeprefix("Value error, ")
        told = f"{place[:_SHOWN]}: {message}" if place else message
        raise UserError(
            f"{file} is malformed ({told[:1].lower()}{told[1:]})", where=where, cure=MALFORMED
        ) from error


def threads_of(tags: dict[str, str], *, where: str) -> int:
    """How many threads torch had in a run. UserError when its tag is no such number."""
    return _whole(tags, ran_tag("threads"), tags.get(ran_tag("threads"), ""), _MOST_THREADS, where)


def step_of_fork(tags: dict[str, str], tag: str, *, where: str) -> int:
    """The step that a fork begins with, 0 for a run that is none. UserError when its tag `<run>@<step>` is none."""
    if tag not in tags:
        return 0
    return _whole(tags, tag, tags[tag].rpartition("@")[2], 2**63 - 1, where)


def _whole(tags: dict[str, str], tag: str, text: str, most: int, where: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most:
        return int(text)
    raise UserError(
        f"its tag {tag} is {tags.get(tag, 'missing')!r:.60}, no such number",
        where=where,
        cure="The tracking store was altered; restore it.",
    )
