"""The Celery app of the workers: `celery -A outbox.worker worker -Q outbox.live`, and another with `-Q outbox.bulk`.

Importing it reads nothing: the settings are read when Celery first needs its configuration, and the connections are
made in each child process when its first claim comes, after the fork.
"""

from __future__ import annotations

import functools
import os
import signal
from types import FrameType
from typing import Any

import structlog
from celery import Celery, Task
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import setup_logging, task_failure, worker_process_init, worker_shutting_down
from sqlalchemy import create_engine

from outbox import log as logs
from outbox import plans
from outbox.connection import Connection, connect
from outbox.errors import ServiceUnavailable
from outbox.settings import Settings, load
from outbox.solr.client import Address, Solr
from outbox.sqlstate import LOST
from outbox.store.claims import Outcome
from outbox.worker.configuration import TASK, configuration
from outbox.worker.events import LaterEvents
from outbox.worker.indexing import Indexer, end_lost

log = structlog.get_logger("worker")


@functools.cache
def _settings() -> Settings:
    return load()


@functools.cache
def _indexer() -> Indexer:
    """This process's own; made once in each child."""
    return make_indexer(_settings())


def make_indexer(settings: Settings) -> Indexer:
    """An indexer with a pool of one connection (two while one is replaced) and one HTTP session."""

    def connected() -> Connection:
        connection = connect(settings.database_url, application="outbox worker", autocommit=True)
        plans.keep(connection)
        return connection

    engine = create_engine(
        "postgresql+psycopg://",
        creator=connected,
        pool_size=1,
        max_overflow=1,
    )
    solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
    return Indexer(engine, solr, {})


app = Celery("outbox")
app.add_defaults(lambda: configuration(_settings()))
app.steps["consumer"].add(LaterEvents)


@app.task(name=TASK, bind=True)
def index(self: Task[Any, Any], claim: int) -> None:
    """Index the claim of that number. A message that is not one number is refused: it is not from our relay."""
    if type(claim) is not int:
        raise TypeError(f"claim must be a number, not {type(claim).__name__}")
    redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
    _indexer().index(claim, worker=str(self.request.hostname), redelivered=redelivered)


@task_failure.connect(sender=index)
def _lost(exception: BaseException, kwargs: dict[str, Any], **_: object) -> None:
    """In the parent, when a child died or was killed at a claim: its lease need not be waited for.

    The lease is the safety net, so that an error here is only said.
    """
    if not isinstance(exception, WorkerLostError | TimeLimitExceeded):
        return
    number = kwargs["claim"]
    try:
        with connect(_settings().database_url, application="outbox worker", autocommit=True) as connection:
            ended = end_lost(connection, number, Outcome.LOST, f"the worker was lost: {exception}")
    except (ServiceUnavailable, *LOST) as error:
        log.warning("a lost claim waits for its lease", claim=number, reason=str(error))
        return
    log.warning("claim lost", claim=number, ended=ended, reason=str(exception))


@worker_shutting_down.connect
def _second(sig: str, how: str, **_: object) -> None:
    """After a SIGTERM, which lets the claims under way end, a second one exits; Celery by itself ignores it."""
    if (sig, how) == ("SIGTERM", "Warm"):
        signal.signal(signal.SIGTERM, _exit)
        log.info("stopping", reason="SIGTERM: claims under way end first, a second one exits")


def _exit(_number: int, _frame: FrameType | None) -> None:
    """As SIGQUIT without its patience: messages go back to the broker, and end their claims when they come again."""
    app.conf.worker_soft_shutdown_timeout = 0
    os.kill(os.getpid(), signal.SIGQUIT)


@setup_logging.connect
def _log(**_: object) -> None:
    logs.configure()
    logs.quiet_celery()


@worker_process_init.connect
def _start(**_: object) -> None:
    _indexer()
