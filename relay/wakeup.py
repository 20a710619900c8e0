"""When the relay may sleep, and what wakes it.

A NOTIFY in each of the writers' transactions would put all their commits behind one lock, so a trigger notifies only
if it reads that the relay is asleep. The trigger reads the flag when its transaction has a number. The relay

1. says *asleep*, and commits;
2. draws a transaction number X, in a new transaction;
3. scans until every transaction that is older than X has ended;
4. scans once more, and only then waits for a notification.

A writer younger than X drew its number after *asleep* was committed, so it reads it and notifies. An older one has
ended before step 4, whose scan sees its event. A snapshot's xmax would be a wrong bound: a writer that runs but is
younger than the last completed one is not below it. The poll is the safety net for connections that lose notifications.

What workers say at each claim (`claims.WORK`) is no writer's: the relay looks, and sleeps on if only bulk claims come
of it. Beside a replay it would else look every few milliseconds for changes that nobody makes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from outbox import pooler
from outbox.connection import Connection
from outbox.sql import queries
from outbox.store.claims import WORK

_SQL = queries("relay", "wakeup.sql")
_OURS = "ours"
log = structlog.get_logger("relay")

LINGER_S = 0.05  # one with live changes at hand never sleeps: each turn of the flag is a row version that writers read
LOOK_S = 0.005
WORKER_S = 0.03  # at the most, for the worker to be done with what ended a sleep
GATHER_S = 0.015  # a worker ends a bulk claim and begins the next one 4 to 15 ms later: one look for both
RENEW_S = 15.0
HEAR_S = 2.0
SLICE_S = 0.5  # the longest wait that nothing interrupts: a signal and the leadership are looked at between


class Wakeup:
    """Waits on one autocommit connection that listens from its first moment on.

    `scan` does what there is to do and returns true if it did anything but bulk claims; `ahead` does what a writer's
    change most likely needs, without looking first, and returns true if it was that. `idle` is called between waits,
    and returns false when the waiting has to end (a signal, or another relay leads). `due_s` gives the seconds until
    something that waits for its time may be taken, by the last scan; `leads` tells whether this relay leads: another's
    sleep is not ended by one that was frozen and wakes. `hears` tells whether notifications arrive.
    """

    def __init__(
        self,
        connection: Connection,
        scan: Callable[[], bool],
        ahead: Callable[[], bool],
        idle: Callable[[], bool],
        poll_s: float,
        due_s: Callable[[], float],
        leads: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._scan = scan
        self._ahead = ahead
        self._idle = idle
        self._poll_s = poll_s
        self._due_s = due_s
        self._leads = leads
        self._asleep_since: float | None = None
        self.hears = self._listens()

    def rest(self) -> None:
        """Return as soon as something was done, or may have to be done, or `idle` said false."""
        if not self._linger():
            return
        if not self.hears:
            self._poll()
            return
        self._say_asleep()
        sleeps = self._others_have_ended() and not self._scan()
        written = sleeps and self._sleep()
        self._say_awake(slept=sleeps, written=written)

    def _listens(self) -> bool:
        """Whether notifications arrive; behind a pooler LISTEN is in vain, without an error.

        Where we know of the pooler we need not try: our own NOTIFY might run on the connection that did LISTEN.
        """
        if pooler.between(self._connection) or not self._heard_ourselves():
            log.warning("no notifications", reason="LISTEN is in vain, as behind a pooler: looking each poll instead")
            return False
        return True

    def _heard_ourselves(self) -> bool:
        until = time.monotonic() + HEAR_S
        self._connection.execute(_SQL["listen"])
        self._connection.execute(_SQL["notify_ourselves"], {"payload": _OURS})
        while (left := until - time.monotonic()) > 0:
            if any(note.payload == _OURS for note in self._connection.notifies(timeout=left, stop_after=1)):
                return True
        return False

    def _poll(self) -> None:
        """Without saying *asleep*: nobody could wake us."""
        until = time.monotonic() + self._poll_s
        while self._idle() and (left := min(until - time.monotonic(), self._due_s())) > 0:
            time.sleep(min(SLICE_S, left))  # a poll has nothing to be woken by

    def notified(self, timeout_s: float) -> bool:
        """Wait for a notification, at most so long."""
        return bool(self._notes(timeout_s))

    def _notes(self, timeout_s: float) -> list[str]:
        return [note.payload for note in self._connection.notifies(timeout=timeout_s, stop_after=1)]

    def _written(self, timeout_s: float) -> bool:
        """Wait for a notification; true if it is a writer's."""
        return any(note != WORK for note in self._notes(timeout_s))

    def _linger(self) -> bool:
        """Look often for a moment; true if nothing came."""
        until = time.monotonic() + LINGER_S
        while time.monotonic() < until:
            if not self._idle() or self._written(LOOK_S) or self._scan():
                return False
        return True

    def _others_have_ended(self) -> bool:
        """Steps 2 and 3; false if there was something to do meanwhile, or a transaction outlasts what was said."""
        bound = self._number("bound")
        pause = LOOK_S
        while not self._scan():
            if self._number("oldest_running") > bound:
                return True
            if self._written(pause) or not self._idle() or self._lapses():
                return False
            pause = min(pause * 2, SLICE_S)
        return False

    def _sleep(self) -> bool:
        """Until there is something to do; true if a writer says so."""
        polled = time.monotonic()
        while self._idle():
            due = self._due_s() <= 0
            notes = [] if due else self._notes(min(SLICE_S, self._poll_s, self._due_s()))
            if notes and all(note == WORK for note in notes):
                notes += self._notes(GATHER_S)
            if any(note != WORK for note in notes):
                return True
            if self._lapses():
                return False
            now = time.monotonic()
            if due or notes or now - polled >= self._poll_s:
                polled = now
                if self._scan():
                    return False
        return False

    def _lapses(self) -> bool:
        """Whether writers may soon take the relay for awake: it has to start again, from the first step."""
        return self._asleep_since is None or time.monotonic() - self._asleep_since > RENEW_S

    def _say_asleep(self) -> None:
        self._connection.execute(_SQL["sleep"])
        self._asleep_since = time.monotonic()

    def _say_awake(self, *, slept: bool, written: bool) -> None:
        """After the work, not before: until then writers notify for nothing, which costs less than the delay.

        And not while a worker indexes what the first change after a sleep became: it may need our processor. It says
        when it is done, and so does whoever writes meanwhile. Asked anew who leads: we may have been frozen since.
        """
        self._asleep_since = None
        if not self._leads():
            return
        if ((written and self._ahead()) or self._scan()) and slept:
            self._notes(WORKER_S)
            if not self._leads():
                return
        self._connection.execute(_SQL["awake"])

    def _number(self, query: str) -> int:
        row = self._connection.execute(_SQL[query]).fetchone()
        if row is None:
            raise RuntimeError(f"{query} gave no row")  # a SELECT without FROM gives one
        return int(row[0])
