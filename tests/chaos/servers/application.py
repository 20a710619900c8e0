"""An application that goes on writing though its server goes away: what broke off is begun again, as a user would."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psycopg
from psycopg.rows import TupleRow

EDIT = "UPDATE catalogue.layer SET title = %s WHERE id = %s"


@dataclass(slots=True)
class Application:
    """Edits layers 1 to `layers`, some forty times a second, while it is entered.

    `commits` and `broken` count what it did and how often the server was away; any other error leaves with it.
    """

    url: str
    layers: int
    commits: int = 0
    broken: int = 0
    _error: psycopg.Error | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    self._write(connection)
            except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction):  # a standby, not promoted yet
                self.broken += 1
                self._stop.wait(0.1)
            except psycopg.Error as error:
                self._error = error
                return

    def _write(self, connection: psycopg.Connection[TupleRow]) -> None:
        choice = random.Random(self.commits)  # noqa: S311 - a choice of layers, no secret
        while not self._stop.wait(0.025):
            connection.execute(EDIT, [f"commit {self.commits}", choice.randint(1, self.layers)])
            self.commits += 1
