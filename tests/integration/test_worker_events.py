"""What Celery tells whoever watches (Flower) arrives whole, and the tasks do not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

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
