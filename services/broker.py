"""Asking RabbitMQ over AMQP, as a client would."""

from __future__ import annotations

from urllib.parse import urlsplit

import amqp

_SECONDS = 3


def log_in(url: str) -> str:
    """Log in to the vhost of `url` and open a channel: "" if that works, else why not."""
    try:
        with _connection(url) as connection:
            connection.channel().close()
    except (OSError, amqp.AMQPError) as error:
        return str(error) or type(error).__name__
    return ""


def consumer(url: str, queue: str) -> str:
    """Whether `queue` has a consumer: "" if so, else why not. The queue is not made."""
    try:
        with _connection(url) as connection:
            declared = connection.channel().queue_declare(queue, passive=True)
    except amqp.NotFound:
        return f"there is no queue {queue} yet"
    except (OSError, amqp.AMQPError) as error:
        return str(error) or type(error).__name__
    return "" if declared and declared[2] else f"the queue {queue} has no consumer yet"


def _connection(url: str) -> amqp.Connection:
    parts = urlsplit(url)
    return amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=parts.username or "",
        password=parts.password or "",
        virtual_host=parts.path[1:],
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        write_timeout=_SECONDS,
    )
