"""Databases of both Postgres versions, and connections pinned as ours are."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from outbox import migrate
from outbox.connection import Connection, connect
from services.endpoints import Endpoints
from tests.conftest import named


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
