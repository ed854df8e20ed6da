"""What follows the end of a run for MLflow's pages: where it fails, that costs the run nothing, and is told."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from errors import UserError
from host.disk import FullDiskError
from host.progress import Reporter


@contextmanager
def aside(
    reporter: Reporter, what: str, *, root: Path, ends_with: BaseException | None = None
) -> Generator[None]:
    """Tell a UserError of the block as a warning, which begins with `what`.

    A full disk is met by all that follows on it and told once: with the same words for all of it, which a reporter says
    once, and not at all where it is also what the command `ends_with`. root: of the store.
    """
    try:
        yield
    except FullDiskError:
        if not isinstance(ends_with, FullDiskError):
            reporter.say(_full(root), "warning")
    except UserError as error:
        reporter.say(f"{what}: {error}", "warning")


def _full(root: Path) -> str:
    return (
        f"{root}: the disk is full: what has ended is kept, but MLflow does not show all of it. Free some space; then "
        "`encore ui` saves the views, `encore export ID` makes a run's model, and `encore promote ID` the champion."
    )
