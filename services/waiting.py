"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(check: Callable[[], tuple[bool, str]], *, seconds: float, every: float = 0.05) -> str:
    """Ask `check` until it gives no reason to wait; "" then, else the last reason.

    `check` returns (hopeless, reason): a hopeless one is not asked again. `every` is in seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        hopeless, reason = check()
        if not reason or hopeless or time.monotonic() > deadline:
            return reason
        time.sleep(every)
