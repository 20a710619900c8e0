"""One service under supervisord: start, stop, kill, freeze, thaw, and wait until it answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services import process
from services.command import tail
from services.errors import StackError
from services.supervisor import Seen, Supervisor
from services.unit import Unit
from services.waiting import wait_until

PATIENCE_S = 90  # a first start on a busy machine; the slowest seen, RabbitMQ, took 12 s


def wait_down(supervisor: Supervisor, names: Iterable[str], *, seconds: float) -> None:
    """Wait until no process of these programs runs; StackError names those that do."""
    waited = tuple(names)

    def check() -> tuple[bool, str]:
        programs = supervisor.programs()
        return False, ", ".join(name for name in waited if name in programs and not programs[name].down)

    left = wait_until(check, seconds=seconds)
    if left:
        raise StackError(f"{left} did not stop within {seconds:.0f} s: see {supervisor.folder.log('supervisord')}")


@dataclass(frozen=True, slots=True)
class Service:
    """A unit and the supervisord that runs it; `needs` are started with it."""

    unit: Unit
    supervisor: Supervisor
    needs: tuple[Service, ...] = ()

    @property
    def name(self) -> str:
        """As on the command line."""
        return self.unit.name

    def seen(self) -> Seen:
        """As supervisord sees it."""
        return self.supervisor.programs()[self.name]

    @property
    def pid(self) -> int:
        """The pid of its main process, 0 when it does not run."""
        return self.seen().pid

    def start(self) -> None:
        """Start it and what it needs, and wait until it answers; one that runs is only waited for."""
        for need in self.needs:
            need.start()
        self.launch()
        self.wait()

    def launch(self) -> bool:
        """Start it without waiting; False if it ran already. One that was frozen is thawed."""
        if not self.seen().down:
            self.thaw()
            return False
        self.unit.prepare()
        self.supervisor.start(self.name)
        return True

    def wait(self, seconds: float = PATIENCE_S) -> None:
        """Wait until it answers; StackError with the end of its log if it does not, at once when it has died."""
        reason = wait_until(self.check, seconds=seconds)
        if reason:
            raise self.failure(reason)

    def failure(self, reason: str) -> StackError:
        """Why it does not answer, with the end of its log."""
        log = self.supervisor.folder.log(self.name)
        said = tail(log.read_text("utf-8", "replace")) if log.exists() else ""
        return StackError(f"{self.name} does not answer: {reason}; its log {log} ends:\n{said}")

    def check(self) -> tuple[bool, str]:
        """Whether waiting for it is hopeless, and why it does not answer; "" when it does."""
        seen = self.seen()
        if seen.down or seen.state == "BACKOFF":
            return True, f"its process has ended ({seen.state})"
        if seen.state != "RUNNING":
            return False, f"it is {seen.state}"
        return False, self.unit.answers()

    def stop(self) -> None:
        """Stop it cleanly and wait until it is down; nothing happens to one that is."""
        self.thaw()
        self.supervisor.stop(self.name)
        program = self.unit.program()
        wait_down(self.supervisor, [self.name], seconds=program.stop_seconds + 15)

    def kill(self) -> None:
        """SIGKILL it with all its children, as a crash would, and wait until they are gone.

        A service stays down until it is started; a program of the pipeline is started again by supervisord.
        """
        identity = process.identify(self.pid)
        if identity is not None:
            process.kill([identity])
        if not self.unit.program().restarts:
            wait_down(self.supervisor, [self.name], seconds=10)

    def freeze(self) -> None:
        """SIGSTOP it with all its children: it holds its connections and answers nothing."""
        process.freeze(self.pid)

    def thaw(self) -> None:
        """Undo `freeze`."""
        process.thaw(self.pid)
