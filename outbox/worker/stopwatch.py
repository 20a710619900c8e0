"""How long the steps of a claim take, for its line in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Stopwatch:
    """Seconds by step; a step that runs several times is added up."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def running(self, step: str) -> Iterator[None]:
        """Count what happens inside."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - started

    def timed(self, step: str, each: Iterator[T]) -> Iterator[T]:
        """The same items; counts the time that it takes to get them."""
        while True:
            with self.running(step):
                item = next(each, None)
            if item is None:
                return
            yield item

    def milliseconds(self) -> dict[str, float]:
        """By step, as `read_ms`."""
        return {f"{step}_ms": round(seconds * 1000, 1) for step, seconds in self.seconds.items()}
