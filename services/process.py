"""Processes of ours, known by pid and start time, never by name.

A pid alone may have been given to a stranger meanwhile; pid, start time and boot together never are. Signals go through
a pidfd that is opened before the start time is compared, so that no signal can reach a stranger either.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.errors import StackError

_PROC = Path("/proc")
_ENDED = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot; `started` is in clock ticks after that boot."""

    pid: int
    started: int
    boot: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the process table; `state` is the letter that proc(5) lists."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int


def boot_id() -> str:
    """The id that the kernel drew at this boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()


def parse_stat(line: str) -> Entry:
    """Read a line of /proc/PID/stat; the command in it may hold spaces and brackets, so the last bracket counts."""
    pid, rest = line.split(" (", 1)
    fields = rest.rsplit(") ", 1)[1].split()
    return Entry(
        pid=int(pid),
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def read_record(path: Path) -> Identity | None:
    """What record.sh wrote; None where there is no whole record."""
    try:
        boot, line = path.read_text("utf-8", "replace").splitlines()
        entry = parse_stat(line)
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return Identity(entry.pid, entry.started, boot)


def lookup(pid: int) -> Entry | None:
    """The process table's line for `pid`, or None."""
    try:
        return parse_stat((_PROC / str(pid) / "stat").read_text("utf-8", "replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def table() -> dict[int, Entry]:
    """Every process that can be seen, by pid."""
    seen = (lookup(int(path.name)) for path in _PROC.iterdir() if path.name.isdigit())
    return {entry.pid: entry for entry in seen if entry is not None}


def identify(pid: int) -> Identity | None:
    """The identity of a process that lives now; None for one that has ended, and for 0."""
    entry = lookup(pid)
    return Identity(pid, entry.started, boot_id()) if entry and entry.state not in _ENDED else None


def alive(identity: Identity) -> bool:
    """Whether that very process still runs (or is stopped); a zombie has ended."""
    entry = lookup(identity.pid)
    return bool(
        entry and entry.started == identity.started and entry.state not in _ENDED and identity.boot == boot_id()
    )


def family(root: Identity, processes: Mapping[int, Entry]) -> list[Entry]:
    """`root` with its descendants and the members of its group and session, those that live.

    A leader that has died leaves its group behind, and the kernel gives its pid to nobody while a member lives: so a
    group counts as ours while its leader is ours or is gone, and never when the pid belongs to a later process.
    """
    leader = processes.get(root.pid)
    if leader is not None and leader.started != root.started:
        return []
    ours = {root.pid} if leader else set()
    ours |= {entry.pid for entry in processes.values() if root.pid in (entry.group, entry.session)}
    grown = True
    while grown:
        children = {entry.pid for entry in processes.values() if entry.parent in ours} - ours
        ours |= children
        grown = bool(children)
    return [processes[pid] for pid in sorted(ours) if processes[pid].state not in _ENDED]


def relatives(roots: Iterable[Identity]) -> set[Identity]:
    """The identities of all that lives of the families of `roots`."""
    boot, processes = boot_id(), table()
    return {
        Identity(entry.pid, entry.started, boot)
        for root in roots
        if root.boot == boot
        for entry in family(root, processes)
    }


@contextmanager
def _pidfd(identity: Identity) -> Iterator[int | None]:
    try:
        fd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield fd if alive(identity) else None
    finally:
        os.close(fd)


def send(identities: Iterable[Identity], number: signal.Signals) -> None:
    """Signal those that still live."""
    for identity in identities:
        with _pidfd(identity) as fd:
            if fd is not None:
                with suppress(ProcessLookupError):  # it ended between the look and the signal
                    signal.pidfd_send_signal(fd, number)


def freeze(pid: int) -> None:
    """SIGSTOP a process with its family; nothing happens for pid 0."""
    _send_family(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """SIGCONT a process with its family; nothing happens for pid 0."""
    _send_family(pid, signal.SIGCONT)


def _send_family(pid: int, number: signal.Signals) -> None:
    root = identify(pid) if pid else None
    if root is not None:
        send(relatives([root]), number)


def wait_gone(identities: Iterable[Identity], seconds: float) -> bool:
    """Wait until each has ended; False if one still lives after `seconds`."""
    deadline = time.monotonic() + seconds
    for identity in identities:
        with _pidfd(identity) as fd:
            if fd is not None:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                left = max(0.0, deadline - time.monotonic())
                if not poll.poll(left * 1000):
                    return False
    return True


def kill(roots: Iterable[Identity]) -> None:
    """SIGKILL whole families at once, and wait until they are gone; StackError if the kernel holds one."""
    doomed = relatives(roots)
    send(doomed, signal.SIGKILL)
    if not wait_gone(doomed, 10):
        left = ", ".join(str(identity.pid) for identity in doomed if alive(identity))
        raise StackError(f"the processes {left} do not end after SIGKILL: look at them with `ps -o pid,stat,wchan`")


def end(roots: Mapping[Identity, signal.Signals], *, grace_s: float) -> int:
    """Ask each root to end with its signal, kill what is left of the families after `grace_s`; returns how many lived.

    Frozen ones are thawed first: a stopped process answers nothing but SIGKILL.
    """
    members = relatives(roots)
    send(members, signal.SIGCONT)
    for root, number in roots.items():
        send([root], number)
    if not wait_gone(members, grace_s):
        kill(members)
    return len(members)
