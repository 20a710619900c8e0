"""RabbitMQ misbehaves under edits that go on: it loses a queue, refuses messages, blocks publishers, stands still."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from kombu import Connection as Broker

from outbox.store.claims import LIVE_QUEUE
from services.endpoints import Endpoints
from services.stack import Stack
from tests.acceptance.conftest import Catalogue
from tests.chaos.servers.piped import PATIENCE_S, applied, arrives, consumed, edited, said, start
from tests.conftest import cloned
from tests.pipeline import until

FULL = '{"max-length": 0, "overflow": "reject-publish"}'


@pytest.fixture(scope="module")
def catalogue(endpoints: Endpoints, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """One pipeline for all of these tests: each leaves it as it found it."""
    with (
        cloned(endpoints.database_url, template) as url,
        applied(url, endpoints, tmp_path_factory.mktemp("rabbitmq")) as found,
    ):
        start(found)
        yield found


@pytest.fixture
def relay_says(catalogue: Catalogue) -> Callable[[str], bool]:
    """Whether the relay has logged some words since the test began."""
    known = len(said(catalogue))
    return lambda words: any(words in line for line in said(catalogue)[known:])


def outcomes(catalogue: Catalogue, outcome: str) -> int:
    """How many claims ended so, in all."""
    (row,) = catalogue.connection.execute("SELECT count(*) FROM outbox.claim WHERE outcome = %s", [outcome]).fetchall()
    return int(row[0])


def test_a_queue_that_is_deleted_comes_back(
    catalogue: Catalogue, endpoints: Endpoints, relay_says: Callable[[str], bool]
) -> None:
    unpublished = outcomes(catalogue, "not published")
    with edited(catalogue), Broker(endpoints.broker_url) as broker:
        until(lambda: deleted(catalogue, broker) and relay_says("NO_ROUTE"), "a message comes back")
    assert outcomes(catalogue, "not published") > unpublished


def deleted(catalogue: Catalogue, broker: Broker) -> bool:
    """Delete the queue of the live lane, and wait until an edit comes through it again; true."""
    channel: Any = broker.channel()
    channel.queue_delete(LIVE_QUEUE)
    url = catalogue.pipeline.environment["OUTBOX_BROKER_URL"]
    until(lambda: consumed(url), "the worker consumes again", PATIENCE_S)
    arrives(catalogue)
    return True


def test_a_queue_that_refuses_messages(catalogue: Catalogue, stack: Stack, relay_says: Callable[[str], bool]) -> None:
    unpublished = outcomes(catalogue, "not published")
    with edited(catalogue):
        stack.rabbitmqctl("set_policy", "-p", "outbox", "full", f"^{LIVE_QUEUE}$", FULL, "--apply-to", "queues")
        try:
            until(lambda: relay_says("MessageNacked"), "a message is refused")
            until(lambda: outcomes(catalogue, "not published") > unpublished + 1, "and again")
        finally:
            stack.rabbitmqctl("clear_policy", "-p", "outbox", "full")


@pytest.mark.long
def test_the_disk_alarm_blocks_nobody_but_the_relay(
    catalogue: Catalogue, stack: Stack, relay_says: Callable[[str], bool]
) -> None:
    unpublished = outcomes(catalogue, "not published")
    with edited(catalogue) as writer:
        stack.rabbitmqctl("set_disk_free_limit", "1000000GB")
        began = time.monotonic()
        try:
            until(lambda: alarmed(stack), "the alarm is on")
            until(lambda: outcomes(catalogue, "not published") > unpublished, "a message is not taken")
            assert relay_says("broker unavailable")
            assert max(writer.during(began, time.monotonic())) < 1000 * (time.monotonic() - began) / 2
        finally:
            stack.rabbitmqctl("set_disk_free_limit", "50MB")
        until(lambda: not alarmed(stack), "the alarm is off")


def alarmed(stack: Stack) -> bool:
    """Whether the node has an alarm for its disk."""
    return "disk" in stack.rabbitmqctl("eval", "rabbit_alarm:get_alarms().")


@pytest.mark.long
@pytest.mark.parametrize("seconds", [12, 60])
def test_a_broker_that_stands_still(
    catalogue: Catalogue, stack: Stack, relay_says: Callable[[str], bool], seconds: int
) -> None:
    """The short one is longer than the relay's time limits, the long one than the workers' heartbeat."""
    unpublished = outcomes(catalogue, "not published")
    service = stack.service("rabbitmq")
    with edited(catalogue):
        service.freeze()
        over = partial(passed, time.monotonic() + seconds)
        try:
            until(
                lambda: outcomes(catalogue, "not published") > unpublished or relay_says("cannot be asked"),
                "a message is not confirmed, or the queue's consumers are not told: whichever the relay asks for first",
            )
            until(lambda: relay_says("no connection"), "nor is there a new connection")
            until(over, "it has stood long enough", PATIENCE_S)
        finally:
            service.thaw()


def passed(moment: float) -> bool:
    """Whether it is past this moment, by the monotonic clock."""
    return time.monotonic() > moment
