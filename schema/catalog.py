"""Catalogs: folders of YAML files that are named without folder and ending."""

from __future__ import annotations

import os
from pathlib import Path

from errors import UserError
from schema.validation import nearest


def catalog_file(catalog: Path, name: str, *, kind: str) -> Path:
    """`name` as a file's path, or in `catalog`; UserError offers the nearest name."""
    names = catalog_names(catalog)
    if name.endswith((".yaml", ".yml")):
        if not os.path.isfile(name):  # not Path's: it raises for a name that is too long
            raise UserError(
                "no such file", where=name, cure=f"Give a YAML file or one of {', '.join(names)}."
            )
        return Path(name)
    if name in names:
        return catalog / f"{name}.yaml"
    cure = f"Did you mean {near}?" if (near := nearest(name, names)) else "Choose one of those."
    raise UserError(f"unknown (there are {', '.join(names)})", where=f"{kind} {name!r}", cure=cure)


def catalog_names(catalog: Path) -> list[str]:
    """Names in a catalog folder, sorted."""
    return sorted(path.stem for path in catalog.glob("*.yaml"))
