"""What RabbitMQ says of our two queues: consumers and messages, by passive declarations, each within a time limit.

Redis in its place carries messages, and has less to say: see `is_rabbitmq`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import AMQPError, NotFound
from kombu import Connection as Broker
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError

from outbox.errors import BrokerUnavailable
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE

TIMEOUT_S = 3.0
ERRORS = (AMQPError, KombuError, BrokerError, OSError)
"""What the libraries raise when the broker refuses, breaks off or is silent."""


def is_rabbitmq(broker_url: str) -> bool:
    """False for Redis, which may serve as the broker: it confirms nothing, and does not know who consumes."""
    return not broker_url.startswith(("redis:", "rediss:"))


@contextmanager
def limited(connection: Broker, seconds: float) -> Iterator[None]:
    """Every read and write within gives up after so long, with one of ERRORS.

    A declaration has no time-out of its own. A frozen broker never answers it, nor does one that blocks publishers for
    a full disk or memory: it stops reading from their connections. Redis' client has time limits of its own, and errors
    of its own.
    """
    if connection.transport.driver_type != "amqp":
        try:
            yield
        except connection.recoverable_connection_errors as error:
            raise BrokerError(str(error)) from error
        return
    transport: Any = connection.connection.transport
    with transport.having_timeout(seconds):
        yield


def reason(error: Exception) -> str:
    """The error's words, or its name; kombu wraps a message that the broker refused in an error without words."""
    return str(error) or type(error.__cause__ or error).__name__


def queues(broker_url: str) -> list[dict[str, Any]]:
    """Name, consumers and waiting messages of each queue; one that nobody declared yet has none of either.

    The consumers are None where the broker does not know them. Raises BrokerUnavailable.
    """
    connection = Broker(broker_url, connect_timeout=TIMEOUT_S)
    try:
        connection.ensure_connection(max_retries=0, timeout=int(TIMEOUT_S))
        with limited(connection, TIMEOUT_S):
            ask = _queue if is_rabbitmq(broker_url) else _queue_of_redis
            return [ask(connection, name) for name in (LIVE_QUEUE, BULK_QUEUE)]
    except ERRORS as error:
        raise BrokerUnavailable(f"the broker at {connection.as_uri()} cannot be asked: {reason(error)}") from error
    finally:
        connection.collect(socket_timeout=1)


def _queue(connection: Broker, name: str) -> dict[str, Any]:
    channel: Any = connection.channel()
    try:
        declared = channel.queue_declare(queue=name, passive=True)
    except NotFound:  # the broker closes the channel with it
        return {"name": name, "consumers": 0, "messages": 0}
    channel.close()
    return {"name": name, "consumers": declared.consumer_count, "messages": declared.message_count}


def _queue_of_redis(connection: Broker, name: str) -> dict[str, Any]:
    channel: Any = connection.default_channel
    return {"name": name, "consumers": None, "messages": channel.queue_declare(queue=name).message_count}
