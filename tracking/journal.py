"""The write-ahead journal of one run: what was logged, on disk before it is on its way.

`<root>/journal/<run_id>.jsonl` grows at its end. Its first line is the header (store, owner), its
second an empty one, as long as an ending may be: on a disk that has filled meanwhile, how the run
ended is written over it. Every further line is one record: metrics of a step, tags, params, how
many records have arrived in the store, and how the run ended. Each line goes to the operating
system in one write, so a SIGKILL loses none of it; a power cut may lose the last seconds, as the
file is not synced. The writer holds an advisory lock as long as it lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from errors import UserError
from host.bounded_json import parse_json
from host.disk import disk_errors, partial_name, try_lock
from host.process import Owner, pid_namespace
from tracking.addresses import public_uri
from tracking.records import LONGEST_END, End, Record, encoded

# A live run samples its machine every few seconds.
FOREIGN_SILENCE_S = 600.0
_LONGEST_HEADER = 2**16
_ROOM_FOR_AN_END = b"{" + b" " * LONGEST_END + b"}\n"


class Journal:
    """The writing side. Not thread-safe: the sender serialises the calls."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._room = 0  # where the room for an ending begins, in bytes from the file's start

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
                first = encoded(header).encode() + b"\n"
                journal._write(first + _ROOM_FOR_AN_END)
                journal._room = len(first)
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
        self._write(encoded({"sent": records}).encode() + b"\n")

    def mark_end(self, end: End) -> None:
        """Write the ending; where the disk is full, into the room that was kept for it."""
        line = end.to_line()
        try:
            self._write(line)
        except UserError:
            self._write_over_the_room(line)

    def _write_over_the_room(self, line: bytes) -> None:
        with disk_errors(self.path):
            descriptor = os.open(
                self.path, os.O_WRONLY
            )  # Linux appends what pwrite sends to one with O_APPEND
            try:
                filled = line[:-2].ljust(len(_ROOM_FOR_AN_END) - 2) + line[-2:]
                if os.pwrite(descriptor, filled, self._room) < len(filled):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)

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
            for value in _values(file):
                match value:
                    case {"sent": int(count)}:
                        sent = max(count, 0)
                    case _ if (ending := End.from_json(value)) is not None:
                        end = ending
                    case _ if not value:  # the room for an ending
                        continue
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


def _values(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """The lines below the header up to the first torn one; an ending that was torn in its room is an empty one."""
    file.readline()
    yield _decode(file.readline()) or {}
    while (value := _decode(file.readline())) is not None:
        yield value


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
