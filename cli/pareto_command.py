"""The command line of the verb that weighs exported forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from cli.options import (
    DEFAULT_ROOT,
    Json,
    Root,
    ended_in_one_line,
    folder_given,
    name_argument,
    name_option,
)

_PICK = "--pick"


class RuleAndValue(TyperCommand):
    """`--pick RULE VALUE` as one value, as `--pick RULE` is: an option has as many values each time."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().parse_args(ctx, _joined(args))


def _joined(args: list[str]) -> list[str]:
    from comparison.rules import TAKE_A_NUMBER

    for place, word in enumerate(args[:-2]):
        if word == _PICK and args[place + 1] in TAKE_A_NUMBER and not args[place + 2].startswith("--"):
            return [*args[: place + 1], " ".join(args[place + 1 : place + 3]), *args[place + 3 :]]
    return args


@ended_in_one_line
def pareto(
    ids: Annotated[list[str], name_argument("A sweep or runs: IDs or the beginnings of them.", "ID…")],
    pick: Annotated[
        str | None,
        name_option("smallest-within X, fastest-within X (points or nats/token) or most-accurate."),
    ] = None,
    alias: Annotated[
        str | None, name_option("With --pick: which alias it gets in the registry. [champion]")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw it: FILE.svg or FILE.png.", parser=folder_given, metavar="FILE"),
    ] = None,
    root: Root = DEFAULT_ROOT,
    json: Json = False,
) -> int:
    """Show which exported forms nothing beats.

    In score, latency and size together, of one run, of several, or of a sweep's trials. --pick registers one of them,
    to be served by its alias.
    """
    from cli.pareto import Wanted, pareto_verb

    return pareto_verb(ids, Wanted(pick, alias, picture), root, as_json=json)
