"""Processes are told apart by pid, start time and boot, and ended with their families."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import services
from services.process import (
    Entry,
    Identity,
    alive,
    boot_id,
    end,
    family,
    freeze,
    identify,
    kill,
    lookup,
    parse_stat,
    read_record,
    relatives,
    table,
    thaw,
    wait_gone,
)
from services.waiting import wait_until

_RECORD = Path(services.__file__).with_name("record.sh")
_STAT = "S {parent} {group} {session} 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 {started} 1 1"


def _entry(pid: int, *, parent: int = 1, group: int = 0, session: int = 0, started: int = 5, state: str = "S") -> Entry:
    return Entry(pid=pid, state=state, parent=parent, group=group or pid, session=session or pid, started=started)


def _family(*entries: Entry) -> list[int]:
    return [entry.pid for entry in family(Identity(10, 5, "boot"), {entry.pid: entry for entry in entries})]


def test_a_command_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    line = "42 (a) S 1 (b) " + _STAT.format(parent=7, group=8, session=9, started=1234)

    assert parse_stat(line) == Entry(pid=42, state="S", parent=7, group=8, session=9, started=1234)


def test_descendants_of_the_root_are_its_family_and_others_are_not() -> None:
    assert _family(_entry(10), _entry(11, parent=10), _entry(12, parent=11), _entry(13)) == [10, 11, 12]


def test_a_group_outlives_its_leader() -> None:
    assert _family(_entry(11, group=10), _entry(12, parent=11), _entry(13)) == [11, 12]


def test_a_session_outlives_its_leader() -> None:
    assert _family(_entry(11, session=10)) == [11]


def test_a_stranger_who_was_given_the_pid_has_no_family_of_ours() -> None:
    assert _family(_entry(10, started=6), _entry(11, parent=10), _entry(12, group=10)) == []


def test_a_zombie_is_nobody_but_its_children_are() -> None:
    assert _family(_entry(10, state="Z"), _entry(11, parent=10)) == [11]


def test_an_identity_of_another_boot_or_start_is_not_alive() -> None:
    me = identify(os.getpid())

    assert me is not None and alive(me)
    assert not alive(replace(me, started=me.started + 1))
    assert not alive(replace(me, boot="another"))
    assert relatives([replace(me, boot="another")]) == set()


def test_nobody_is_pid_0() -> None:
    assert identify(0) is None


@contextmanager
def _started(record: Path, script: str) -> Iterator[tuple[Identity, subprocess.Popen[bytes]]]:
    """A shell that record.sh wrote down; its children are told by its group."""
    process = subprocess.Popen(["/bin/sh", _RECORD, record, "/bin/sh", "-c", script], start_new_session=True)
    try:
        assert not wait_until(lambda: (False, "" if read_record(record) else "no record"), seconds=5)
        identity = read_record(record)
        assert identity is not None
        yield identity, process
    finally:
        kill([identity] if (identity := identify(process.pid)) else [])
        process.wait(5)


def test_a_record_names_the_program_itself(tmp_path: Path) -> None:
    with _started(tmp_path / "one.process", "exec sleep 60") as (identity, process):
        assert identity == identify(process.pid)
        assert identity.boot == boot_id()


@pytest.mark.parametrize("text", ["", "only-a-boot-id\n", "boot\n12 (sh) S 1\n", "boot\nnonsense\n"])
def test_half_a_record_is_none(tmp_path: Path, text: str) -> None:
    record = tmp_path / "one.process"
    record.write_text(text)

    assert read_record(record) is None


def test_no_record_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path / "none.process") is None


def _children(pid: int) -> list[int]:
    return [entry.pid for entry in table().values() if entry.parent == pid]


def test_ending_takes_the_children_and_uses_force_where_asking_does_not_help(tmp_path: Path) -> None:
    with _started(tmp_path / "one.process", "trap '' TERM; sleep 60 & sleep 61") as (identity, process):
        assert not wait_until(lambda: (False, "" if len(_children(process.pid)) == 2 else "no children"), seconds=5)
        members = relatives([identity])
        ended = end({identity: signal.SIGTERM}, grace_s=0.2)

        assert ended == len(members) == 3
        assert not any(map(alive, members))
        assert process.wait(5) in (-signal.SIGKILL, 128 + signal.SIGKILL)  # the shell may see its child killed first


def test_ending_by_the_signal_needs_no_force(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    # Not INT: who runs in the background may ignore it, and a shell cannot trap what it was born to ignore.
    trapping = f"trap 'exit 7' TERM; : > '{ready}'; while :; do sleep 0.05; done"
    with _started(tmp_path / "one.process", trapping) as (identity, process):
        assert not wait_until(lambda: (False, "" if ready.exists() else "no trap yet"), seconds=30)
        freeze(process.pid)
        end({identity: signal.SIGTERM}, grace_s=10)

        assert process.wait(5) == 7


def test_killing_after_the_leader_has_died_still_ends_its_group(tmp_path: Path) -> None:
    with _started(tmp_path / "one.process", "sleep 60 & sleep 61") as (identity, process):
        assert not wait_until(lambda: (False, "" if len(_children(process.pid)) == 2 else "no children"), seconds=5)
        process.kill()
        process.wait(5)
        left = relatives([identity])
        kill([identity])

        assert len(left) == 2
        assert not any(map(alive, left))


def test_freezing_stops_and_thawing_continues(tmp_path: Path) -> None:
    def becomes(pid: int, state: str) -> bool:
        return not wait_until(lambda: (False, "" if (e := lookup(pid)) and e.state == state else "not yet"), seconds=5)

    with _started(tmp_path / "one.process", "exec sleep 60") as (_, process):
        freeze(process.pid)
        assert becomes(process.pid, "T")
        thaw(process.pid)
        assert becomes(process.pid, "S")


def test_waiting_gives_up_at_the_deadline() -> None:
    me = identify(os.getpid())

    assert me is not None and not wait_gone([me], 0.01)
