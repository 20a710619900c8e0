"""Does to processes, servers and ways what the schedule says, and undoes it.

Each fault has a thread of its own, so that they overlap. Only one at a time befalls the same process, server or way:
the later one waits.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psycopg

from services.stack import Stack
from tests.chaos.crew import Member
from tests.chaos.schedule import LEADER, SERVERS, STANDBY, Act, Fault
from tests.pipeline import until

_PATIENCE_S = 6.0
_RELAYS = ("relay-0", "relay-1")
_LEADER = "SELECT split_part(holder, ':', 2)::int FROM outbox.leader"


@dataclass(slots=True)
class Faults:
    """The world that breaks. `direct`: Postgres' address without a proxy. `solr_killed`: called while Solr is down."""

    crew: Mapping[str, Member]
    stack: Stack
    direct: str
    solr_killed: Callable[[], None]
    errors: list[BaseException] = field(default_factory=list)
    _locks: dict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def run(self, faults: tuple[Fault, ...]) -> None:
        """Let them all happen, and return when the last one is undone. Raises what went wrong in doing so."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._guarded, args=(fault, began), name=fault.kind) for fault in faults]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise ExceptionGroup("faults that failed", [error for error in self.errors if isinstance(error, Exception)])

    def _guarded(self, fault: Fault, began: float) -> None:
        try:
            _wait(began + fault.at_s - time.monotonic())
            self._befall(fault)
        except Exception as error:  # raised again by `run`: a thread cannot
            self.errors.append(error)

    def _befall(self, fault: Fault) -> None:
        target = self._meant(fault.target)
        if fault.trouble is not None:
            with self._locks[f"{target} {fault.server}"], self.crew[target].ways[fault.server].suffering(fault.trouble):
                if fault.act is Act.LATE:
                    self._kill_sender(self.crew[target], fault.server)
                _wait(fault.for_s)
        elif target in SERVERS:
            with self._locks[target]:
                self._to_server(fault, target)
        else:
            with self.crew[target].lock:
                self._to_process(fault, self.crew[target])

    def _kill_sender(self, member: Member, server: str) -> None:
        """Once it has sent something that is held; after a while in any case."""
        given_up = time.monotonic() + _PATIENCE_S
        until(lambda: member.ways[server].held > 0 or time.monotonic() > given_up, "something is held")
        with member.lock:
            until(member.kill_child, f"{member.name} has a child")

    def _to_server(self, fault: Fault, name: str) -> None:
        service = self.stack.service(name)
        if fault.act is Act.FREEZE:
            service.freeze()
            _wait(fault.for_s)
            service.thaw()
            return
        if fault.act is Act.KILL:
            service.kill()
            if name == "solr":
                self.solr_killed()
        else:
            service.stop()
        _wait(fault.for_s)
        service.start()

    def _to_process(self, fault: Fault, member: Member) -> None:
        match fault.act:
            case Act.FREEZE:
                with member.frozen():
                    _wait(fault.for_s)
                return
            case Act.KILL_CHILD:
                until(member.kill_child, f"{member.name} has a child")
                return
            case Act.RESTART:
                member.stop()
            case _:
                member.kill(family=fault.act is Act.KILL)
        _wait(fault.for_s)
        member.start()

    def _meant(self, target: str) -> str:
        if target not in (LEADER, STANDBY):
            return target
        leads = self._leader()
        return leads if target == LEADER else next(name for name in _RELAYS if name != leads)

    def _leader(self) -> str:
        """The relay that leads; the first one when Postgres cannot be asked, or nobody of ours leads."""
        try:
            with psycopg.connect(self.direct, connect_timeout=2) as connection:
                pid = (connection.execute(_LEADER).fetchone() or (0,))[0]
        except psycopg.OperationalError:
            return _RELAYS[0]
        running = ((name, self.crew[name].pipeline.processes.get(name)) for name in _RELAYS)
        return next((name for name, process in running if process is not None and process.pid == pid), _RELAYS[0])


def _wait(seconds: float) -> None:
    """Until its moment, and as long as it shall last: a fault has nothing else to wait for."""
    time.sleep(max(0.0, seconds))
