"""No wake-up is lost: the races between a relay that falls asleep and writers, with real connections.

The writers do what a trigger does: insert the event first, then read whether the relay sleeps, and notify only then.
The poll is an hour away here, so that nothing but the protocol finds an event.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.rows import TupleRow

from tests.integration.hand_made import SQL
from tests.integration.sleeper import ASLEEP, SOON_S, Sleeper, sleeping


@pytest.fixture
def sleeper(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sleeper]:
    """A relay that falls asleep."""
    with sleeping(database_url, monkeypatch) as found:
        yield found


@pytest.fixture
def writer(database_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A user's session, not in autocommit."""
    with psycopg.connect(database_url) as connection:
        yield connection


def insert(writer: psycopg.Connection[TupleRow], key: str) -> None:
    """The first half of a trigger."""
    writer.execute(SQL["insert_as_a_trigger"], {"key": key})


def say(writer: psycopg.Connection[TupleRow]) -> bool:
    """The second half; true if it notifies."""
    return bool(writer.execute(SQL["say"]).fetchall())


def test_a_sleeping_relay_is_woken(sleeper: Sleeper, writer: psycopg.Connection[TupleRow]) -> None:
    sleeper.is_asleep()
    insert(writer, "a")
    assert say(writer)
    writer.commit()
    sleeper.sees("a")


def test_nothing_is_seen_before_the_commit_nor_after_a_rollback(
    sleeper: Sleeper, writer: psycopg.Connection[TupleRow]
) -> None:
    sleeper.is_asleep()
    insert(writer, "never")
    say(writer)
    writer.rollback()
    insert(writer, "a")
    say(writer)
    writer.commit()
    sleeper.sees("a")
    assert set(sleeper.found) == {"a"}


def test_a_writer_that_read_awake_is_waited_for(
    database_url: str, writer: psycopg.Connection[TupleRow], request: pytest.FixtureRequest
) -> None:
    insert(writer, "a")
    assert not say(writer)
    sleeper: Sleeper = request.getfixturevalue("sleeper")  # from now on it tries to fall asleep
    sleeper.is_draining()
    with pytest.raises(AssertionError, match="not within"):
        sleeper.sees("a")  # so long it goes on looking, rather than sleep
    writer.commit()
    sleeper.sees("a")


def test_a_long_writer_does_not_delay_others(
    database_url: str, writer: psycopg.Connection[TupleRow], request: pytest.FixtureRequest
) -> None:
    insert(writer, "long")
    sleeper: Sleeper = request.getfixturevalue("sleeper")
    sleeper.is_draining()
    with psycopg.connect(database_url) as other:
        for key in "abc":
            insert(other, key)
            say(other)
            other.commit()
            sleeper.sees(key)
    writer.commit()
    sleeper.sees("long")


def test_a_writer_younger_than_the_last_completed_one_is_waited_for(
    database_url: str, writer: psycopg.Connection[TupleRow], request: pytest.FixtureRequest
) -> None:
    """It draws its number after the relay's UPDATE drew one, and reads *awake* before that UPDATE is committed.

    Then it is in no snapshot's list, and not below a snapshot's xmax: only a number drawn later bounds it.
    """
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT FROM outbox.relay FOR UPDATE")
        sleeper: Sleeper = request.getfixturevalue("sleeper")
        sleeper.does("wait_event_type = 'Lock' AND query LIKE '-- sleep%'")
        insert(writer, "young")
        assert not say(writer)
        holder.rollback()
    sleeper.is_draining()
    with pytest.raises(AssertionError, match="not within"):
        sleeper.does(ASLEEP.format(1000), SOON_S)
    writer.commit()
    sleeper.sees("young")


def test_no_wake_up_is_lost_under_a_storm(sleeper: Sleeper, database_url: str) -> None:
    """Six writers with pauses between insert, look and commit: each event is found within two seconds of its commit."""

    def write(seed: int) -> dict[str, float]:
        chance = random.Random(seed)  # noqa: S311 - a schedule has to be repeatable, not secret
        committed = {}
        with psycopg.connect(database_url) as connection:
            for number in range(60):
                key = f"{seed}/{number}"
                insert(connection, key)
                time.sleep(chance.choice((0, 0, 0.005, 0.03)))  # part of the schedule, not a wait
                say(connection)
                time.sleep(chance.choice((0, 0, 0.005, 0.03)))
                connection.commit()
                committed[key] = time.monotonic()
                time.sleep(chance.choice((0, 0.01, 0.05, 0.2)))
        return committed

    committed: dict[str, float] = {}
    with ThreadPoolExecutor(6) as pool:
        for part in pool.map(write, range(6)):
            committed |= part
    for key in committed:
        sleeper.sees(key)
    late = {key: sleeper.found[key] - at for key, at in committed.items() if sleeper.found[key] - at > SOON_S}
    assert late == {}
