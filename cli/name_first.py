"""KEY=VALUE in the place of a name."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from errors import UserError


def check_name_first(command: str, name: str, overrides: Sequence[str], *, metavar: str = "NAME") -> None:
    """UserError with the line as it should be, where `name` is a KEY=VALUE."""
    key = name.partition("=")[0]
    if "=" not in name or "/" in key or name.endswith((".yaml", ".yml")):
        return
    wanted = next((word for word in overrides if "=" not in word), None)
    line = ["encore", command, wanted or metavar, name, *(word for word in overrides if word is not wanted)]
    cure = f"Write `{shlex.join(line)}`." + ("" if wanted else " `encore catalog` lists the names.")
    raise UserError(
        f"stands where the {metavar} belongs, which comes first", where=repr(name[:80]), cure=cure
    )
