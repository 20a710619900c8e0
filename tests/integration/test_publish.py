"""Publishing to a real RabbitMQ: what is confirmed, what is refused, and a broker that says nothing at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from kombu import Connection as Broker
from pydantic import SecretStr

from outbox.broker import queues
from outbox.errors import BrokerUnavailable
from outbox.settings import Settings
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE
from relay import publish
from relay.publish import Publisher
from services.stack import Stack
from tests.pipeline import until

LEASE = timedelta(seconds=30)
PATIENCE_S = 15.0


@pytest.fixture
def publisher(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """The relay's publisher, that looks for the broker again at once."""
    monkeypatch.setattr(publish, "_BACK_OFF_S", (0.05, 0.05))
    found = Publisher(settings(broker_url))
    yield found
    found.close()


@pytest.fixture
def channel(broker_url: str) -> Iterator[Any]:
    """Another program's way to the same broker."""
    with Broker(broker_url) as broker:
        yield broker.channel()


def settings(broker_url: str) -> Settings:
    """The settings of a relay."""
    return Settings(database=SecretStr("postgresql://nowhere"), broker=SecretStr(broker_url), solr=SecretStr(""))


def said_within(seconds: float, call: Callable[[], object]) -> str:
    """The refusal that this call ends with, within so many seconds."""
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable) as caught:
        call()
    assert time.monotonic() - began < seconds
    return str(caught.value)


def test_a_message_is_the_claims_number_and_nothing_else(publisher: Publisher, channel: Any) -> None:
    publisher.publish(42, LIVE_QUEUE, LEASE)
    message = channel.basic_get(LIVE_QUEUE, no_ack=True)
    assert orjson.loads(message.body)[:2] == [[], {"claim": 42}]
    assert message.properties["application_headers"]["task"] == "outbox.index"
    assert (message.properties["expiration"], message.properties["delivery_mode"]) == ("30000", 2)


def test_a_lane_has_its_queue(publisher: Publisher, channel: Any, broker_url: str) -> None:
    publisher.publish(1, BULK_QUEUE, LEASE)
    assert queues(broker_url) == [
        {"name": LIVE_QUEUE, "consumers": 0, "messages": 0},
        {"name": BULK_QUEUE, "consumers": 0, "messages": 1},
    ]


def test_consumers_are_counted(publisher: Publisher, channel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LOOK_AGAIN_S", 0.0)
    assert publisher.consumers(LIVE_QUEUE) == 0
    tag = channel.basic_consume(LIVE_QUEUE, callback=lambda _: None)
    assert (publisher.consumers(LIVE_QUEUE), publisher.consumers(BULK_QUEUE)) == (1, 0)
    channel.basic_cancel(tag)
    assert publisher.consumers(LIVE_QUEUE) == 0


def test_they_are_asked_for_before_a_claim_has_to_wait_for_it(
    publisher: Publisher, channel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "LOOK_AGAIN_S", 3600.0)
    monkeypatch.setattr(publish, "LOOK_AHEAD_S", 3600.0)
    assert publisher.consumers(LIVE_QUEUE) == 0
    channel.basic_consume(LIVE_QUEUE, callback=lambda _: None)
    assert not publisher.look_ahead(), "what is known is not old"
    assert publisher.consumers(LIVE_QUEUE) == 0
    monkeypatch.setattr(publish, "LOOK_AHEAD_S", 0.0)
    assert publisher.look_ahead()
    assert publisher.consumers(LIVE_QUEUE) == 1
    assert not publisher.look_ahead(), "it had a consumer before"


def test_looking_ahead_opens_no_connection(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LOOK_AHEAD_S", 0.0)
    asked: list[str] = []

    def gone(queue: str, _: float) -> int:
        asked.append(queue)
        publisher.close()
        raise BrokerUnavailable("it went away")

    assert publisher.consumers(LIVE_QUEUE) == publisher.consumers(BULK_QUEUE) == 0
    monkeypatch.setattr(publisher, "_declared", gone)
    assert not publisher.look_ahead()
    assert asked == [LIVE_QUEUE]


def test_a_queue_that_was_deleted_refuses_and_is_made_again(publisher: Publisher, channel: Any) -> None:
    publisher.publish(1, LIVE_QUEUE, LEASE)
    channel.queue_delete(LIVE_QUEUE)
    assert "NO_ROUTE" in said_within(PATIENCE_S, lambda: publisher.publish(2, LIVE_QUEUE, LEASE))
    until(lambda: _published(publisher, 3), "the queue is made again", PATIENCE_S)
    assert orjson.loads(channel.basic_get(LIVE_QUEUE, no_ack=True).body)[1] == {"claim": 3}


def test_a_message_that_the_broker_refuses_is_told(stack: Stack, publisher: Publisher) -> None:
    publisher.publish(1, LIVE_QUEUE, LEASE)
    full = '{"max-length": 1, "overflow": "reject-publish"}'
    stack.rabbitmqctl("set_policy", "-p", "outbox", "full", f"^{LIVE_QUEUE}$", full, "--apply-to", "queues")
    try:
        # a policy reaches the queue a moment after the command
        refusal = until(lambda: _refusal(publisher), "a message is refused", PATIENCE_S)
    finally:
        stack.rabbitmqctl("clear_policy", "-p", "outbox", "full")
    assert "was not published: MessageNacked" in refusal


def test_a_frozen_broker_is_noticed_and_found_again(stack: Stack, publisher: Publisher, broker_url: str) -> None:
    publisher.publish(1, LIVE_QUEUE, LEASE)
    service = stack.service("rabbitmq")
    service.freeze()
    try:
        assert "claim 2 was not published" in said_within(PATIENCE_S, lambda: publisher.publish(2, LIVE_QUEUE, LEASE))
        assert "cannot be asked" in said_within(PATIENCE_S, lambda: queues(broker_url))
        began = time.monotonic()
        assert publisher.consumers(LIVE_QUEUE) == 0
        assert time.monotonic() - began < PATIENCE_S
    finally:
        service.thaw()
    until(lambda: _published(publisher, 3), "the broker is found again", 30)


def test_asking_a_broker_that_froze_meanwhile_ends(stack: Stack, publisher: Publisher) -> None:
    publisher.publish(1, LIVE_QUEUE, LEASE)
    service = stack.service("rabbitmq")
    service.freeze()
    try:
        began = time.monotonic()
        assert publisher.consumers(LIVE_QUEUE) == 0  # by the connection that was open before
        assert time.monotonic() - began < PATIENCE_S
    finally:
        service.thaw()


def test_looking_ahead_gives_a_frozen_broker_up_soon(
    stack: Stack, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that waits longer than its lead is followed, though nothing is to be claimed."""
    monkeypatch.setattr(publish, "LOOK_AHEAD_S", 0.0)
    monkeypatch.setattr(publish, "TIMEOUT_S", 60.0)
    publisher.consumers(LIVE_QUEUE)
    service = stack.service("rabbitmq")
    service.freeze()
    try:
        began = time.monotonic()
        assert not publisher.look_ahead()
        assert time.monotonic() - began < PATIENCE_S
    finally:
        service.thaw()


def test_nobody_listens(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_BACK_OFF_S", (60.0, 60.0))
    nowhere = Publisher(settings("amqp://u:hidden@127.0.0.1:1//"))
    said = said_within(2, lambda: nowhere.publish(1, LIVE_QUEUE, LEASE))
    assert "127.0.0.1:1" in said and "hidden" not in said
    again = said_within(0.1, lambda: nowhere.publish(2, LIVE_QUEUE, LEASE))
    assert "unreachable a moment ago" in again
    assert "hidden" not in said_within(2, lambda: queues("amqp://u:hidden@127.0.0.1:1//"))


def _published(publisher: Publisher, claim: int) -> bool:
    try:
        publisher.publish(claim, LIVE_QUEUE, LEASE)
    except BrokerUnavailable:
        return False
    return True


def _refusal(publisher: Publisher) -> str:
    try:
        publisher.publish(7, LIVE_QUEUE, LEASE)
    except BrokerUnavailable as error:
        return str(error)
    return ""
