"""What is no single index's problem: the database's settings, the broker's queues, the relay."""

from __future__ import annotations

from outbox.broker import is_rabbitmq, queues
from outbox.connection import Connection
from outbox.errors import BrokerUnavailable, ConfigError
from outbox.problems import Code, Problem, Severity
from outbox.settings import Settings
from outbox.sql import queries
from outbox.store import indexes

_SQL = queries("outbox.check", "check.sql")
_REDIS = (
    "Redis confirms no message, takes one for a queue that is gone, lets none expire, does not tell who consumes, and "
    "delivers again what is not acknowledged within an hour (its visibility_timeout): a message that it loses, or that "
    "no worker takes, is noticed only when its dispatch lease is over; one that comes twice does no harm."
)


def database(connection: Connection) -> list[Problem]:
    """The settings of Postgres that cost something."""
    row = connection.execute(_SQL["max_prepared_transactions"]).fetchone()
    if row is None or row[0] == 0:
        return []
    what = (
        f"it is {row[0]}: a transaction that notifies cannot be prepared, so capture wakes nobody, and a change waits "
    )
    cure = "Set it to 0 and restart Postgres, if nobody uses PREPARE TRANSACTION; else shorten `poll`."
    return [
        _warning(Code.PREPARED_TRANSACTIONS, "max_prepared_transactions", f"{what}for the relay's next poll.", cure)
    ]


def broker(settings: Settings, *, expects_consumers: bool) -> list[Problem]:
    """Whether RabbitMQ answers, and somebody consumes from each of our queues; what another broker lacks."""
    url = settings.broker.get_secret_value()
    name = "RabbitMQ" if is_rabbitmq(url) else "Redis"
    try:
        found = queues(settings.broker_url)
    except (BrokerUnavailable, ConfigError) as error:
        cure = "See that it runs, and that OUTBOX_BROKER_URL is right."
        return [_warning(Code.BROKER_UNAVAILABLE, name, f"{error}.", cure)]
    if not is_rabbitmq(url):
        return [_warning(Code.BROKER_GUARANTEES, name, _REDIS, "Use RabbitMQ where that is too late.")]
    silent = [queue["name"] for queue in found if not queue["consumers"]] if expects_consumers else []
    what = "the queue has no consumer: nothing is claimed for it."
    cure = "Start `celery -A outbox.worker worker -Q {}`."
    return [_warning(Code.NO_CONSUMER, name, what, cure.format(name)) for name in silent]


def relay(connection: Connection) -> list[Problem]:
    """Whether a relay leads."""
    if indexes.relay(connection)["leader"]:
        return []
    what = "none leads: changes are captured, and wait."
    return [_warning(Code.NO_RELAY, "relay", what, "Start `relay`.")]


def _warning(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.WARNING, where, what, cure)
