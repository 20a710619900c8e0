"""What Celery tells whoever watches (Flower) arrives whole, and the tasks do not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Exchange, Queue

from outbox.worker.events import LaterEvents
from tests.integration.desk import Desk
from tests.integration.hand_made import add, insert_items, states
from tests.pipeline import Pipeline, until

EVENTS = Exchange("celeryev", type="topic", durable=True)
WHOLE = ["task-received", "task-started", "task-succeeded"]


@pytest.fixture
def messages(broker_url: str) -> Iterator[Any]:
    """What the workers say of tasks, from now on: a queue of its own."""
    with Connection(broker_url) as broker:
        queue = Queue("", EVENTS, routing_key="task.#", exclusive=True)(broker.default_channel)
        queue.declare()
        yield queue


def said(queue: Any) -> list[list[str]]:
    """The kinds of events, message by message."""
    found = []
    while (message := queue.get(no_ack=True)) is not None:
        payload = message.payload if isinstance(message.payload, list) else [message.payload]
        found.append([each["type"] for each in payload])
    return found


def test_the_events_of_a_claim_arrive_together(desk: Desk, pipeline: Pipeline, messages: Any) -> None:
    insert_items(desk.connection, [1, 2])
    pipeline.start(live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: "task-succeeded" in [kind for message in said(messages) for kind in message], "the worker is warm")
    add(desk.connection, desk.place, "2")
    seen: list[list[str]] = []

    def whole() -> bool:
        seen.extend(said(messages))
        return sum(map(len, seen)) >= len(WHOLE)

    until(whole, "the events are here")
    assert [kind for message in seen for kind in message] == WHOLE
    assert len(seen) < len(WHOLE)


def test_a_worker_that_is_told_to_stop_says_first_what_it_did(desk: Desk, pipeline: Pipeline, messages: Any) -> None:
    insert_items(desk.connection, [1])
    pipeline.start(live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: states(desk.connection)["1"] == ["done"], "it is indexed")
    assert pipeline.stop("worker-live") == 0
    assert [kind for message in said(messages) for kind in message] == WHOLE


def test_what_waits_outlives_the_connection(broker_url: str, messages: Any) -> None:
    """As Celery reconnects: it stops the steps, and gives the next dispatcher what the last could not send."""
    with Celery("test", broker=broker_url) as celery, celery.connection_for_write() as lost:
        before = celery.events.Dispatcher(lost, buffer_group=["task"], on_send_buffered=None)
        before.send("task-succeeded", uuid="1")
        lost.collect()
        parent = SimpleNamespace(event_dispatcher=before, hub=None)
        LaterEvents(parent).stop(parent)
        with celery.connection_for_write() as found:
            after = celery.events.Dispatcher(found, buffer_group=["task"])
            after.extend_buffer(before)
            after.flush()
            until(lambda: said(messages) == [["task-succeeded"]], "the event is here")
