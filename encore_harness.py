"""The command `encore`: it runs Encore's own rooms, whatever else on this machine has one of their names.

Names such as `errors` and `sweeps` are nobody's: `pip install wandb[sweeps]` brings a `sweeps`, a PYTHONPATH may hold
an `errors.py`, and both are found before an editable install. So the rooms are looked for beside this file first, and a
module of their names that is loaded already (a `.pth` file or a `sitecustomize` may have done that) is named.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

HOME = Path(__file__).resolve().parent
# fmt: off
ROOMS = (
    "errors", "host", "schema", "lightning_modules", "datamodules", "scoring", "tracking", "export", "generation",
    "analysis", "pages", "runs", "comparison", "serving", "experiments", "sweeps", "cli",
)
# fmt: on


class OwnRooms:
    """A finder for `sys.meta_path` that knows the rooms beside this file and nothing else."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        return PathFinder.find_spec(name, [str(HOME)]) if path is None and name in ROOMS else None


def hidden_rooms() -> dict[str, str]:
    """Rooms in whose place something else is loaded, or nothing can be: what stands there."""
    found = {room: _place(room) for room in ROOMS}
    return {room: place for room, place in found.items() if Path(place).parent != HOME / room}


def _place(room: str) -> str:
    loaded = sys.modules.get(room)
    if loaded is not None:
        return str(Path(getattr(loaded, "__file__", None) or repr(loaded)).resolve())
    spec = OwnRooms.find_spec(room)
    return "nothing" if spec is None or spec.origin is None else str(Path(spec.origin).resolve())


def main() -> None:
    """Entry point."""
    sys.meta_path.insert(0, OwnRooms)
    hidden = hidden_rooms()
    if hidden:
        room, place = next(iter(hidden.items()))
        sys.stderr.write(
            f"encore: {place}: stands in the place of Encore's own {HOME / room}. "
            "Rename it, or take its folder off PYTHONPATH and out of whatever imports it when Python starts.\n"
        )
        sys.exit(2)
    from cli.main import main as run

    run()


if __name__ == "__main__":
    main()
