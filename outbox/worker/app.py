"""The Celery app of the workers: `celery -A outbox.worker worker -Q outbox.live`, and another with `-Q outbox.bulk`.

Importing it reads nothing: the settings are read when Celery first needs its configuration, and the connections are
made in each child process when its first claim comes, after the fork.
"""

from __future__ import annotations

import functools
from typing import Any

import structlog
from celery import Celery, Task
from celery.signals import setup_logging, worker_process_init
from sqlalchemy import create_engine

from outbox import log as logs
from outbox.connection import connect
from outbox.settings import Settings, load
from outbox.solr.client import Address, Solr
from outbox.worker.configuration import TASK, configuration
from outbox.worker.indexing import Indexer

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
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(settings.database_url, application="outbox worker", autocommit=True),
        pool_size=1,
        max_overflow=1,
        pool_pre_ping=True,
    )
    solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
    return Indexer(engine, solr, {})


app = Celery("outbox")
app.add_defaults(lambda: configuration(_settings()))


@app.task(name=TASK, bind=True)
def index(self: Task[Any, Any], claim: int) -> None:
    """Index the claim of that number. A message that is not one number is refused: it is not from our relay."""
    if type(claim) is not int:
        raise TypeError(f"claim must be a number, not {type(claim).__name__}")
    redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
    _indexer().index(claim, worker=str(self.request.hostname), redelivered=redelivered)


@setup_logging.connect
def _log(**_: object) -> None:
    logs.configure()
    logs.quiet_celery()


@worker_process_init.connect
def _start(**_: object) -> None:
    _indexer()
