"""Events: fan-outs, replays, what waits; and that every named query is one for the schema that we migrate to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from outbox.connection import Connection, connect
from outbox.sql import queries
from outbox.store import claims, dead, events
from outbox.store.claims import Lane
from outbox.store.events import FanOut
from tests.integration.hand_made import MINUTE, Place, add, begun, make_index, states

ROOT = Path(__file__).resolve().parents[2]
LISTED = "SELECT n::text AS key, n AS place FROM generate_series(9, 11) AS n ORDER BY place LIMIT %(most)s"
"""Three keys, which are no texts in order."""
# Not one statement that can be planned: LISTEN, GRANTs, and what is completed with identifiers.
NOT_PLANNED = {
    "listen",
    "grants",
    "grants_apply",
    "pinned",
    "set",
    "count_view",
    "fetch",
    "close",
    "spell",
    "choosing",
    "patient",
    "matching",
    "shown",  # composed with the view
    "add_listed",  # composed with a statement
}


def _named() -> list[tuple[str, str]]:
    files = [path for folder in ("outbox", "outbox/store", "relay") for path in sorted((ROOT / folder).glob("*.sql"))]
    found = [(path, name, text) for path in files for name, text in _queries(path).items() if name not in NOT_PLANNED]
    return [(f"{path.stem}.{name}", text) for path, name, text in found]


def _queries(path: Path) -> dict[str, str]:
    return dict(queries(".".join(path.parent.relative_to(ROOT).parts), path.name))


@pytest.fixture
def outbox(database_url: str) -> Iterator[Connection]:
    """Our own kind of connection, to one version of Postgres: only the plans below may depend on it."""
    with connect(database_url, application="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def fan_out(connection: Connection, *, way: int | None = None, op: str = "U", delay: timedelta = timedelta(0)) -> int:
    """An event without a key."""
    row = connection.execute(
        "INSERT INTO outbox.event (index, way, route, op, available_at)"
        " VALUES (1, %s, '[[\"7\"]]', %s, clock_timestamp() + %s) RETURNING id",
        [way, op, delay],
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_chunk_of_keys_is_added_without_reading_all_events(outbox: Connection, place: Place) -> None:
    cause = fan_out(outbox, op="R")
    outbox.execute(
        "INSERT INTO outbox.event (index, key, op) SELECT 1, n::text, 'U' FROM generate_series(1, 60000) AS n"
    )
    outbox.execute("ANALYZE outbox.event")
    keys = [str(number) for number in range(1000)]
    statements = queries("outbox.store", "events.sql")
    for query, parameters in (
        (statements["add_keys"], {"ids": [cause] * len(keys), "keys": keys}),
        (statements["add_listed"].replace("{keys}", LISTED), {"cause": cause, "most": 3}),
    ):
        explained = outbox.execute(b"EXPLAIN " + query.encode(), {**parameters, "lane": "replay"})
        plan = "\n".join(row[0] for row in explained)
        assert "Index Scan using event_pkey" in plan and "Seq Scan" not in plan


def test_every_query_can_be_planned(outbox_url: str) -> None:
    refused = {}
    with connect(outbox_url, application="test", autocommit=True) as connection:
        for name, text in _named():
            query = re.sub(r"%\(\w+\)s", "NULL", text).replace("%%", "%")
            try:
                connection.execute(b"EXPLAIN " + query.encode())
            except psycopg.Error as error:
                refused[name] = str(error)
    assert refused == {}


def test_fan_outs_that_may_be_expanded(outbox: Connection, place: Place) -> None:
    first, second = fan_out(outbox, way=3), fan_out(outbox, op="T")
    fan_out(outbox, delay=MINUTE)
    add(outbox, place, "a")
    assert events.fanouts(outbox, place.index, most=10) == [
        FanOut(first, 3, [["7"]], "U", Lane.LIVE, None),
        FanOut(second, None, [["7"]], "T", Lane.LIVE, None),
    ]


def test_two_relays_do_not_expand_one_fan_out(outbox: Connection, place: Place, database_url: str) -> None:
    first, second = fan_out(outbox), fan_out(outbox)
    with connect(database_url, application="other") as other:
        assert [each.id for each in events.fanouts(other, place.index, most=1)] == [first]
        assert [each.id for each in events.fanouts(outbox, place.index, most=10)] == [second]


def test_a_fan_out_becomes_keys_as_old_as_itself(outbox: Connection, place: Place) -> None:
    cause = fan_out(outbox)
    events.add_keys(outbox, [(cause, "a"), (cause, "b")], Lane.FANOUT)
    events.expanded(outbox, [cause])
    assert events.fanouts(outbox, place.index, most=10) == []
    rows = outbox.execute(
        "SELECT k.key, k.lane::text, k.op::text, k.created_at = f.created_at FROM outbox.event AS k"
        " JOIN outbox.event AS f ON f.id = k.cause ORDER BY k.key"
    ).fetchall()
    assert rows == [("a", "fanout", "U", True), ("b", "fanout", "U", True)]
    assert events.progress_of(outbox, cause) == (True, 2, 0, 0)


def test_the_keys_that_a_statement_lists_are_added_where_they_are(outbox: Connection, place: Place) -> None:
    cause = fan_out(outbox, op="T")
    found = [events.add_listed(outbox, cause, LISTED, {"most": most}, Lane.FANOUT) for most in (2, 3, 4)]
    assert found == [(2, "10"), (3, "11"), (3, None)]
    rows = outbox.execute(
        "SELECT k.key, count(*), bool_and(k.created_at = f.created_at AND k.op = 'T' AND k.index = f.index"
        " AND k.target = 0 AND k.lane = 'fanout') FROM outbox.event AS k JOIN outbox.event AS f ON f.id = k.cause"
        " GROUP BY k.key ORDER BY k.key"
    ).fetchall()
    assert rows == [("10", 3, True), ("11", 2, True), ("9", 3, True)]


def test_an_enumeration_goes_on_where_it_stopped(outbox: Connection, place: Place) -> None:
    event = events.replay_all(outbox, place.index)
    events.save_progress(outbox, event, {"phase": "view", "after": "7"}, Lane.REPLAY)
    (found,) = events.fanouts(outbox, place.index, most=10)
    assert (found.id, found.op, found.progress) == (event, "R", {"phase": "view", "after": "7"})


def test_an_event_can_be_set_aside(outbox: Connection, place: Place) -> None:
    later, never = fan_out(outbox), fan_out(outbox)
    events.postpone(outbox, later, MINUTE, "Solr is away")
    events.bury(outbox, never, "no such number")
    assert events.fanouts(outbox, place.index, most=10) == []
    (found,) = dead.unresolved(outbox, dead.Chosen())
    assert (found.id, found.index, found.key, found.error) == (never, "items", None, "no such number")
    assert dead.unresolved(outbox, dead.Chosen(index="others")) == []


def test_the_backlog_is_counted_no_further_than_asked(outbox: Connection, place: Place) -> None:
    add(outbox, place, *"abcde", lane=Lane.REPLAY)
    add(outbox, place, "f", lane=Lane.FANOUT)
    counted = [events.bulk_backlog(outbox, place.index, Lane.REPLAY, most=most) for most in (3, 100)]
    assert counted == [3, 5]


def test_keys_that_were_ever_named_come_in_byte_order_chunk_by_chunk(outbox: Connection, place: Place) -> None:
    add(outbox, place, "b", "a", "B", "ä", "a", "Z")
    claims.finish(outbox, begun(outbox, place), bad={}, back=[])
    found: list[str] = []
    while chunk := events.known_keys(outbox, place.index, after=found[-1] if found else None, most=2):
        found += chunk
    assert found == ["B", "Z", "a", "b", "ä"]


def test_what_a_wait_waits_for(outbox: Connection, place: Place) -> None:
    cause = fan_out(outbox)
    up_to = events.highest(outbox)
    assert events.unfinished(outbox, up_to) == 1
    events.add_keys(outbox, [(cause, "good"), (cause, "bad")], Lane.LIVE)
    events.expanded(outbox, [cause])
    add(outbox, place, "later")
    assert events.unfinished(outbox, up_to) == 2
    assert claims.finish(outbox, begun(outbox, place), bad={"bad": "no"}, back=["later"])
    assert (events.unfinished(outbox, up_to), events.dead_among(outbox, up_to)) == (0, 1)
    assert events.progress_of(outbox, cause) == (True, 2, 1, 1)


def test_replayed_keys_go_to_the_replay_lane(outbox: Connection, place: Place) -> None:
    assert len(events.replay_keys(outbox, place.index, ["1", "2"])) == 2
    rows = outbox.execute("SELECT DISTINCT lane::text, op::text FROM outbox.event").fetchall()
    assert rows == [("replay", "R")]
    assert states(outbox) == {"1": ["waits"], "2": ["waits"]}
