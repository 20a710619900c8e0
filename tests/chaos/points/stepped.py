"""A relay or a Celery worker that stops, or dies, at a named step: the product's own code, called through wrappers.

    python -m tests.chaos.points.stepped ROLE FOLDER PROGRAM ARGUMENT…

Each step (`steps.STEPS`) looks, before and after it is called, for a file `armed.*` in FOLDER that names it; who takes
the file (by renaming it, so that only one does) does to itself what it says, and leaves word in `taken.*`. What was
called is appended to `trace`, one line each, so that a test can wait for what a thawed process does.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.points.steps import CLAIM_STEP, END, STEPS, Action, Moment

LIMITS = "OUTBOX_TEST_TIME_LIMITS"
"""The variable with a worker's soft and hard time limit, in seconds; 0: no soft one."""


@dataclass(slots=True)
class Stepped:
    """One process with its wrappers. `claim`: the number that a worker works on; `first`: its pid before any fork."""

    role: str
    folder: Path
    claim: int | None = None
    first: int = field(default_factory=os.getpid)

    def install(self) -> None:
        """Put a wrapper around every step."""
        for step in (*STEPS, CLAIM_STEP):
            owner, name = resolve(step)
            setattr(owner, name, self._wrapped(step, getattr(owner, name)))

    def _wrapped(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            if step == CLAIM_STEP:
                self.claim = arguments[1]
            self._at(step, Moment.BEFORE, arguments)
            try:
                result = function(*arguments, **named)
                self._at(step, Moment.AFTER, arguments)
                return result
            finally:
                self._trace(step)

        return wrapper

    def _at(self, step: str, moment: Moment, arguments: tuple[Any, ...]) -> None:
        for armed in self.folder.glob("armed.*"):
            if (wanted := _read(armed)) is None or wanted[:3] != [self.role, step, moment]:
                continue
            taken = self.folder / armed.name.replace("armed", "taken")
            word = {"pid": os.getpid(), "claim": self._claim(step, arguments), "backend": _backend(arguments)}
            mine = self.folder / f"mine.{os.getpid()}"
            mine.write_text(json.dumps(word))
            try:
                armed.rename(self.folder / f"gone.{armed.name}")
            except FileNotFoundError:  # another process was first
                continue
            mine.rename(taken)
            self._act(Action(wanted[3]))

    def _claim(self, step: str, arguments: tuple[Any, ...]) -> int | None:
        """The claim at hand; the parent of a worker's processes has none but what it is told."""
        return self.claim if self.claim is not None or step != END else int(arguments[1])

    def _act(self, action: Action) -> None:
        if action is Action.KILL_ALL and os.getpid() != self.first:  # else whoever started us would die
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGSTOP if action is Action.FREEZE else signal.SIGKILL)

    def _trace(self, step: str) -> None:
        with (self.folder / "trace").open("a") as trace:
            trace.write(f"{os.getpid()} {step}\n")


def resolve(step: str) -> tuple[Any, str]:
    """The module or class that holds the step's function, and the function's name there."""
    module, path = step.split(":")
    *holders, name = path.split(".")
    return functools.reduce(getattr, holders, importlib.import_module(module)), name


def _read(armed: Path) -> list[str] | None:
    try:
        return armed.read_text().split()
    except FileNotFoundError:  # taken by another process
        return None


def _backend(arguments: tuple[Any, ...]) -> int | None:
    """The backend of Postgres that the step's connection talks to, if it has one."""
    info = getattr(arguments[0], "info", None) if arguments else None
    return getattr(info, "backend_pid", None)


def limited(function: Callable[..., dict[str, Any]], soft: int, hard: int) -> Callable[..., dict[str, Any]]:
    """Celery's configuration with other time limits, which a worker's options do not change."""
    return lambda settings: {**function(settings), "task_soft_time_limit": soft, "task_time_limit": hard}


def main() -> None:
    """Wrap, then run the program as its console script does."""
    role, folder, program, *arguments = sys.argv[1:]
    Stepped(role, Path(folder)).install()
    if program == "celery" and (limits := os.environ.get(LIMITS)):
        app: Any = importlib.import_module("outbox.worker.app")
        app.configuration = limited(app.configuration, *map(int, limits.split()))
    sys.argv = [program, *arguments]
    module, name = {"relay": ("relay.main", "main"), "celery": ("celery.__main__", "main")}[program]
    getattr(importlib.import_module(module), name)()


if __name__ == "__main__":
    main()
