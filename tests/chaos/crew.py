"""Our own processes: two relays, two workers of the live queue, one of the bulk queue, each with one child.

Each has its own ways to the servers, through proxies.

Who is killed is started again, and so is who ends by himself, as a supervisor does. A relay never has a reason to; a
worker of Celery's has one: a child of it that is killed at its very start.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from services import process
from tests.chaos.proxy import Network, Proxy
from tests.chaos.schedule import PROCESSES, SERVERS
from tests.pipeline import Pipeline

GRACE_S = 8.0
_LOOK_S = 0.5
_VARIABLES = {"postgres": "OUTBOX_DATABASE_URL", "rabbitmq": "OUTBOX_BROKER_URL", "solr": "OUTBOX_SOLR_URL"}


@dataclass(slots=True)
class Member:
    """One process. `ways`: the proxies to the servers, by name. `fallen`: what it said when it ended by itself.

    Whoever does something to it holds its `lock`.
    """

    name: str
    pipeline: Pipeline
    ways: Mapping[str, Proxy]
    orphans: set[process.Identity] = field(default_factory=set)
    fallen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it; nothing waits until it works."""
        if self.name.startswith("relay"):
            self.pipeline.spawn(self.name, "relay")
            return
        node = self.name.removeprefix("worker-")
        worker = f"-A outbox.worker worker -Q outbox.{node.split('-')[0]} -n {node}@%h -c 1".split()
        self.pipeline.spawn(self.name, "celery", *worker, "--without-mingle", "--without-gossip")

    @property
    def pid(self) -> int:
        """Of the main process."""
        return self.pipeline.processes[self.name].pid

    def kill(self, *, family: bool) -> None:
        """SIGKILL, of the main process alone or with all its children at once; what it leaves is remembered."""
        root = process.identify(self.pid)
        if root is not None and family:
            process.kill([root])
        elif root is not None:
            self.orphans |= process.relatives([root]) - {root}
        self.pipeline.kill(self.name)

    def kill_child(self) -> bool:
        """SIGKILL one of the processes that run a worker's tasks; false if there is none at this moment."""
        self.look()
        children = self.pipeline.children(self.name)
        identity = process.identify(children[0]) if children else None
        process.send([identity] if identity else [], signal.SIGKILL)
        return identity is not None

    def stop(self) -> None:
        """SIGTERM, and after a grace SIGKILL, as a supervisor does."""
        running = self.pipeline.processes[self.name]
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill(family=True)
        else:
            self.pipeline.processes.pop(self.name)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP for all of it as long as the block lasts."""
        pid = self.pid
        process.freeze(pid)
        try:
            yield
        finally:
            process.thaw(pid)

    def look(self) -> None:
        """Start it again if it ended by itself."""
        running = self.pipeline.processes.get(self.name)
        if running is not None and running.poll() is not None:
            said = self.pipeline.log(self.name)[-1000:]
            self.fallen.append(f"{self.name} ended by itself with {running.returncode}: {said}")
            self.start()

    def dismiss(self) -> None:
        """End it for good, with whatever a killed one left."""
        if self.name in self.pipeline.processes:
            self.stop()
        process.kill(self.orphans)


@contextmanager
def crew(network: Network, environment: Mapping[str, str], logs: Path) -> Iterator[dict[str, Member]]:
    """All of them by name, started and looked after; they end with the block."""
    members = {name: _member(name, network, environment, logs) for name in PROCESSES}
    ended = threading.Event()
    supervisor = threading.Thread(target=_supervise, args=(members, ended), name="supervisor")
    try:
        for member in members.values():
            member.start()
        supervisor.start()
        yield members
    finally:
        ended.set()
        if supervisor.ident is not None:
            supervisor.join()
        for member in members.values():
            member.dismiss()


def _supervise(members: Mapping[str, Member], ended: threading.Event) -> None:
    while not ended.wait(_LOOK_S):
        for member in members.values():
            if member.lock.acquire(blocking=False):  # else somebody is at it, who also starts it again
                try:
                    member.look()
                finally:
                    member.lock.release()


def _member(name: str, network: Network, environment: Mapping[str, str], logs: Path) -> Member:
    ways = {server: _way(network, environment[_VARIABLES[server]]) for server in SERVERS}
    own = {_VARIABLES[server]: _by(environment[_VARIABLES[server]], way.port) for server, way in ways.items()}
    return Member(name, Pipeline({**environment, **own}, logs), ways)


def _way(network: Network, url: str) -> Proxy:
    parts = urlsplit(url)
    assert parts.hostname and parts.port, "the servers of a stack have ports"
    return network.proxy(parts.hostname, parts.port)


def _by(url: str, port: int) -> str:
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{credentials}{at}127.0.0.1:{port}").geturl()
