"""Where a library is called on what came from outside: whatever it raises becomes one line with its cure."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from errors import LibraryError, UserError
from host.disk import disk_errors

_SHOWN = 160
ENDINGS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a command and says nothing of a fault. A panic of a library in Rust is no Exception either, and is one."""


@contextmanager
def boundary(what: str, *, where: str, cure: str, writing: int | None = None) -> Generator[None]:
    """Turn whatever is raised inside into a `LibraryError`; a `UserError` that says more passes as it is.

    A list of exception types would be a guess: tokenizers raises a bare Exception, transformers AttributeError and
    TypeError, numpy and json RecursionError, each over a file that is merely odd. An interrupt passes. A full or
    unwritable disk keeps its own words: here where `where` is an absolute path, else in a `disk_errors` around it.

    what: of the thing at `where`, without a full stop, e.g. "cannot be read"; the library's first line follows it.
    writing: of a library that writes, about how many bytes; see `disk_errors`.
    """
    try:
        with disk_errors(Path(where), writing=writing) if Path(where).is_absolute() else nullcontext():
            yield
    except (UserError, *ENDINGS):
        raise
    except BaseException as error:
        raise LibraryError(f"{what} ({first_line(error)})", where=where, cure=cure) from error


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of at most 160 characters; its type's name where it says nothing.

    It is cut between two words: half an address or half a token would no longer be recognised and hidden.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rpartition(' ')[0]}…"
