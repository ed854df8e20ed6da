"""What the verbs share: options, and how each of them ends."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from typer.exceptions import TyperException

from cli.debug import debug_file
from cli.streams import ERR, ReaderGoneError
from cli.termination import how_interrupted
from errors import LibraryError, UserError, one_line
from host.boundary import ENDINGS, first_line
from schema.numbers import decimal, whole
from schema.strict import absolute, check_line, check_text
from tracking.redaction import redacted

FAULT = 3  # exit code: Encore itself failed
_LINE = 500  # characters of a message, whatever is in it
_SHOWN = 120
Arguments = ParamSpec("Arguments")


def ended_in_one_line(verb: Callable[Arguments, int]) -> Callable[Arguments, None]:
    """A verb whose exit code is its result, and that ends as `ended` says."""

    @wraps(verb)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        root = kwargs.get("root")
        raise typer.Exit(ended(lambda: verb(*args, **kwargs), root if isinstance(root, Path) else None))

    return command


def ended(command: Callable[[], int], root: Path | None) -> int:
    """The exit code of `command`; a user's mistake is one line and 2, an interrupt 130 or 143, a fault of ours 3."""
    try:
        code = command()
        sys.stdout.flush()  # an error of writing is reported while it can be
    except LibraryError as error:
        return _say(f"{error}{_kept(error, root)}", 2)
    except UserError as error:
        return _say(str(error), 2)
    except KeyboardInterrupt as interrupt:
        what, code = how_interrupted()
        told = f"; {interrupt}" if interrupt.args else ""
        return _say(f"{what}{told}; what was finished is kept", code)
    except ReaderGoneError:
        return 0
    except ENDINGS:
        raise
    except BaseException as error:  # noqa: BLE001 the last place: one line here, the traceback in a file
        return _say(f"a fault of Encore's own ({first_line(error)}).{_kept(error, root)}", FAULT)
    return code


def _kept(error: BaseException, root: Path | None) -> str:
    """Where the whole exception stands."""
    file = debug_file(error, root)
    return f" Its traceback is in {file}." if file is not None else ""


def _say(message: str, code: int) -> int:
    print(_at_words(one_line(f"encore: {redacted(message)}", _LINE)), file=sys.stderr)  # noqa: T201
    return code


def _at_words(line: str) -> str:
    """`line` broken between words where stderr is a terminal, which would break it anywhere; else as it is."""
    columns = os.get_terminal_size(ERR).columns if sys.stderr.isatty() else 0
    if not columns:
        return line
    return textwrap.fill(line, columns, break_long_words=False, break_on_hyphens=False)


def wrong_command_line(error: TyperException) -> int:
    """Say in one line what is wrong with an option or an argument; its exit code. Help that was asked for is whole."""
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)  # noqa: T201
        return error.exit_code
    context = getattr(error, "ctx", None)
    path = "encore" if context is None else context.command_path
    option = getattr(error, "option_name", None)
    verb = None if context is None or option is None else _verb_with(option, context.command)
    if verb is not None:
        return _say(f"{option} belongs behind the verb, as in `encore {verb} {option} …`.", error.exit_code)
    return _say(
        f"{message}{'' if message[-1] in '.?' else '.'} `{path} --help` says what there is.", error.exit_code
    )


def _verb_with(option: str, group: object) -> str | None:
    """The first verb of `encore` that has the option; none: `group` is a verb itself, or none of its verbs has it."""
    verbs = getattr(group, "commands", {})
    return next(
        (name for name, verb in verbs.items() if any(option in one.opts for one in verb.params)), None
    )


def whole_option(text: str, low: int, high: int, *names: str) -> Any:
    """An option with a whole number of decimal digits from `low` to `high`. text: of its help."""

    def read(given: str | int) -> int:
        try:
            number = given if isinstance(given, int) else whole(given)  # a default is one already
        except ValueError as error:
            raise typer.BadParameter(f"{error}; give one from {low} to {high}") from error
        if number is None or not low <= number <= high:
            raise typer.BadParameter(f"{_shown(given)} is no whole number from {low} to {high}")
        return number

    return typer.Option(*names, help=text, parser=read, metavar="N")


def number_option(text: str) -> Any:
    """An option with a finite decimal number; its range is the schema's matter."""
    return typer.Option(help=text, parser=_number, metavar="NUMBER")


def name_option(text: str) -> Any:
    """An option with a name or an ID."""
    return typer.Option(help=text, parser=_name, metavar="NAME")


def name_argument(text: str, metavar: str) -> Any:
    """An argument that is a name or an ID."""
    return typer.Argument(help=text, parser=_name, metavar=metavar)


def text_option(text: str) -> Any:
    """An option with a text of any lines; it may be given again."""
    return typer.Option(help=text, parser=_text, metavar="TEXT")


def _number(text: str) -> float:
    try:
        found = decimal(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if found is None:
        raise typer.BadParameter(f"{_shown(text)} is no decimal number")
    return found


def _name(text: str) -> str:
    """`text` as it was typed: one line, not empty as an unset shell variable is."""
    if not text:
        raise typer.BadParameter("it is empty, as an unset shell variable is")
    try:
        return check_line(text)
    except ValueError as error:
        raise typer.BadParameter(f"{_shown(text)}: {error}") from error


def names_given(text: str | None, option: str) -> tuple[str, ...] | None:
    """Those between the commas of an option's value; none where it was not given. UserError for a comma too much."""
    names = None if text is None else tuple(name.strip() for name in text.split(","))
    if names is not None and not all(names):
        raise UserError(
            "there is no name at one of its commas", where=option, cure="Put one between two names."
        )
    return names


def _text(text: str) -> str:
    try:
        return check_text(text)
    except ValueError as error:
        raise typer.BadParameter(f"{_shown(text)}: {error}") from error


def folder_given(text: str | Path) -> Path:
    """A folder as it was typed; `~` is the home folder also where the shell left it."""
    try:
        absolute(_name(str(text)))
        return Path(text).expanduser()
    except ValueError as error:
        raise typer.BadParameter(f"{_shown(text)}: {error}") from error


def folder_option(text: str, metavar: str = "FOLDER") -> Any:
    """An option with a folder, or by its `metavar` a file, which need not be there yet."""
    return typer.Option(help=text, parser=folder_given, metavar=metavar)


def _shown(text: object) -> str:
    return one_line(repr(text), _SHOWN)


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Root = Annotated[
    Path,
    typer.Option(
        "--root",
        help="Folder of everything that runs leave.",
        envvar="ENCORE_ROOT",
        parser=folder_given,
        metavar="FOLDER",
    ),
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Keys of the experiment to change.")
]
RunId = Annotated[str, name_argument("A run's ID or the beginning of it.", "ID")]
Again = Annotated[
    bool, typer.Option("--again", help="Train also what has already finished, bit for bit the same.")
]
Variant = Annotated[str, name_option("Which exported form of the model: fp32, int8, …")]
DEPLOYED = "int8"
DEFAULT_ROOT = Path("mlruns")
