"""The seed of the run, a database on each server, and the counts at its end."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator

import psycopg
import pytest

from outbox import migrate
from services.endpoints import Endpoints
from tests.acceptance.conftest import catalogue
from tests.conftest import named
from tests.random.tally import TALLIES, table

__all__ = ["catalogue"]  # a fixture, for random statements

SEED = os.environ.get("OUTBOX_FUZZ_SEED") or str(random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="session")
def seed() -> str:
    """What every random choice of the run hangs on; set OUTBOX_FUZZ_SEED to repeat one."""
    return SEED


@pytest.fixture(scope="session")
def urls(endpoints: Endpoints) -> Iterator[list[str]]:
    """A database with the schema `outbox` on each server: 18, and 15 where there is one."""
    servers = [url for url in (endpoints.database_url, endpoints.pg15_url) if url]
    name = f"t_{secrets.token_hex(4)}"
    for server in servers:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        migrate.upgrade(named(server, name))
    yield [named(server, name) for server in servers]
    for server in servers:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts."""
    if TALLIES:
        terminalreporter.section(f"random views, OUTBOX_FUZZ_SEED={SEED}")
        for line in table():
            terminalreporter.line(line)
