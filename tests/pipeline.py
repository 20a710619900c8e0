"""The real pipeline of a test: `relay` and Celery workers as processes of their own, started as a user starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 60.0


def until(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Wait until the condition gives something true, and return it; fail saying what was waited for."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:.0f} s: {what}")
        time.sleep(0.02)  # between two looks at a condition that has nothing to wake us by
    return found


@dataclass(slots=True)
class Pipeline:
    """Processes by name.

    `environment` is what they and the commands share, `logs` the folder of their output and where they are started,
    `programs` the bin folder of the virtual environment whose console scripts they are.
    """

    environment: dict[str, str]
    logs: Path
    programs: Path = Path(sys.executable).parent
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *, relays: int = 1, live: int = 2, bulk: int = 1) -> None:
        """Start so many relays, and workers with so many processes each (0: none)."""
        for number in range(relays):
            self.spawn(f"relay-{number}", "relay")
        for lane, size in (("live", live), ("bulk", bulk)):
            if size:
                worker = f"-A outbox.worker worker -Q outbox.{lane} -n {lane}@%h -c {size}".split()
                self.spawn(f"worker-{lane}", "celery", *worker, "--without-mingle", "--without-gossip")

    def spawn(self, name: str, program: str, *arguments: str) -> None:
        """Start one program under a name, with its output in the log of that name."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [self.programs / program, *arguments],
                env={**os.environ, **self.environment},
                cwd=self.logs,
                stdout=log,
                stderr=log,
            )

    def run(
        self, *arguments: str, expect: int | None = 0, timeout_s: float = 300.0
    ) -> subprocess.CompletedProcess[str]:
        """Run `outbox` with these arguments; `expect` is the exit code that it must end with, None for any."""
        done = subprocess.run(
            [self.programs / "outbox", *arguments],
            env={**os.environ, **self.environment},
            cwd=self.logs,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert expect is None or done.returncode == expect, f"outbox {arguments}: {done.returncode}\n{done.stderr}"
        return done

    def kill(self, name: str) -> None:
        """SIGKILL, and wait for the end."""
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def stop(self, name: str) -> int:
        """SIGTERM, and wait for the end; returns the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=PATIENCE_S)

    def stop_all(self) -> None:
        """SIGTERM to all, and wait; what does not end is killed, and that is an error."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        stuck = []
        for name, process in self.processes.items():
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                stuck.append(name)
        self.processes.clear()
        assert not stuck, f"did not end on SIGTERM: {stuck}"

    def children(self, name: str) -> list[int]:
        """The processes that one has started: of a worker, those that run its tasks."""
        pid = self.processes[name].pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]

    def log(self, name: str) -> str:
        """What a process has said so far."""
        return (self.logs / f"{name}.log").read_text("utf-8", "replace")
