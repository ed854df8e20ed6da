"""What the verbs share: options, and how each of them ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from typer.exceptions import TyperException

from cli.debug import debug_file
from errors import LibraryError, UserError
from host.boundary import first_line
from tracking.redaction import redacted

FAULT = 3  # exit code: Encore itself failed
Arguments = ParamSpec("Arguments")


def ended_in_one_line(verb: Callable[Arguments, int]) -> Callable[Arguments, None]:
    """A verb whose exit code is its result; a user's mistake is one line and 2, an interrupt 130, a fault of ours 3."""

    @wraps(verb)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            code = verb(*args, **kwargs)
        except LibraryError as error:
            code = _say(f"{error}{_kept(error, kwargs)}", 2)
        except UserError as error:
            code = _say(str(error), 2)
        except KeyboardInterrupt as interrupt:
            what = f"; {interrupt}" if interrupt.args else ""
            code = _say(f"interrupted{what}; what was finished is kept", 130)
        except BrokenPipeError:  # the reader of our output has gone, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except Exception as error:  # noqa: BLE001 the last place: one line here, the traceback in a file
            code = _say(f"a fault of Encore's own ({first_line(error)}).{_kept(error, kwargs)}", FAULT)
        raise typer.Exit(code)

    return command


def _kept(error: Exception, arguments: Mapping[str, object]) -> str:
    """Where the whole exception stands."""
    root = arguments.get("root")
    file = debug_file(error, root if isinstance(root, Path) else None)
    return f" Its traceback is in {file}." if file is not None else ""


def _say(message: str, code: int) -> int:
    print(f"encore: {redacted(message)}", file=sys.stderr)  # noqa: T201
    return code


def wrong_command_line(error: TyperException) -> int:
    """Say in one line what is wrong with an option or an argument; its exit code. Help that was asked for is whole."""
    message = error.format_message()
    if "\n" in message:
        print(message, file=sys.stderr)  # noqa: T201
        return error.exit_code
    context = getattr(error, "ctx", None)
    path = "encore" if context is None else context.command_path
    return _say(
        f"{message}{'' if message[-1] in '.?' else '.'} `{path} --help` says what there is.", error.exit_code
    )


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Root = Annotated[
    Path, typer.Option("--root", help="Folder of everything that runs leave.", envvar="ENCORE_ROOT")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Keys of the experiment to change.")
]
RunId = Annotated[str, typer.Argument(metavar="ID", help="A run's ID or the beginning of it.")]
Again = Annotated[
    bool, typer.Option("--again", help="Train also what has already finished, bit for bit the same.")
]
DEFAULT_ROOT = Path("mlruns")
