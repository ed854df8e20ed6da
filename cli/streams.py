"""Where a command writes: results on stdout, progress on stderr, and what becomes of what cannot be written."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from errors import UserError
from host.boundary import first_line

OUT, ERR = 1, 2  # file descriptors


class ReaderGoneError(Exception):
    """Nobody reads stdout any more, as after `| head`. A BrokenPipeError would end in rich or click, with code 1."""


class _Results(io.FileIO):
    """stdout: a full disk under it is a user's error."""

    def write(self, b: bytes, /) -> int:  # type: ignore[override]
        try:
            return super().write(b)
        except BrokenPipeError as error:
            drop_output()
            raise ReaderGoneError from error
        except OSError as error:
            drop_output()
            raise UserError(
                f"the result cannot be written ({first_line(error)})",
                where="stdout",
                cure="What was recorded is in the store: `encore runs`, `encore show ID`.",
            ) from error


class _Progress(io.FileIO):
    """stderr. Progress that nobody can read is no reason to end a run: it is dropped."""

    def write(self, b: bytes, /) -> int:  # type: ignore[override]
        try:
            return super().write(b)
        except OSError:
            return len(b)


def prepare_streams() -> None:
    """Have what cannot be written end in one line, and text that an encoding lacks be written as escapes.

    Raises:
        UserError: stdout is closed. The files of a store would get its number, and a result its last words.
    """
    closed = [number for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)) if stream is None]
    for number in closed:  # else the next file that is opened gets the number
        _to_nowhere(number)
    sys.stderr = _text(_Progress(ERR, "w", closefd=False), sys.stderr)
    sys.stdout = _text(_Results(OUT, "w", closefd=False), sys.stdout)
    if OUT in closed:
        raise UserError(
            "is closed, so there is no place for the result",
            where="stdout",
            cure="Send it to /dev/null or a file.",
        )


def drop_output() -> None:
    """Whatever is yet written to stdout goes nowhere, also when the process ends."""
    _to_nowhere(OUT)


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:
        os.set_inheritable(number, True)
        return
    os.dup2(nowhere, number)
    os.close(nowhere)


def _text(raw: io.FileIO, before: TextIO | None) -> io.TextIOWrapper:
    encoding = None if before is None else before.encoding
    lines = raw.fileno() == ERR or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=lines
    )
