"""What is read of an ONNX file without loading it: whether weights lie in another file, which operators and
inputs it needs.

The file is protobuf (https://protobuf.dev/programming-guides/encoding): fields of a number and a kind, nested. Only the
messages that may hold a tensor are entered, the numbers of which are those of `onnx.proto3` (ONNX 1.21); a tensor that
lies elsewhere says so in `data_location` and `external_data`. Weights are passed over, so 250 MB take milliseconds.
"""

from __future__ import annotations

import mmap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import UserError

_Kind = str
# The messages in which a tensor may lie, by the number of their field in the message around them.
_INSIDE: dict[_Kind, dict[int, _Kind]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14
_OPERATORS, _DOMAIN, _VERSION = 8, 1, 2  # of a model, and of what it says of one set of operators
_GRAPH, _INPUT, _NAME_OF_INPUT = 7, 11, 1  # of a model, of its graph, of one input
_ONNX_ITSELF = {b"", b"ai.onnx"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_DEEPEST = 64  # graphs in graphs


def external_tensor(path: Path) -> str | None:
    """The name of a tensor that lies in another file; none where there is none. UserError for what is no protobuf."""
    with _mapped(path) as content:
        return _external(content, 0, len(content), "model", _DEEPEST)


def opset_of(path: Path) -> int:
    """The version of ONNX's own operators that a model is written in. UserError for a file that names none."""
    with _mapped(path) as content:
        for number, start, stop in _fields(content, 0, len(content)):
            if number == _OPERATORS:
                own = {key: (begin, end) for key, begin, end in _fields(content, start, stop)}
                if content[slice(*own.get(_DOMAIN, (0, 0)))] in _ONNX_ITSELF:
                    return _varint(content, own[_VERSION][0])[0]
        raise ValueError("it names no version of its operators")


def inputs_of(path: Path) -> list[str]:
    """The names of what a model takes, in its order. UserError for what is no model."""
    with _mapped(path) as content:
        return [
            content[begin:end].decode()
            for graph in _messages(content, 0, len(content), _GRAPH)
            for taken in _messages(content, *graph, _INPUT)
            for begin, end in _messages(content, *taken, _NAME_OF_INPUT)
        ]


@contextmanager
def _mapped(path: Path) -> Generator[mmap.mmap]:
    """The bytes of a file. UserError where the block finds that they are no model."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content
    except (ValueError, LookupError) as error:
        raise UserError(
            "is no ONNX file", where=str(path), cure="Export the run again: `encore export ID`."
        ) from error


def _external(content: mmap.mmap, begin: int, end: int, kind: _Kind, deepest: int) -> str | None:
    if not deepest:
        raise ValueError("nested too deep")
    for number, start, stop in _fields(content, begin, end):
        inner = _INSIDE[kind].get(number)
        if inner == "tensor":
            found = _external_name(content, start, stop)
        elif inner is not None:
            found = _external(content, start, stop, inner, deepest - 1)
        else:
            continue
        if found is not None:
            return found
    return None


def _external_name(content: mmap.mmap, begin: int, end: int) -> str | None:
    name, external = "without a name", False
    for number, start, stop in _fields(content, begin, end):
        if number == _NAME:
            name = content[start:stop].decode(errors="replace")
        external |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and content[start:stop] != b"\0")
    return name if external else None


def _messages(content: mmap.mmap, begin: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each field of that number."""
    return ((start, stop) for number, start, stop in _fields(content, begin, end) if number == wanted)


def _fields(content: mmap.mmap, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of the value of each field of a message."""
    at = begin
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        start = at
        if kind == _VARINT:
            _, at = _varint(content, at)
        elif kind == _BYTES:
            size, start = _varint(content, at)
            at = start + size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("no kind of a field")
        if at > end:
            raise ValueError("a field goes on behind its message")
        yield key >> 3, start, at


def _varint(content: mmap.mmap, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = content[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number that is too long")
