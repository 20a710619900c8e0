"""What RabbitMQ says of our two queues: consumers and messages, by passive declarations."""

from __future__ import annotations

from typing import Any

from amqp.exceptions import AMQPError, NotFound
from kombu import Connection as Broker
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError

from outbox.errors import BrokerUnavailable
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE

TIMEOUT_S = 3


def queues(broker_url: str) -> list[dict[str, Any]]:
    """Name, consumers and waiting messages of each queue; one that nobody declared yet has none of either.

    Raises BrokerUnavailable.
    """
    connection = Broker(broker_url, connect_timeout=TIMEOUT_S)
    try:
        connection.ensure_connection(max_retries=0, timeout=TIMEOUT_S)
        return [_queue(connection, name) for name in (LIVE_QUEUE, BULK_QUEUE)]
    except (AMQPError, KombuError, BrokerError, OSError) as error:
        raise BrokerUnavailable(
            f"RabbitMQ at {connection.as_uri()} cannot be asked: {error or type(error).__name__}"
        ) from error
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
