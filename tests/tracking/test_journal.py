from __future__ import annotations

import json
import math
import os
import resource
import subprocess
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import UserError
from host.process import Owner
from tests.small_disks import small_disk
from tracking.journal import Journal, LeftOver
from tracking.records import End, Record, Status


def _left_over(path: Path) -> LeftOver:
    found = LeftOver.open(path)
    assert found is not None
    return found


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "abc", "sqlite:///x")
    records = [Record(metrics={"a": i / 3, "b": math.inf}, step=i, time_ms=100 + i) for i in range(5)]
    for record in [*records, Record(tags={"t": "ü\n"}, params={"p": "1"})]:
        journal.append(record)
    journal.mark_sent(2)
    journal.mark_end(End("FINISHED", 999))
    left = _left_over(tmp_path / "abc.jsonl")
    assert (left.run_id, left.uri, left.owner) == ("abc", "sqlite:///x", Owner.current())
    contents = left.read()
    assert contents.unsent == [*records[2:], Record(tags={"t": "ü\n"}, params={"p": "1"})]
    assert contents.end == End("FINISHED", 999)
    assert contents.last_ms == 104
    journal.delete()
    assert list(tmp_path.iterdir()) == []


def test_a_run_has_one_journal(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "abc", "u")
    with pytest.raises(FileExistsError):
        Journal.create(tmp_path, "abc", "u")
    assert [path.name for path in tmp_path.iterdir()] == ["abc.jsonl"]
    journal.delete()
    Journal.create(tmp_path, "abc", "u").delete()


def test_the_lock_tells_whether_somebody_writes(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "abc", "u")
    assert not _left_over(journal.path).is_abandoned()
    journal.close()
    assert _left_over(journal.path).is_abandoned()


@given(data=st.data())
def test_a_torn_tail_costs_the_torn_line_only(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    journal = Journal.create(folder, "abc", "u")
    header = journal.path.stat().st_size
    lines = [header]
    for i in range(4):
        journal.append(Record(metrics={"loss": 0.1 * i}, step=i, time_ms=i))
        lines.append(journal.path.stat().st_size)
    cut = data.draw(st.integers(header, lines[-1]))
    garbage = data.draw(st.sampled_from([b"", b"\0\0\0", b"\0\n"]))
    journal.path.write_bytes(journal.path.read_bytes()[:cut] + garbage)
    whole = max(n for n, end in enumerate(lines) if end <= cut)
    assert [record.step for record in _left_over(journal.path).read().unsent] == list(range(whole))
    journal.close()


def test_a_journal_without_a_header_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"\0\0\0")
    assert LeftOver.open(tmp_path / "x.jsonl") is None


def test_another_hosts_journal_is_never_abandoned(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "abc", "u")
    journal.close()
    header = json.loads(journal.path.read_text().splitlines()[0])
    header["owner"] = "elsewhere:1:1.0"
    journal.path.write_text(json.dumps(header) + "\n")
    assert not _left_over(journal.path).is_abandoned()


def _fill(journal: Journal) -> int:
    """Log until the disk is full; return how many records went in."""
    for step in range(10**6):
        try:
            journal.append(Record(metrics={"loss": 0.1}, step=step, time_ms=1))
        except UserError:
            return step
    raise AssertionError


def test_a_full_disk_is_said_and_leaves_whole_lines(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 32) as disk:
        journal = Journal.create(disk, "abc", "u")
        logged = _fill(journal)
        with pytest.raises(UserError, match="disk is full"):
            journal.append(Record(metrics={"loss": 0.1}, step=logged, time_ms=1))
        journal.close()
        kept = [record.step for record in _left_over(journal.path).read().unsent]
        assert kept == list(range(logged))
        assert journal.path.read_bytes().endswith(b"\n")


@given(reason=st.text(), status=st.sampled_from([None, "FINISHED", "FAILED", "KILLED"]))
def test_how_a_run_ended_finds_room_on_a_full_disk(
    tmp_path_factory: pytest.TempPathFactory, reason: str, status: Status | None
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal.create(folder, "abc", "u")
    journal.append(Record(metrics={"loss": 0.1}, step=3, time_ms=7))
    before = journal.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
    try:
        journal.mark_end(End(status, 999, reason))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.close()
    assert journal.path.stat().st_size == before
    contents = _left_over(journal.path).read()
    assert contents.end == End(status, 999, reason[:300])
    assert contents.unsent == [Record(metrics={"loss": 0.1}, step=3, time_ms=7)]


def test_an_ending_that_was_torn_in_its_room_takes_no_record_with_it(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "abc", "u")
    header = journal.path.read_bytes().index(b"\n") + 1
    journal.append(Record(metrics={"loss": 0.1}, step=3, time_ms=7))
    journal.close()
    content = bytearray(journal.path.read_bytes())
    content[header : header + 12] = b'{"end":"FAIL'
    journal.path.write_bytes(content)
    contents = _left_over(journal.path).read()
    assert (contents.end, [record.step for record in contents.unsent]) == (None, [3])


def test_owner_tag_comes_back() -> None:
    owner = Owner.current()
    assert Owner.parse(str(owner)) == owner
    assert owner.is_here()
    assert owner.is_alive()
    assert not Owner(owner.host, owner.pid, owner.started_s - 1000).is_alive()
    assert Owner.parse("nonsense") is None


def test_a_dead_process_that_nobody_has_reaped_does_not_live() -> None:
    process = subprocess.Popen(["true"])
    owner = Owner(Owner.current().host, process.pid, psutil.Process(process.pid).create_time())
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not owner.is_alive()
    process.wait()
