"""Work beside the claiming: a thread with a connection of its own, so that it never stops a live change."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from outbox.connection import Connection, connect
from outbox.errors import OutboxError, PostgresUnavailable
from outbox.sqlstate import LOST, loggable

log = structlog.get_logger("relay")
_AGAIN_S = 1.0


class Beside:
    """One thread, from `start` to `stop`; each time it is asked it runs `work` with its connection.

    `name` is shown in the log and, after "outbox", in `pg_stat_activity`. A transaction that `work` leaves alone for
    `pause_s` is rolled back by the server: the process is frozen, or cut off.
    """

    def __init__(self, url: str, name: str, work: Callable[[Connection], None], *, pause_s: int = 5) -> None:
        self._url = url
        self._name = name
        self._work = work
        self._pause_s = pause_s
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stopping(self) -> bool:
        """True once it is told to stop: `work` returns at the next opportunity."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Connect, and wait to be asked."""
        self._thread.start()

    def ask(self) -> None:
        """There is something to do. Raises what the thread died of, if it did."""
        if self._error is not None:
            raise self._error
        self._asked.set()

    def rest(self, seconds: float) -> None:
        """Let others go first, for so long or until it is told to stop."""
        self._stopping.wait(seconds)

    def stop(self, patience_s: float) -> None:
        """Let it finish what is at hand; what takes longer than that is rolled back when the process ends."""
        self._stopping.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def _run(self) -> None:
        while not self.stopping:
            try:
                self._session()
            except (PostgresUnavailable, *LOST) as error:
                log.warning(f"Postgres unavailable to the {self._name}", reason=loggable(error))
                self.rest(_AGAIN_S)
            except OutboxError as error:  # one sentence, without this thread's traceback
                self._error = error
                return
            except BaseException as error:  # the loop raises it in the main thread, where it ends the relay
                self._error = error
                raise

    def _session(self) -> None:
        with connect(
            self._url, application=f"outbox {self._name}", autocommit=True, idle_in_transaction_s=self._pause_s
        ) as connection:
            while not self.stopping:
                self._asked.wait()
                self._asked.clear()
                self._work(connection)
