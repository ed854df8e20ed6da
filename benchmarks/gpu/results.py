"""What was done, written after every step, and the time that is left."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host.disk import write_atomically

Entry = dict[str, Any]


class Budget:
    """Seconds until the end of what was allowed."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    def left_s(self) -> float:
        return self._end - time.monotonic()

    def part(self, minutes: float | None) -> Budget:
        """So much of it, counted from now, or all that is left."""
        left = self.left_s() / 60
        return Budget(left if minutes is None else min(minutes, left))


class Results:
    """Entries in the order in which they came, each a step of a case: done, failed or skipped. Several threads add."""

    def __init__(self, folder: Path, budget: Budget, about: Entry) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.budget, self.about = folder, budget, about
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._save()

    def step(
        self, case: str, what: str, work: Callable[[], Entry], *, needs_s: float, **known: object
    ) -> Entry | None:
        """What `work` found, or nothing where it failed, or where less than `needs_s` seconds are left for it.

        A command that the end of the time interrupts is skipped too: that says nothing of Encore.
        """
        begin = time.monotonic()
        if self.budget.left_s() < needs_s:
            left = max(0, round(self.budget.left_s()))
            self._add(
                case,
                what,
                {"state": "skipped", "why": f"{left} s left, needs about {needs_s:.0f} s", **known},
            )
            return None
        try:
            found = work()
        except subprocess.TimeoutExpired as late:
            found = {"state": "skipped", "why": f"the time ended after {late.timeout:.0f} s of it"}
        except Exception as error:  # noqa: BLE001 whatever it is: the other steps go on, and the file has it whole
            found = {"state": "failed", "why": _first_line(error), "traceback": traceback.format_exc()}
        entry = {"state": "done", "seconds": round(time.monotonic() - begin, 2), **known, **found}
        self._add(case, what, entry)
        return entry if entry["state"] == "done" else None

    def note(self, name: str, value: object) -> None:
        """Something about the whole, under `name` in the file."""
        with self._lock:
            self.about[name] = value
            self._save()

    def _add(self, case: str, what: str, entry: Entry) -> None:
        with self._lock:
            self.entries.append({"case": case, "step": what, **entry})
            self._save()
        told = {
            key: value
            for key, value in entry.items()
            if isinstance(value, (str, int, float)) and key != "traceback"
        }
        print(f"[{self.budget.left_s():4.0f} s left] {case}: {what}:", told, flush=True)

    def _save(self) -> None:
        content = {**self.about, "entries": self.entries}
        write_atomically(self.folder / "results.json", json.dumps(content, indent=1, default=str).encode())

    def of(self, what: str) -> list[Entry]:
        return [entry for entry in self.entries if entry["step"] == what]


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:300]
