"""What the verbs share: options, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from typer.exceptions import TyperException

from cli.debug import debug_file
from cli.streams import ReaderGoneError
from errors import LibraryError, UserError
from host.boundary import first_line
from tracking.redaction import redacted

FAULT = 3  # exit code: Encore itself failed
Arguments = ParamSpec("Arguments")


def ended_in_one_line(verb: Callable[Arguments, int]) -> Callable[Arguments, None]:
    """A verb whose exit code is its result, and that ends as `ended` says."""

    @wraps(verb)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        root = kwargs.get("root")
        raise typer.Exit(ended(lambda: verb(*args, **kwargs), root if isinstance(root, Path) else None))

    return command


def ended(command: Callable[[], int], root: Path | None) -> int:
    """The exit code of `command`; a user's mistake is one line and 2, an interrupt 130, a fault of ours 3."""
    try:
        code = command()
        sys.stdout.flush()  # what cannot be written is told while it can
    except LibraryError as error:
        return _say(f"{error}{_kept(error, root)}", 2)
    except UserError as error:
        return _say(str(error), 2)
    except KeyboardInterrupt as interrupt:
        what = f"; {interrupt}" if interrupt.args else ""
        return _say(f"interrupted{what}; what was finished is kept", 130)
    except ReaderGoneError:
        return 0
    except Exception as error:  # noqa: BLE001 the last place: one line here, the traceback in a file
        return _say(f"a fault of Encore's own ({first_line(error)}).{_kept(error, root)}", FAULT)
    return code


def _kept(error: Exception, root: Path | None) -> str:
    """Where the whole exception stands."""
    file = debug_file(error, root)
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
