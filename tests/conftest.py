"""Real services for the tests: one private stack for each run, in a folder of its own, on free ports."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Connection as Broker
from psycopg.rows import TupleRow

from outbox import migrate
from outbox.solr.client import Address, Solr
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE
from services import postgres, process, rabbitmq
from services.endpoints import Endpoints
from services.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / ".services" / "tests"


def pytest_report_header() -> list[str]:
    """The versions of the servers that the tests run against."""
    found = [f"postgres {version}" for version in _postgres_versions()]
    found.append(f"rabbitmq {_rabbitmq_version()}")
    found.append(f"solr {_solr_version()}")
    return [f"servers: {', '.join(found)}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each folder of tests took, fixtures included: what has to shrink when a run has become too long."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            seconds["/".join(Path(report.nodeid.partition("::")[0]).parts[1:-1])] += report.duration
    longest = sorted(seconds.items(), key=lambda part: part[1], reverse=True)
    parts = ", ".join(f"{folder} {total:.0f} s" for folder, total in longest)
    terminalreporter.write_line(f"time by folder: {parts}")


def _postgres_versions() -> list[str]:
    names: list[postgres.Name] = ["postgres"]
    if postgres.has_pg15():
        names.append("pg15")
    said = [subprocess.check_output([postgres.programs(n) / "postgres", "--version"], text=True) for n in names]
    return [re.sub(r"postgres \(PostgreSQL\) (\S+).*\n", r"\1", text) for text in said]


def _rabbitmq_version() -> str:
    server = (rabbitmq.SCRIPTS / "rabbitmq-server").resolve()
    match = re.search(r"rabbitmq_server-([\d.]+)", str(server))
    return match[1] if match else "not installed yet"


def _solr_version() -> str:
    match = re.search(r"<solr.version>(.*?)<", (ROOT / "services" / "solr" / "pom.xml").read_text("utf-8"))
    assert match, "services/solr/pom.xml names no solr.version"
    return match[1]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Postgres 18 (and 15 where there is one), RabbitMQ, Solr in SolrCloud mode and Flower, for this run alone.

    OUTBOX_TEST_STACK names the folder of one that runs already, and goes on: for many runs of single tests.
    """
    if folder := os.environ.get("OUTBOX_TEST_STACK"):
        yield Stack(Path(folder))
        return
    with private_stack(with_pg15=True) as running:
        yield running


@contextmanager
def private_stack(*, with_pg15: bool = False, with_flower: bool = True) -> Iterator[Stack]:
    """A stack that the next run clears away if this process is killed.

    Postgres does not wait for the disk: what tests kill are processes, never the machine.
    """
    _clear_crashed()
    folder = RUNS / str(os.getpid())
    folder.mkdir(parents=True)
    (folder / "owner").write_text(json.dumps(asdict(_myself())))
    try:
        with Stack(folder, with_pg15=with_pg15, with_flower=with_flower, fsync=False) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _myself() -> process.Identity:
    identity = process.identify(os.getpid())
    assert identity is not None
    return identity


def _clear_crashed() -> None:
    """End what earlier runs left whose pytest was killed; a run beside this one is left alone."""
    for owner in RUNS.glob("*/owner"):
        if not process.alive(process.Identity(**json.loads(owner.read_text()))):
            Stack(owner.parent).stop()
            shutil.rmtree(owner.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> Endpoints:
    """The addresses of this run's services."""
    return stack.endpoints()


@pytest.fixture(scope="session")
def template(endpoints: Endpoints) -> str:
    """The name of a database with the schema `outbox`, which each test's own is cloned from."""
    name = f"template_{secrets.token_hex(4)}"
    with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate.upgrade(named(endpoints.database_url, name))
    return name


@pytest.fixture
def database_url(endpoints: Endpoints, template: str) -> Iterator[str]:
    """A fresh database with the schema `outbox`, superuser."""
    with cloned(endpoints.database_url, template) as url:
        yield url


@pytest.fixture
def empty_database_url(endpoints: Endpoints) -> Iterator[str]:
    """A fresh database with nothing in it, superuser."""
    with cloned(endpoints.database_url, "template0") as url:
        yield url


@contextmanager
def cloned(url: str, template: str) -> Iterator[str]:
    """A database of one's own, cloned from another; no connection is kept, for the test may kill the server."""
    name = f"t_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield named(url, name)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A plain connection, not pinned as ours are, to the test's own database."""
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.fixture
def solr_url(endpoints: Endpoints) -> Iterator[str]:
    """A SolrCloud; collections, aliases and configsets that the test makes are removed after it."""
    yield endpoints.solr_url
    remove_collections(endpoints.solr_url)


def remove_collections(solr_url: str) -> None:
    """Remove every alias, collection and configset of a SolrCloud but its own."""
    solr = Solr(Address(solr_url))
    for alias in solr.admin("/admin/collections", {"action": "LISTALIASES"}).get("aliases", {}):
        solr.admin("/admin/collections", {"action": "DELETEALIAS", "name": alias})
    for name in solr.admin("/admin/collections", {"action": "LIST"})["collections"]:
        solr.admin("/admin/collections", {"action": "DELETE", "name": name})
    for name in solr.admin("/admin/configs", {"action": "LIST"})["configSets"]:
        if name != "_default":
            solr.admin("/admin/configs", {"action": "DELETE", "name": name})


@pytest.fixture
def broker_url(endpoints: Endpoints) -> Iterator[str]:
    """The broker; our queues are removed after the test, so that no message reaches another test's workers."""
    yield endpoints.broker_url
    remove_queues(endpoints.broker_url)


def remove_queues(broker_url: str) -> None:
    """Remove our queues with what is in them."""
    with Broker(broker_url) as broker:
        for queue in (LIVE_QUEUE, BULK_QUEUE):
            channel: Any = broker.channel()
            channel.queue_delete(queue)


def named(url: str, database: str) -> str:
    """The address with another database's name."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()
