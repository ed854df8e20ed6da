"""Where a library is called on what came from outside: whatever it raises becomes one line with its cure."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from errors import LibraryError, UserError
from host.disk import disk_fault

_SHOWN = 160
ENDINGS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a command and says nothing of a fault. A panic of a library in Rust is no Exception either, and is one."""


class boundary:  # noqa: N801 a statement, as it is read
    """Turn whatever is raised inside into a `LibraryError`; a `UserError` that says more passes as it is.

    A list of exception types would be a guess: tokenizers raises a bare Exception, transformers AttributeError and
    TypeError, numpy and json RecursionError, each over a file that is merely odd. An interrupt passes. A full or
    unwritable disk keeps its own words: here where `where` is an absolute path, else in a `disk_errors` around it.

    what: of the thing at `where`, without a full stop, e.g. "cannot be read"; the library's first line follows it.
    writing: of a library that writes, about how many bytes; see `disk_errors`.

    It costs nothing as long as nothing is raised, so it may stand around each call of a model.
    """

    def __init__(self, what: str, *, where: str, cure: str, writing: int | None = None) -> None:
        self._what, self._where, self._cure, self._writing = what, where, cure, writing

    def __enter__(self) -> None:
        return

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, ENDINGS):
            return
        where = Path(self._where)
        if where.is_absolute() and isinstance(error, Exception):
            fault = disk_fault(error, where, writing=self._writing)
            if fault is not None:
                raise fault from error
        if not isinstance(error, UserError):
            message = f"{self._what} ({first_line(error)})"
            raise LibraryError(message, where=self._where, cure=self._cure) from error


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of at most 160 characters; its type's name where it says nothing.

    It is cut between two words: half an address or half a token would no longer be recognised and hidden.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rpartition(' ')[0]}…"
