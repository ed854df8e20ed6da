"""`encore compare` and `encore best`."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.comparison_tables import print_best, print_comparison
from cli.console import print_json
from cli.session import OK, open_existing, outputs
from comparison.asked import MARGIN
from comparison.tables import FORMATS
from errors import UserError
from schema.validation import nearest

if TYPE_CHECKING:
    from comparison.results import Comparison, NoiseFloor
    from host.terminal import TerminalReporter
    from tracking.store import Store

_KINDS = ("models", "recipes")


@dataclass(frozen=True)
class Request:
    """A command line of `encore compare`. formats: those that were asked for, of which one at most may be."""

    names: tuple[str, ...]
    of: str
    margin: float | None
    variant: str | None
    whole: bool
    formats: tuple[str, ...]


def compare_verb(request: Request, root: Path) -> int:
    _check(request)
    out, reporter = outputs()
    store = open_existing(root, reporter)
    found = _compared(store, request)
    chosen = next(iter(request.formats), None)
    if chosen == "json":
        print_json(asdict(found))
    elif chosen is not None:
        sys.stdout.write(FORMATS[chosen](found))
    else:
        print_comparison(out, found, root)
    trained = all(side.variant is None for side in found.sides)  # an export's noise is not the training's
    if found.of == "recipes" and trained and found.noise is not None:
        _keep(store, found.experiment, found.noise, reporter)
    return OK


def _compared(store: Store, request: Request) -> Comparison:
    from comparison.compare_models import compare_models
    from comparison.compare_recipes import compare_recipes

    margin = MARGIN if request.margin is None else request.margin
    if request.of == "recipes":
        return compare_recipes(store, request.names, margin=margin, variant=request.variant)
    whole = request.whole or "json" in request.formats
    return compare_models(store, request.names, margin=margin, variant=request.variant, whole=whole)


def _check(request: Request) -> None:
    if len(request.formats) > 1:
        given = " ".join(f"--{name}" for name in request.formats)
        raise UserError("are several forms of one answer", where=given, cure="Give one of them.")
    if request.of not in _KINDS:
        near = nearest(request.of, _KINDS)
        cure = f"Did you mean {near}?" if near else f"Give one of {', '.join(_KINDS)}."
        raise UserError("is nothing to compare", where=f"--of {request.of}", cure=cure)
    if request.whole and request.of == "recipes":
        raise UserError("shows what models answered", where="--all", cure="Leave it out, or compare models.")


def _keep(store: Store, experiment: str, noise: NoiseFloor, reporter: TerminalReporter) -> None:
    """What was found is shown already: a store that cannot be written to is a warning."""
    from comparison.noise import keep_noise

    try:
        keep_noise(store, experiment, noise)
    except UserError as error:
        reporter.say(f"the noise floor could not be kept on the experiment: {error}", "warning")


def best_verb(experiment: str, margin: float | None, root: Path, *, as_json: bool) -> int:
    out, reporter = outputs()
    store = open_existing(root, reporter)
    from comparison.best import best_run

    found = best_run(store, experiment, margin=MARGIN if margin is None else margin)
    if as_json:
        print_json(asdict(found))
    else:
        print_best(out, found, root)
    return OK
