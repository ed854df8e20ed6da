"""sha256 digests of tables by their values; whoever only looks at answers does not wait for torch."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def table_digest(frame: pd.DataFrame) -> str:
    """Over name, kind and every value of each column, in the order of the names; rows in their order."""
    digest = hashlib.sha256()
    for name in sorted(frame.columns):
        values = frame[name].to_numpy()
        if values.dtype.kind == "f":
            add(digest, [name, "float", len(values)])
            digest.update(values.astype("<f8").tobytes())
        elif values.dtype.kind in "iu":
            add(digest, [name, "integer", len(values)])
            digest.update(values.astype("<i8").tobytes())
        else:
            add(digest, [name, "text", len(values)])
            add(digest, [str(value) for value in values])
    return digest.hexdigest()


def add(digest: Any, value: object) -> None:
    """Add a plain value to a hash. JSON ends by itself, so no two sequences of values run together alike."""
    digest.update(json.dumps(value, sort_keys=True, default=_plain).encode())


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else repr(value)
