"""Publish claims: one connection, confirmed, mandatory, no pool.

Celery's own pool hangs for ever when the broker is frozen or blocked: it replaces the connection by an orderly goodbye
that waits for an answer. So this is one connection that is thrown away without a word at the first doubt.
A confirm alone is not enough: a message to a deleted queue is confirmed and dropped; `mandatory` makes that an error.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog
from celery import Celery
from kombu import Connection as Broker
from kombu import uuid
from kombu.exceptions import OperationalError as BrokerError

from outbox.broker import ERRORS, is_rabbitmq, limited, reason
from outbox.errors import BrokerUnavailable
from outbox.settings import Settings
from outbox.worker.configuration import TASK, configuration

log = structlog.get_logger("relay")
TIMEOUT_S = 5.0
SOON_S = 1.0  # for a question that nothing waits for
LOOK_AGAIN_S = 1.0  # how old the known number of a queue's consumers may be
LOOK_AHEAD_S = 0.45  # asked again in between, at the waits of half a second in which a relay sleeps
_BACK_OFF_S = (1.0, 30.0)


class Publisher:
    """The relay's way to RabbitMQ. Not to be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("outbox", set_as_current=False)
        self._app.conf.update(configuration(settings, confirmed=True))
        self._knows_consumers = is_rabbitmq(settings.broker_url)
        self._connection: Broker | None = None
        self._producer: Any = None
        self._consumers: dict[str, tuple[float, int]] = {}
        self._retry_at = 0.0
        self._delay = _BACK_OFF_S[0]

    def publish(self, claim: int, queue: str, expiration: timedelta) -> None:
        """Publish one claim, and return when the broker has confirmed it.

        Raises BrokerUnavailable if it did not: then the message may still arrive, and finds its claim ended.
        """
        try:
            self._send(claim, queue, expiration)
        except ERRORS as error:
            raise self._drop(f"claim {claim} was not published", error) from error

    def _send(self, claim: int, queue: str, expiration: timedelta) -> None:
        """As Celery's `send_task`, but for what takes half of its processor time, and nobody here needs.

        That is: routes, signals, a declaration each time, and headers without a value, which both sides would carry.
        """
        kwargs = {"claim": claim}
        message = self._app.amqp.as_task_v2(
            uuid(), TASK, kwargs=kwargs, ignore_result=True, argsrepr="()", kwargsrepr=repr(kwargs)
        )
        producer, connection = self._open(), self._connected()
        try:
            producer.publish(
                message.body,
                exchange="",
                routing_key=queue,
                headers={name: value for name, value in message.headers.items() if value not in (None, [None, None])},
                **message.properties,
                serializer="json",
                delivery_mode="persistent",
                retry=False,
                mandatory=True,
                timeout=TIMEOUT_S,
                confirm_timeout=TIMEOUT_S,
                expiration=expiration.total_seconds(),
            )
        except (*connection.recoverable_connection_errors, *connection.recoverable_channel_errors) as error:
            raise BrokerError(str(error)) from error  # each transport has its own

    def consumers(self, queue: str) -> int:
        """How many consumers the queue has, at most a second old; 0 while the broker cannot be asked.

        A broker that does not know its consumers is taken to have one.
        """
        at, known = self._consumers.get(queue, (float("-inf"), 0))
        return known if time.monotonic() - at < LOOK_AGAIN_S else self._ask(queue)

    def look_ahead(self) -> bool:
        """Ask again of the queues that were asked of, before what is known is too old, so that seldom a claim waits.

        True if one that had no consumer has one. Only over a connection that stands, which is thrown away if the broker
        does not answer soon: a leader that waits is followed after two seconds.
        """
        found = False
        for queue, (at, known) in list(self._consumers.items()):
            if time.monotonic() - at >= LOOK_AHEAD_S and self._producer is not None:
                found = (self._ask(queue, SOON_S) > 0 and known == 0) or found
        return found

    def _ask(self, queue: str, timeout_s: float = TIMEOUT_S) -> int:
        try:
            answer = self._declared(queue, timeout_s)
        except BrokerUnavailable:
            return 0
        self._consumers[queue] = (time.monotonic(), answer)
        return answer

    def close(self) -> None:
        """Throw the connection away, without an AMQP goodbye: a frozen broker would never answer it."""
        if self._connection is not None:
            self._connection.collect(socket_timeout=1)
        self._connection = self._producer = None
        self._consumers.clear()

    def _declared(self, queue: str, timeout_s: float) -> int:
        try:
            channel = self._open().channel
            with limited(self._connected(), timeout_s):
                # Redis has no queue where no message is: asked passively, it would know none.
                declared = channel.queue_declare(queue=queue, passive=self._knows_consumers)
                return int(declared.consumer_count) if self._knows_consumers else 1
        except ERRORS as error:
            raise self._drop(f"the queue {queue} cannot be asked", error) from error

    def _open(self) -> Any:
        if self._producer is not None:
            return self._producer
        if time.monotonic() < self._retry_at:
            raise BrokerUnavailable("the broker was unreachable a moment ago")
        try:
            self._connect()
        except ERRORS as error:
            raise self._drop("no connection", error) from error
        self._delay = _BACK_OFF_S[0]
        return self._producer

    def _connect(self) -> None:
        self._connection = self._app.connection_for_write()
        self._connection.ensure_connection(max_retries=0, timeout=3)
        with limited(self._connection, TIMEOUT_S):
            for queue in self._app.conf.task_queues:  # mandatory refuses a message to a queue that nobody declared yet
                queue(self._connection.default_channel).declare()
            self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)

    def _connected(self) -> Broker:
        if self._connection is None:
            raise RuntimeError("a producer without a connection")
        return self._connection

    def _drop(self, what: str, error: Exception) -> BrokerUnavailable:
        address = self._connection.as_uri() if self._connection is not None else "the broker"
        self.close()
        self._retry_at = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _BACK_OFF_S[1])
        log.warning("broker unavailable", broker=address, what=what, reason=reason(error))
        return BrokerUnavailable(f"{address}: {what}: {reason(error)}")
