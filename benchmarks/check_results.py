"""`python -m benchmarks.check_results`: numbers of README and docs against the certificates of their runs.

benchmarks/annotations.py has the notation. Exits with 1, a line for each number that is not what its run came to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from pathlib import Path

from benchmarks.annotations import Annotations, Fault, Figure, annotations
from benchmarks.certificate import FOLDER, Certificate, read_certificate
from errors import UserError

HOME = Path(__file__).parent.parent
_PAGES = (
    "README.md",
    "docs/*.md",
    "benchmarks/results.md",
    "experiments/catalog/*.yaml",
    "sweeps/catalog/*.yaml",
)
_FACTORS = {"%": Decimal(100), "points": Decimal(100), "minutes": Decimal(1) / 60, "": Decimal(1)}


def pages(home: Path = HOME) -> list[Path]:
    """All pages whose numbers are held."""
    return sorted(path for pattern in _PAGES for path in home.glob(pattern))


def faults(page: Path, text: str, certificates: Path = FOLDER) -> list[Fault]:
    """What does not hold of the `text` of `page`, in the order of its lines."""
    found = annotations(text)
    known, broken = _certificates(found, certificates)
    wrong = [*found.faults, *_lost_links(page, found, certificates)]
    wrong += [Fault(link.line, link.run, broken[link.run]) for link in found.links if link.run in broken]
    for figure in found.figures:
        if figure.run in known and (problem := _problem(figure, known[figure.run])):
            wrong.append(Fault(figure.line, figure.run, problem))
    return sorted(wrong, key=lambda fault: fault.line)


def _certificates(found: Annotations, folder: Path) -> tuple[Mapping[str, Certificate], Mapping[str, str]]:
    """The certificates that a page names, and why others cannot be read."""
    known, broken = dict[str, Certificate](), dict[str, str]()
    for run in {link.run for link in found.links}:
        try:
            one = read_certificate(folder / f"{run[:8]}.json")
        except UserError as error:
            broken[run] = str(error)
            continue
        if one.run_id.startswith(run):
            known[run] = one
        else:
            broken[run] = f"its certificate is of run {one.run_id}"
    return known, broken


def _lost_links(page: Path, found: Annotations, certificates: Path) -> Iterator[Fault]:
    for link in found.links:
        if (
            link.target
            and (page.parent / link.target).resolve() != (certificates / f"{link.run}.json").resolve()
        ):
            yield Fault(link.line, link.run, f"{link.target} is not the place of its certificate from here")


def _problem(figure: Figure, certificate: Certificate) -> str:
    """Why a number is not what its run came to; empty where it is."""
    value = _value(figure.key, certificate)
    if value is None:
        return f"the run has no number {figure.key}"
    in_points = figure.unit == "points" and figure.key.endswith("_points")
    rounded = _rounded(value if in_points else value * _FACTORS[figure.unit], figure.shown)
    if Decimal(_plain(figure.shown)) in rounded:
        return ""
    unit = f" {figure.unit}" if figure.unit else ""
    return f"{figure.key} is {min(rounded)}{unit}, and {figure.shown}{unit} is shown"


def _value(key: str, certificate: Certificate) -> Decimal | None:
    if key in certificate.metrics:
        return Decimal(repr(certificate.metrics[key]))
    try:
        return Decimal(certificate.params[key])
    except (KeyError, InvalidOperation):
        return None


def _rounded(value: Decimal, shown: str) -> set[Decimal]:
    """`value` with as many digits as are shown; two where it lies half-way."""
    exponent = Decimal(_plain(shown)).as_tuple().exponent
    place = Decimal((0, (1,), int(exponent)))
    exact = Context(prec=len(shown) + len(f"{value:f}"))
    return {value.quantize(place, rounding, exact) for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)}


def _plain(shown: str) -> str:
    return shown.replace(",", "").replace("−", "-")


def main() -> int:
    """Print every fault; 1 where there is one."""
    count, wrong = 0, 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        count += len(annotations(text).figures)
        for fault in faults(page, text):
            wrong += 1
            run = f" run {fault.run}:" if fault.run else ""
            print(f"{page.relative_to(HOME)}:{fault.line}:{run} {fault.problem}", file=sys.stderr)
    if wrong:
        return 1
    print(f"{count} numbers are what their runs came to")
    return 0


if __name__ == "__main__":
    sys.exit(main())
