"""The file that keeps an exception which the terminal shows in one line."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path

from tracking.redaction import redacted


def debug_file(error: BaseException, root: Path | None) -> Path | None:
    """Where the traceback of `error`, without secrets, was written; None where nothing can be written at all.

    Under `<root>/debug` if the store is there, else in the folder for temporary files.
    """
    text = redacted("".join(traceback.format_exception(error)))
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    temporary = Path(tempfile.gettempdir()) / f"encore-debug-{os.getuid()}"
    for folder in ([root.absolute() / "debug"] if root is not None and root.is_dir() else []) + [temporary]:
        if folder.is_symlink():
            continue  # somebody else's store may lead anywhere
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = folder / name
            with file.open("x", encoding="utf-8", errors="backslashreplace") as opened:
                opened.write(text)
        except OSError:
            continue  # a full or read-only disk; the next folder may be on another
        return file
    return None
