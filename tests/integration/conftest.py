"""Databases of both Postgres versions, connections pinned as ours are, and a collection with a worker beside it."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import psycopg
import pytest

from outbox import migrate, resources
from outbox.connection import Connection, connect
from outbox.solr import collections
from outbox.solr.client import Address, Solr
from outbox.solr.schema import compare
from outbox.worker.app import make_indexer
from services.endpoints import Endpoints
from tests.conftest import named
from tests.integration.desk import COLLECTION, Desk, settings
from tests.integration.hand_made import FIELDS, make_index
from tests.pipeline import ROOT, Pipeline


@pytest.fixture(scope="session", params=["postgres", "pg15"])
def server_name(request: pytest.FixtureRequest) -> str:
    """The name of each Postgres in turn, as the stack calls it: 18 and 15."""
    return str(request.param)


@pytest.fixture(scope="session")
def server_url(server_name: str, endpoints: Endpoints) -> str:
    """The address of each server in turn; 15 is left out where there is none."""
    url = endpoints.database_url if server_name == "postgres" else endpoints.pg15_url
    if not url:
        pytest.skip("there is no Postgres 15 on this machine")
    return url


@pytest.fixture(scope="session")
def server_template(server_url: str) -> str:
    """The name of a database with the schema `outbox` on that server."""
    name = f"template_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate.upgrade(named(server_url, name))
    return name


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """A fresh database without our schema, on each server in turn."""
    yield from _database(server_url, "template1")


@pytest.fixture
def outbox_url(server_url: str, server_template: str) -> Iterator[str]:
    """A fresh database with the schema `outbox`, on each server in turn."""
    yield from _database(server_url, server_template)


def _database(server_url: str, template: str) -> Iterator[str]:
    name = f"t_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield named(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:  # anew: a test may restart the server
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def outbox(outbox_url: str) -> Iterator[Connection]:
    """Our own kind of connection to such a database, in autocommit."""
    with connect(outbox_url, application="test", autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def collection(endpoints: Endpoints) -> Iterator[Solr]:
    """A collection made from our configset, with the fields of the hand-made view; each test empties it."""
    solr = Solr(Address(endpoints.solr_url))
    collections.create(solr, COLLECTION, resources.configset())
    changes = compare(solr.call("GET", f"/{COLLECTION}/schema", {})["schema"], FIELDS)
    solr.admin(f"/{COLLECTION}/schema", {}, body=orjson.dumps(changes.commands()))
    yield solr
    solr.admin("/admin/collections", {"action": "DELETE", "name": COLLECTION})
    solr.admin("/admin/configs", {"action": "DELETE", "name": COLLECTION})


@pytest.fixture
def desk(collection: Solr, database_url: str) -> Iterator[Desk]:
    """An applied index in a database of the test's own; numbers of claims begin anew, so nothing stays in Solr."""
    collection.call("POST", f"/{COLLECTION}/update", {"commit": True}, body=b'{"delete":{"query":"*:*"}}')
    indexer = make_indexer(settings(database_url, collection.url))
    with connect(database_url, application="test", autocommit=True) as connection:
        yield Desk(connection, make_index(connection, collection=COLLECTION), collection, indexer)
    indexer.engine.dispose()


@pytest.fixture
def pipeline(desk: Desk, database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Relay and workers over the desk's index; none runs yet. Those that a test froze go on before they are stopped."""
    environment = {
        "OUTBOX_DATABASE_URL": database_url,
        "OUTBOX_BROKER_URL": broker_url,
        "OUTBOX_SOLR_URL": desk.solr.url,
        "PYTHONPATH": str(ROOT),
    }
    found = Pipeline(environment, tmp_path)
    try:
        yield found
    finally:
        for process in found.processes.values():
            process.send_signal(signal.SIGCONT)
        found.stop_all()
