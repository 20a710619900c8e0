"""Something that goes on in a thread of its own while a test does the rest."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(slots=True, kw_only=True)
class Alongside:
    """Runs `run` from entering to leaving; what that raised leaves with it, unless something else did.

    `run` ends soon after `stop` is set.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    _error: BaseException | None = None
    _thread: threading.Thread | None = None

    def run(self) -> None:
        """What goes on."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._guarded)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException as error:  # of a thread: raised where it is left
            self._error = error
