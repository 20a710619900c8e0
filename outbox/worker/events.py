"""Celery's events wait for its tasks, not the tasks for the events."""

from __future__ import annotations

import time
from typing import Any

from celery import bootsteps
from kombu.common import ignore_errors

LATER_S = 0.1


class LaterEvents(bootsteps.StartStopStep):
    """Sends that a task was received, started and done together, and a tenth of a second late.

    Celery sends each event before it hands the task to a process, which takes as long as all that is left to do for
    the hand-over. Whoever watches (Flower) sees each event under its own time all the same. What waits when a worker is
    killed is lost, as what Celery has not sent yet.
    """

    requires = ("celery.worker.consumer.events:Events",)

    def start(self, parent: Any) -> None:
        """After each connect, which makes a new dispatcher; `parent` is Celery's consumer."""
        hub, dispatcher = parent.hub, parent.event_dispatcher
        sent_at = float("-inf")

        def later() -> None:
            nonlocal sent_at
            now = time.monotonic()
            if now >= sent_at:  # else a timer runs already
                sent_at = now + LATER_S
                hub.call_later(LATER_S, dispatcher.flush)

        if hub:
            dispatcher.on_send_buffered = later

    def stop(self, parent: Any) -> None:
        """Also before each reconnect: send what waits, or leave it where Celery keeps it for the next connection."""
        self.shutdown(parent)

    def shutdown(self, parent: Any) -> None:
        """Send what waits, if the broker is there."""
        if parent.event_dispatcher:
            ignore_errors(parent.event_dispatcher.connection, parent.event_dispatcher.flush)
