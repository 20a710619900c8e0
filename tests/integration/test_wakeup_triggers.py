"""No wake-up is lost with the triggers as they are: writers whose snapshot is older than the relay's sleep."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from outbox.connection import Connection
from tests.integration.captured import SQL, Captured, capture
from tests.integration.sleeper import Sleeper, sleeping
from tests.pipeline import until

VIEW = "CREATE VIEW s.d AS SELECT uuid AS id, title FROM s.layer"
KEY = UUID(int=1)


@pytest.fixture
def captured(outbox: Connection, outbox_url: str) -> Captured:
    """One layer, captured."""
    outbox.execute(SQL["tables"])
    outbox.execute(VIEW)
    outbox.execute("INSERT INTO s.layer (id, uuid, title) VALUES (1, %s, 'old')", [KEY])
    return capture(outbox, outbox_url)


@pytest.fixture
def sleeper(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sleeper]:
    """A relay over it that falls asleep."""
    with sleeping(captured.url, monkeypatch) as found:
        yield found


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_older_than_the_sleep(captured: Captured, request: pytest.FixtureRequest, level: str) -> None:
    with psycopg.connect(captured.url, autocommit=True) as writer:
        writer.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        writer.execute("SELECT count(*) FROM s.layer")
        sleeper: Sleeper = request.getfixturevalue("sleeper")  # it sleeps: a reader has no number to be waited for
        sleeper.is_asleep()
        flag = writer.execute("SELECT asleep_until > clock_timestamp() FROM outbox.relay").fetchone()
        assert flag == (False,)  # what the trigger would read
        writer.execute("UPDATE s.layer SET title = 'new'")
        writer.execute("COMMIT")
        sleeper.sees(str(KEY))


def test_a_statement_that_began_before_the_sleep(captured: Captured, request: pytest.FixtureRequest) -> None:
    """Its own snapshot is older: the trigger is VOLATILE, so that what it reads is not."""

    def write() -> None:
        with psycopg.connect(captured.url) as writer:
            writer.execute("UPDATE s.layer SET title = title || coalesce(pg_sleep(3)::text, '') || '!'")

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        query = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        until(lambda: captured.connection.execute(query).fetchall(), "the statement runs")
        sleeper: Sleeper = request.getfixturevalue("sleeper")
        sleeper.is_asleep()
        assert not writing.done()
        writing.result(timeout=30)
        sleeper.sees(str(KEY))


def test_a_writer_in_a_subtransaction(captured: Captured, sleeper: Sleeper) -> None:
    """Its NOTIFY is undone with the savepoint, so the next one has to be sent again."""
    sleeper.is_asleep()
    with psycopg.connect(captured.url) as writer:
        writer.execute("SAVEPOINT a; UPDATE s.layer SET title = 'never'; ROLLBACK TO a")
        writer.execute("UPDATE s.layer SET title = 'new'")
        writer.commit()
    sleeper.sees(str(KEY))


def test_a_relay_that_dies_asleep_costs_a_notify_for_half_a_minute_at_most(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(psycopg.OperationalError), sleeping(captured.url, monkeypatch) as dead:
        dead.is_asleep()
        captured.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sleeper'"
            " AND datname = current_database()"
        )
    ((left,),) = captured.connection.execute("SELECT asleep_until - clock_timestamp() FROM outbox.relay").fetchall()
    assert 0 < left.total_seconds() <= 30
    captured.connection.execute("UPDATE s.layer SET title = 'while dead'")
    with sleeping(captured.url, monkeypatch) as following:
        following.sees(str(KEY))
