"""Two relays, two live workers and a bulk worker that can be stopped at any step, and who starts what has died."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services import process
from tests.chaos.points.stepped import LIMITS
from tests.pipeline import Pipeline, until

WORKERS = {"live-0": "outbox.live", "live-1": "outbox.live", "bulk": "outbox.bulk"}
RELAYS = ("relay-0", "relay-1")
_LOOK_S = 0.1


@dataclass(slots=True)
class Fleet:
    """The processes; one that has ended is started again at once while the fleet runs, as a supervisor does it."""

    pipeline: Pipeline
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start all, and keep them running; nothing is left behind, be it frozen."""
        supervisor = threading.Thread(target=self._supervise)
        supervisor.start()
        try:
            yield
        finally:
            self._stopping.set()
            supervisor.join()
            self.thaw()
            self.pipeline.stop_all()

    def pids(self, *names: str) -> list[int]:
        """Of these programs, with the processes that they have started."""
        known = [self.pipeline.processes[name].pid for name in names if name in self.pipeline.processes]
        return [pid for each in known for pid in (each, *_children(each))]

    def signal(self, number: signal.Signals, *names: str) -> None:
        """To programs and their processes."""
        found = (process.identify(pid) for pid in self.pids(*names))
        process.send((each for each in found if each is not None), number)

    def restart_workers(self, limits: str) -> None:
        """Have the workers finish their claims, and others with these time limits in their places."""
        self.pipeline.environment[LIMITS] = limits
        before = [self.pipeline.processes[name] for name in WORKERS]
        for worker in before:
            worker.terminate()
        until(lambda: not {*before} & {*self.pipeline.processes.values()}, "others are started")

    def thaw(self) -> None:
        """Whatever is frozen goes on."""
        self.signal(signal.SIGCONT, *self.pipeline.processes)

    def _supervise(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            for name in (*RELAYS, *WORKERS):
                running = self.pipeline.processes.get(name)
                if running is None or running.poll() is not None:
                    self._start(name)

    def _start(self, name: str) -> None:
        stepped = ("-m", "tests.chaos.points.stepped")
        folder = str(self.pipeline.logs)
        program = sys.executable.rsplit("/", 1)[1]
        if name in RELAYS:
            self.pipeline.spawn(name, program, *stepped, "relay", folder, "relay")
            return
        worker = f"-A outbox.worker worker -Q {WORKERS[name]} -n {name}@%h -c 1 --without-mingle --without-gossip"
        self.pipeline.spawn(name, program, *stepped, "worker", folder, "celery", *worker.split())


def ended(pid: int) -> bool:
    """Whether the process is dead; one that nobody has waited for yet is."""
    entry = process.lookup(pid)
    return entry is None or entry.state in "ZX"


def frozen(pid: int) -> bool:
    """Whether the process is stopped."""
    entry = process.lookup(pid)
    return entry is not None and entry.state == "T"


def _children(pid: int) -> list[int]:
    return [entry.pid for entry in process.table().values() if entry.parent == pid]
