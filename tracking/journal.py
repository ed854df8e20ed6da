"""The write-ahead journal of one run: what was logged, on disk before it is on its way.

`<root>/journal/<run_id>.jsonl` is append-only. Its first line is the header (store, owner); every
further line is one record: metrics of a step, tags, params, how many records have arrived in the
store, and how the run ended. Each line goes to the operating system in one write, so a SIGKILL
loses none of it; a power cut may lose the last seconds, as the file is not synced. The writer
holds an advisory lock as long as it lives.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

from errors import UserError
from host.bounded_json import parse_json
from host.disk import disk_errors, partial_name, try_lock
from host.process import Owner, pid_namespace
from tracking.addresses import public_uri

Status = Literal["FINISHED", "FAILED", "KILLED"]

# A live run samples its machine every few seconds.
FOREIGN_SILENCE_S = 600.0
_LONGEST_HEADER = 2**16

# A prebuilt encoder: json.dumps with non-default separators makes a new one at each call.
_encode = json.JSONEncoder(separators=(",", ":")).encode


_NONE: Mapping[str, Any] = MappingProxyType({})


class Record(NamedTuple):
    """One call's worth of logging. Metrics carry their step and time; tags and params do not.

    A named tuple, and its line a filled-in template: this is made at every training step, and a
    dataclass and the JSON encoder together cost three times as much.
    """

    metrics: Mapping[str, float] = _NONE
    step: int = 0
    time_ms: int = 0
    tags: Mapping[str, str] = _NONE
    params: Mapping[str, str] = _NONE

    def to_line(self) -> bytes:
        if not self.metrics:
            return _encode({"g": dict(self.tags), "p": dict(self.params)}).encode() + b"\n"
        values = self.metrics.values()
        if math.isfinite(sum(values)):
            return (_template(tuple(self.metrics)) % (*values, self.step, self.time_ms)).encode()
        return _encode({"m": self.metrics, "s": self.step, "t": self.time_ms}).encode() + b"\n"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record | None:
        """None for what is no record."""
        match value:
            case {"m": dict(metrics), "s": int(step), "t": int(time_ms)} if _all(metrics, (int, float)):
                return cls(metrics, step, time_ms)
            case {"g": dict(tags), "p": dict(params)} if _all(tags, str) and _all(params, str):
                return cls(tags=tags, params=params)
            case _:
                return None


def _all(values: Mapping[str, Any], kind: type | tuple[type, ...]) -> bool:
    return all(isinstance(value, kind) for value in values.values())


@lru_cache(maxsize=64)
def _template(keys: tuple[str, ...]) -> str:
    """A metrics line with places for the values, the step and the time; `repr` of a finite float is JSON."""
    metrics = ",".join(f"{_encode(key).replace('%', '%%')}:%r" for key in keys)
    return f'{{"m":{{{metrics}}},"s":%d,"t":%d}}\n'


@dataclass(frozen=True)
class End:
    """How the run ended, when its last words could not be sent at once."""

    status: Status | None
    time_ms: int


class Journal:
    """The writing side. Not thread-safe: the sender serialises the calls."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, run_id: str, uri: str) -> Journal:
        """Start the journal of a run, locked and with its header, in one visible step.

        Raises:
            FileExistsError: the run has a journal, so somebody writes it (or did, and was lost).
        """
        path = folder / f"{run_id}.jsonl"
        header = {
            "run_id": run_id,
            "uri": uri,
            "owner": str(Owner.current()),
            "pid_namespace": pid_namespace(),
        }
        with disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            partial = partial_name(path)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
            try:
                journal = cls(path, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                journal._write(_encode(header).encode() + b"\n")
                os.link(partial, path)
            except BaseException:
                os.close(descriptor)
                raise
            finally:
                partial.unlink()
        return journal

    def append(self, record: Record) -> None:
        self._write(record.to_line())

    def mark_sent(self, records: int) -> None:
        """The first `records` records have arrived: a replay need not send them again."""
        self._write(_encode({"sent": records}).encode() + b"\n")

    def mark_end(self, end: End) -> None:
        self._write(_encode({"end": end.status, "t": end.time_ms}).encode() + b"\n")

    def sync(self) -> None:
        """Bring what was written to the disk."""
        with disk_errors(self.path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def delete(self) -> None:
        self.path.unlink()
        self.close()

    def _write(self, line: bytes) -> None:
        with disk_errors(self.path):
            written = os.write(self._descriptor, line)
            if written < len(line):
                self._write_rest(line, written)

    def _write_rest(self, line: bytes, written: int) -> None:
        """A nearly full disk took a part of the line: write the rest, or leave no half line behind."""
        whole_lines = os.fstat(self._descriptor).st_size - written
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, whole_lines)
            raise


def own_journal(folder: Path, run_id: str, uri: str) -> Journal:
    """The journal of a run for this process to write. UserError when another writes it, or has not sent all."""
    try:
        return Journal.create(folder, run_id, public_uri(uri))
    except FileExistsError as error:
        raise UserError(
            "the run is being written by another process, or has records that could not be sent yet",
            where=str(folder / f"{run_id}.jsonl"),
            cure="Wait until it has ended, or until the tracking store answers again.",
        ) from error


@dataclass(frozen=True)
class LeftOver:
    """The reading side: a journal on disk, perhaps of a process that died."""

    path: Path
    run_id: str
    uri: str
    owner: Owner | None
    pid_namespace: int

    @classmethod
    def open(cls, path: Path) -> LeftOver | None:
        """Read the header; None when a power cut left the file without one, or it is not one that we wrote."""
        with path.open("rb") as file:
            header = _decode(file.readline(_LONGEST_HEADER))
        match header:
            case {"run_id": str(run), "uri": str(uri), "owner": str(owner), "pid_namespace": int(namespace)}:
                # The run's ID names files, so it is the one that the file is called by.
                return cls(path, run, uri, Owner.parse(owner), namespace) if run == path.stem else None
            case _:
                return None

    def is_abandoned(self) -> bool:
        """Whether nobody will write this journal any more, as far as this machine can know.

        The lock is decisive while nobody holds it. Held by an orphan (a forked data-loading worker
        inherits it) it is not: then the owner's own process decides, if its pid means anything here.
        A machine may change its name (a container at every start), and a file system may not carry
        locks between machines: under another host's name the file must have been silent, too.
        """
        if self.owner is None:
            return False
        if not self.owner.is_here():
            return not _is_locked(self.path) and time.time() - self.path.stat().st_mtime > FOREIGN_SILENCE_S
        if not _is_locked(self.path):
            return True
        return self.pid_namespace == pid_namespace() and not self.owner.is_alive()

    def read(self) -> Contents:
        """What the journal holds, up to the first line that its writer's death left unreadable."""
        records: list[Record] = []
        sent, end = 0, None
        with self.path.open("rb") as file:
            file.readline()
            while (value := _decode(file.readline())) is not None:
                match value:
                    case {"sent": int(count)}:
                        sent = max(count, 0)
                    case {"end": None | "FINISHED" | "FAILED" | "KILLED" as status, "t": int(time_ms)}:
                        end = End(status, time_ms)
                    case _ if (record := Record.from_json(value)) is not None:
                        records.append(record)
                    case _:
                        break  # nothing that we wrote, nor what follows it
        written_ms = int(self.path.stat().st_mtime * 1000)
        return Contents(
            records[sent:], end, max((r.time_ms for r in records if r.metrics), default=written_ms)
        )


@dataclass(frozen=True)
class Contents:
    """The records that the store may not have, the ending if there was one, and the last sign of life."""

    unsent: list[Record]
    end: End | None
    last_ms: int


def _decode(line: bytes) -> dict[str, Any] | None:
    """One line as a JSON object; None at the end of the file or where a line is torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        value = parse_json(line.decode())
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
