"""What every service is to the stack: a unit that can be prepared, run by supervisord, and asked whether it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

StopSignal = Literal["TERM", "INT"]


@dataclass(frozen=True, slots=True)
class Program:
    """One program of supervisord: how it is run and ended. `directory` is where it runs; secrets go in `environment`,
    never in `command`, which everybody can read with `ps`.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: StopSignal = "TERM"
    stop_seconds: int = 30
    settle_seconds: int = 0

    @property
    def restarts(self) -> bool:
        """Whether supervisord starts it again when it dies: those that have to settle, our own programs."""
        return self.settle_seconds > 0


class Unit(Protocol):
    """One service. `needs` names the units that must answer before it is started."""

    @property
    def name(self) -> str:
        """As in `python -m services service stop NAME`."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of other units."""

    @property
    def where(self) -> str:
        """Its address for people, without passwords."""

    def program(self) -> Program:
        """How supervisord runs it."""

    def prepare(self) -> None:
        """Write its configuration and mend what a crash left; called while it does not run."""

    def answers(self) -> str:
        """Ask it as a client would: "" when it truly answers, else why not."""
