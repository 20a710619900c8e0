"""Transactions in two phases, with the relay asleep: capture must not notify, and the commit arrives with the poll.

Only a start of the server sets max_prepared_transactions, so the servers here are this test's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from outbox.sql import parse
from relay.wakeup import RENEW_S
from services import postgres
from services.endpoints import Endpoints
from services.stack import Stack
from tests.acceptance.statements.entries import HERE
from tests.acceptance.statements.piped import Piped, piped
from tests.acceptance.statements.world import made
from tests.pipeline import until

EXPECTED = frozenset(str(UUID(int=number)) for number in (2, 4))
SQL = parse((HERE / "prepared.sql").read_text("utf-8"), "prepared.sql")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Both Postgres, restarted with the setting."""
    names = ("postgres", "pg15") if postgres.has_pg15() else ("postgres",)
    with Stack(tmp_path_factory.mktemp("prepared"), with_pg15=True, without=("rabbitmq", "solr"), fsync=False) as stack:
        found = stack.endpoints()
        for name, url in zip(names, (found.database_url, found.pg15_url), strict=False):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
            stack.service(name).stop()
            stack.service(name).start()
        yield found


@pytest.fixture(params=["postgres", "pg15"])
def running(
    request: pytest.FixtureRequest, servers: Endpoints, broker_url: str, solr_url: str, tmp_path: Path
) -> Iterator[Piped]:
    """The world on such a server, applied and drained."""
    url = servers.database_url if request.param == "postgres" else servers.pg15_url
    if not url:
        pytest.skip("there is no Postgres 15 on this machine")
    with made(url) as world, piped(world, broker_url=broker_url, solr_url=solr_url, folder=tmp_path) as running:
        yield running


def test_a_prepared_commit_arrives_with_the_poll_and_a_prepared_rollback_leaves_nothing(running: Piped) -> None:
    writer, since = running.world.writer, running.now()
    until(lambda: running.number("asleep"), "the relay sleeps")
    writer.execute(SQL["first"])
    writer.execute(SQL["second"])
    writer.execute("ROLLBACK PREPARED 'second'")
    assert not any(running.keys(since).values())
    writer.execute("COMMIT PREPARED 'first'")
    until(lambda: running.number("waiting") == 0, "the poll finds it, before the sleep ends by itself", 2 / 3 * RENEW_S)
    assert running.keys(since) == {"maps": EXPECTED, "brief": EXPECTED, "sheets": frozenset()}
    assert [one for index in running.collections for one in running.differences(index)] == []
