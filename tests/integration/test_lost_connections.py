"""A session that the server ends is a connection that is lost: the relay and its threads begin anew."""

from __future__ import annotations

import signal
import threading

import psycopg
import pytest

from outbox.connection import Connection, connect
from outbox.sqlstate import LOST
from relay.beside import Beside
from relay.daemon import Relay
from tests.integration.desk import settings
from tests.pipeline import until

THERE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"


def starved(url: str, watcher: psycopg.Connection) -> psycopg.Error:
    """What becomes of a session whose transaction is left alone for longer than it may be."""
    with connect(url, application="test", idle_in_transaction_s=1) as connection:
        connection.execute("SELECT 1")
        pid = connection.info.backend_pid
        until(lambda: watcher.execute(THERE, [pid]).fetchone() == (0,), "the server ended it")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT 1")
    return caught.value


@pytest.fixture
def error(database_url: str) -> psycopg.Error:
    """A real one."""
    with psycopg.connect(database_url, autocommit=True) as watcher:
        return starved(database_url, watcher)


def test_the_error_is_told_as_a_lost_connection(error: psycopg.Error) -> None:
    assert error.sqlstate == "25P03"
    assert isinstance(error, LOST) and not isinstance(error, psycopg.OperationalError)


def test_a_relay_begins_anew(error: psycopg.Error, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    relay, sessions = Relay(settings(database_url, "http://127.0.0.1:9/solr")), 0

    def session() -> None:
        nonlocal sessions
        sessions += 1
        if sessions == 1:
            raise error
        relay._stop(signal.SIGTERM, None)

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(relay, "_session", session)
    relay.run()
    assert sessions == 2


def test_a_thread_beside_it_begins_anew(error: psycopg.Error, database_url: str) -> None:
    again = threading.Event()

    def work(_: Connection) -> None:
        if not work.__dict__.setdefault("failed", False):
            work.__dict__["failed"] = True
            beside.ask()
            raise error
        again.set()

    beside = Beside(database_url, "test", work)
    beside.start()
    beside.ask()
    assert again.wait(30)
    beside.stop(30)
