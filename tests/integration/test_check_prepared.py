"""`check` on a server that takes two-phase commits: only a start of the server sets that, so this one is its own."""

from __future__ import annotations

from pathlib import Path

import psycopg

from outbox import migrate
from outbox.check import everything
from outbox.connection import connect
from outbox.problems import Code, Severity
from services.stack import Stack
from tests.integration.checked import settings


def test_says_that_a_change_waits_for_the_poll(tmp_path: Path) -> None:
    with Stack(tmp_path, without=("rabbitmq", "solr"), fsync=False) as stack:
        url = stack.endpoints().database_url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_prepared_transactions = 3")
        stack.service("postgres").stop()
        stack.service("postgres").start()
        migrate.upgrade(url)
        with connect(url, application="test", autocommit=True) as connection:
            found = everything(connection, settings("d", {}, url, "", ""), [])
    (problem,) = [one for one in found[""] if one.where == "max_prepared_transactions"]
    assert (problem.code, problem.severity) == (Code.PREPARED_TRANSACTIONS, Severity.WARNING)
    assert "it is 3" in problem.what
