"""Which of two relays leads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from outbox.connection import Connection, connect
from outbox.store import indexes
from relay import leadership
from relay.leadership import Leadership
from tests.pipeline import until


@pytest.fixture
def two(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, Connection]]:
    """The connections of two relays, who ask at each call."""
    monkeypatch.setattr(leadership, "RENEW_S", 0.0)
    with (
        connect(database_url, application="one", autocommit=True) as one,
        connect(database_url, application="two", autocommit=True) as other,
    ):
        yield one, other


def test_one_leads_as_long_as_it_renews(two: tuple[Connection, Connection]) -> None:
    first, second = Leadership(), Leadership()
    assert first.holder != second.holder
    until_s = time.monotonic() + 2.5
    assert first.renew(two[0])
    while time.monotonic() < until_s:
        assert (first.renew(two[0]), second.renew(two[1])) == (True, False)
    assert indexes.relay(two[0]) == {"leader": first.holder, "asleep": False}


def test_a_leader_that_falls_silent_is_followed_after_two_seconds(two: tuple[Connection, Connection]) -> None:
    first, second = Leadership(), Leadership()
    assert first.renew(two[0])
    began = time.monotonic()
    until(lambda: second.renew(two[1]), "the standby leads", 5)
    assert 1.9 < time.monotonic() - began < 3
    assert not first.renew(two[0])
    assert indexes.relay(two[0])["leader"] == second.holder


def test_a_leader_that_resigns_is_followed_at_once(two: tuple[Connection, Connection]) -> None:
    first, second = Leadership(), Leadership()
    assert first.renew(two[0]) and not second.renew(two[1])
    second.resign(two[1])  # of what it does not hold
    assert not second.renew(two[1])
    first.resign(two[0])
    assert second.renew(two[1]) and not first.renew(two[0])


def test_two_that_take_over_at_once_are_one(two: tuple[Connection, Connection]) -> None:
    for _ in range(20):
        two[0].execute("UPDATE outbox.leader SET renewed_at = '-infinity'")
        with ThreadPoolExecutor(2) as pool:
            won = list(pool.map(lambda connection: Leadership().renew(connection), two))
        assert sorted(won) == [False, True]


def test_it_asks_twice_a_second_and_no_more(database_url: str) -> None:
    with connect(database_url, application="one", autocommit=True) as connection:
        leader = Leadership()
        assert leader.renew(connection)
        connection.execute("UPDATE outbox.leader SET holder = 'another', renewed_at = clock_timestamp()")
        assert leader.renew(connection)  # known from a moment ago
        until(lambda: not leader.renew(connection), "it notices that another leads", 1)
