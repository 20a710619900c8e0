"""Retention: what goes and what stays, in chunks; and that the outbox on disk stays that of what is retained."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest
from psycopg import sql

from outbox import migrate
from outbox import retention as pruning
from outbox.connection import Connection, connect
from outbox.sql import queries
from outbox.store import claims, dead, events, retention
from outbox.store.claims import Outcome
from tests.integration.desk import Desk
from tests.integration.hand_made import Place, add, begun, insert_items, make_index, take
from tests.pipeline import Pipeline, until

SQL = queries("tests.integration", "retention.sql")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture
def outbox(database_url: str) -> Iterator[Connection]:
    """A connection like ours, to one version of Postgres."""
    with connect(database_url, application="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def indexed(connection: Connection, place: Place, *keys: str, age: timedelta, bad: tuple[str, ...] = ()) -> int:
    """One claim of new events of these keys, done so long ago; its number. `bad`: keys that were refused."""
    ids = add(connection, place, *keys)
    claim = begun(connection, place)
    assert claims.finish(connection, claim, bad=dict.fromkeys(bad, "refused"), back=[])
    connection.execute(SQL["age_events"], {"ids": ids, "age": age})
    connection.execute(SQL["age_claims"], {"numbers": [claim.number], "age": age})
    return claim.number


def prune(connection: Connection, keep: timedelta) -> tuple[int, int]:
    """A whole pass; how many events and claims went."""
    removed = list(pruning.ledger(connection, keep))
    return sum(one.events for one in removed), sum(one.claims for one in removed)


def listed(connection: Connection, query: str) -> list[int]:
    """Ids, or numbers."""
    return [row[0] for row in connection.execute(SQL[query])]


def test_done_events_go_when_they_are_old_and_dead_and_waiting_ones_never(outbox: Connection, place: Place) -> None:
    indexed(outbox, place, "a", "b", "bad", age=WEEK + HOUR, bad=("bad",))
    indexed(outbox, place, "a", age=WEEK - HOUR)
    waiting = add(outbox, place, "c")
    outbox.execute(SQL["age_events"], {"ids": waiting, "age": 9 * WEEK})
    assert prune(outbox, WEEK) == (2, 0)
    states = outbox.execute("SELECT key, done_at IS NULL, dead_at IS NULL FROM outbox.event ORDER BY key").fetchall()
    assert states == [("a", False, True), ("bad", True, False), ("c", True, True)]


def test_what_waits_at_the_low_end_hides_nothing_behind_it(
    outbox: Connection, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVENTS", 3)
    indexed(outbox, place, *(f"dead {n}" for n in range(7)), age=WEEK, bad=tuple(f"dead {n}" for n in range(7)))
    indexed(outbox, place, *(f"old {n}" for n in range(5)), age=WEEK)
    indexed(outbox, place, *(f"new {n}" for n in range(50)), age=timedelta(0))
    removed = [one.events for one in pruning.ledger(outbox, DAY)]
    assert sum(removed) == 5
    assert max(removed) <= 3
    assert len(removed) < 9, "it reads on among what is new"


def test_of_claims_the_newest_of_each_target_and_those_of_dead_events_stay(outbox: Connection, place: Place) -> None:
    refusing = indexed(outbox, place, "bad", age=5 * WEEK, bad=("bad",))
    indexed(outbox, place, "a", age=4 * WEEK)
    newest_done = indexed(outbox, place, "a", age=3 * WEEK)
    given_back = [_given_back(outbox, place, age=WEEK + HOUR) for _ in range(3)]
    assert prune(outbox, WEEK)[1] == 3
    assert listed(outbox, "numbers") == [refusing, newest_done, given_back[-1]]
    assert prune(outbox, WEEK)[1] == 0
    outbox.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE dead_at IS NOT NULL")
    assert prune(outbox, WEEK)[1] == 1
    assert listed(outbox, "numbers") == [newest_done, given_back[-1]]


def _given_back(connection: Connection, place: Place, *, age: timedelta) -> int:
    add(connection, place, "waits")
    claim = begun(connection, place)
    claims.end(connection, claim.number, Outcome.GIVEN_BACK, "Solr is away")
    connection.execute(SQL["age_claims"], {"numbers": [claim.number], "age": age})
    return claim.number


def test_the_newest_claim_of_an_idle_target_stays_beside_a_busy_one(outbox: Connection, place: Place) -> None:
    idle = indexed(outbox, place, "a", age=9 * WEEK)
    outbox.execute("UPDATE outbox.claim SET target = target + 1")
    for _ in range(5):
        indexed(outbox, place, "a", age=2 * WEEK)
    busy = indexed(outbox, place, "a", age=timedelta(0))
    assert prune(outbox, WEEK) == (6, 5)
    assert listed(outbox, "numbers") == [idle, busy]


def test_claims_stay_a_day_whatever_the_retention(outbox: Connection, place: Place) -> None:
    indexed(outbox, place, "a", age=DAY - HOUR)
    indexed(outbox, place, "a", age=timedelta(0))
    assert prune(outbox, HOUR) == (1, 0)


def test_a_claim_in_flight_and_its_events_stay_whatever_their_age(outbox: Connection, place: Place) -> None:
    ids = add(outbox, place, "a")
    claim = take(outbox, place)
    assert claim is not None
    outbox.execute(SQL["age_events"], {"ids": ids, "age": 9 * WEEK})
    outbox.execute(SQL["age_claims"], {"numbers": [claim.number], "age": 9 * WEEK})
    indexed(outbox, place, "b", age=timedelta(0))
    assert prune(outbox, WEEK) == (0, 0)


def test_how_far_the_ledger_was_pruned_is_remembered(outbox: Connection, place: Place) -> None:
    assert retention.pruned_to(outbox) is None
    indexed(outbox, place, "a", age=3 * WEEK)
    indexed(outbox, place, "a", age=2 * WEEK)
    indexed(outbox, place, "a", age=timedelta(0))
    prune(outbox, WEEK)
    pruned = retention.pruned_to(outbox)
    assert pruned is not None
    assert abs(datetime.now(UTC) - pruned - 2 * WEEK) < HOUR


def test_tombstones_go_up_to_where_no_claim_may_still_write(outbox: Connection, place: Place) -> None:
    assert retention.purgeable(outbox, place.target, keep=DAY) is None
    first = indexed(outbox, place, "a", age=3 * DAY)
    assert retention.purgeable(outbox, place.target, keep=DAY) == first
    late = indexed(outbox, place, "b", age=HOUR)  # drawn before the next one, and ended long after it
    newer = indexed(outbox, place, "c", age=2 * DAY)
    assert retention.purgeable(outbox, place.target, keep=DAY) == first
    outbox.execute(SQL["age_claims"], {"numbers": [late], "age": DAY})
    assert retention.purgeable(outbox, place.target, keep=DAY) == newer
    add(outbox, place, "d")
    assert take(outbox, place) is not None
    assert retention.purgeable(outbox, place.target, keep=DAY) == newer
    outbox.execute("UPDATE outbox.claim SET ended_at = NULL, outcome = NULL WHERE number = %s", [late])
    assert retention.purgeable(outbox, place.target, keep=DAY) == first


def test_it_waits_for_no_lock_and_nobody_waits_for_it(outbox: Connection, place: Place, database_url: str) -> None:
    indexed(outbox, place, "a", "b", age=WEEK)
    waiting = add(outbox, place, "c")
    outbox.execute("SET statement_timeout = '5s'")
    with psycopg.connect(database_url) as other:
        held = other.execute("SELECT id FROM outbox.event WHERE key = 'a' FOR UPDATE").fetchone()
        assert prune(outbox, DAY)[0] == 1
        assert held is not None
        assert listed(outbox, "event_ids") == [held[0], *waiting]
    with outbox.transaction():
        retention.prune_events(outbox, after=0, most=100, keep=DAY)
        with psycopg.connect(database_url) as other:
            other.execute("SET lock_timeout = '1s'")
            other.execute("UPDATE outbox.event SET done_at = now() WHERE id = ANY (%s)", [waiting])
            other.execute("INSERT INTO outbox.event (index, key, op) VALUES (1, 'd', 'I')")


def test_the_role_of_the_relay_may_prune(outbox: Connection, place: Place, database_url: str) -> None:
    role = f"relay_{secrets.token_hex(4)}"
    outbox.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    outbox.execute(migrate.grants(role).encode())
    try:
        for age in (2 * WEEK, 2 * WEEK, timedelta(0)):
            indexed(outbox, place, "a", age=age)
        with connect(database_url.replace("postgres@", f"{role}@"), application="test", autocommit=True) as plain:
            assert prune(plain, WEEK) == (2, 2)
    finally:
        outbox.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        outbox.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_the_story_of_a_dead_event_survives(outbox: Connection, place: Place) -> None:
    indexed(outbox, place, "bad", age=9 * WEEK, bad=("bad",))
    indexed(outbox, place, "a", age=timedelta(0))
    prune(outbox, WEEK)
    (event,) = dead.unresolved(outbox, dead.Chosen())
    story = dead.story(outbox, event.id)
    assert story is not None and (story["worker"], story["outcome"]) == ("w@test", "done")


STEPS = 50
RETAINED = 10  # of those steps


@pytest.mark.parametrize("total", [50_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_the_outbox_on_disk_is_that_of_the_retained_within_twice(
    outbox: Connection, place: Place, database_url: str, total: int
) -> None:
    _stays_small(outbox, database_url, total, partial(_flow, outbox, place))


@pytest.mark.long
def test_after_a_million_events_through_the_pipeline_it_is_too(
    desk: Desk, pipeline: Pipeline, database_url: str
) -> None:
    insert_items(desk.connection, range(50))
    pipeline.start(live=2, bulk=0)
    _stays_small(desk.connection, database_url, 1_000_000, partial(_piped, desk))
    assert pipeline.stop("relay-0") == 0


def _stays_small(connection: Connection, url: str, total: int, flow: Callable[[int], None]) -> None:
    """`flow` lets so many events pass, step by step, while those before the last ten steps are pruned."""
    each, ends, gone = total // STEPS, [_clock(connection)], 0
    with ThreadPoolExecutor(1) as beside:
        for step in range(STEPS):
            pruned = beside.submit(_forget, url, ends[max(0, step - RETAINED)])
            flow(each)
            gone += pruned.result()
            ends.append(_clock(connection))
            # As autovacuum does it after 5,000 dead rows, but not at its leisure: with the tables' own settings.
            connection.execute("VACUUM outbox.event, outbox.claim")
    connection.execute(SQL["fresh_copies"].encode())
    now, fresh = connection.execute(SQL["sizes"]).fetchone() or (0, 0)
    left = total - gone
    print(f"{total} events, {left} retained: {now / 2**20:.1f} MB, {fresh / 2**20:.1f} MB fresh, {now / fresh:.2f}")
    # What is pruned is older than an age, and ages while it is pruned: a part of the step that comes next goes too.
    assert RETAINED * each <= left <= (RETAINED + 1) * each
    assert now < 2 * fresh


def _piped(desk: Desk, count: int) -> None:
    """So many events, through relay, broker and workers."""
    desk.connection.execute(SQL["flow"], {"index": desk.place.index, "keys": 50, "count": count})
    claims.wake(desk.connection)
    until(lambda: events.unfinished(desk.connection, events.highest(desk.connection)) == 0, "all is done", 120)


def _flow(connection: Connection, place: Place, count: int) -> None:
    """So many events, claimed and done by the statements that relay and worker use."""
    connection.execute(SQL["flow"], {"index": place.index, "keys": 500, "count": count})
    while (claim := take(connection, place)) is not None:
        claimed = claims.begin(connection, claim.number, worker="w@test")
        assert claimed is not None and claims.finish(connection, claimed, bad={}, back=[])


def _forget(url: str, before: datetime) -> int:
    """Prune what was done before a time; how many events went."""
    with connect(url, application="test pruner", autocommit=True) as connection:
        keep = _clock(connection) - before
        return sum(one.events for one in pruning.ledger(connection, keep, claims=keep))


def _clock(connection: Connection) -> datetime:
    """The server's time."""
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
