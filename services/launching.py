"""Starting services side by side, each as soon as those that it needs answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from services.service import PATIENCE_S, Service
from services.waiting import wait_until


def launch(services: Sequence[Service], say: Callable[[str], None]) -> None:
    """Start what does not run and wait until all answer; `say` gets a line for each that does, as it does.

    Raises StackError for the first that fails, and leaves the others as they are.
    """
    waiting = {service.name: service for service in services}
    began: dict[str, float] = {}
    ran: set[str] = set()

    def step(service: Service) -> None:
        if service.name not in began:
            if not any(need.name in waiting for need in service.needs):
                began[service.name] = time.monotonic()
                if not service.launch():
                    ran.add(service.name)
            return
        hopeless, reason = service.check()
        took = time.monotonic() - began[service.name]
        if hopeless or (reason and took > PATIENCE_S):
            raise service.failure(reason)
        if not reason:
            del waiting[service.name]
            done = "runs already" if service.name in ran else f"ready in {took:.1f} s"
            say(f"{service.name}: {service.unit.where} {done}")

    def round_of_all() -> tuple[bool, str]:
        for service in list(waiting.values()):
            step(service)
        return False, ", ".join(waiting)

    # Each service has its own deadline, which raises: this one can only be met by all of them in a row.
    wait_until(round_of_all, seconds=PATIENCE_S * len(services))
