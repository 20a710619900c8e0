"""Fan-outs become keys: small ones together, large ones in chunks, and one that fails alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from outbox.connection import Connection, connect
from outbox.index import Way
from outbox.solr.client import Address, Solr
from outbox.store import events
from outbox.store.claims import Lane
from outbox.store.events import bulk_backlog
from relay import enumerate as enumeration
from relay import expand as expansion
from relay.enumerate import Enumerator
from relay.expand import Backlog, expand
from tests.integration.desk import COLLECTION, Desk
from tests.integration.hand_made import DEFINITION, SQL, Place, add, insert_items, make_index

WAY = Way(
    number=3,
    table="shop.item",
    occurrence="i",
    carried=(),
    is_key=False,
    declared=False,
    expand=SQL["expand_below"],
    enumerate=SQL["enumerate_below"],
    description="items below a number",
)
INDEX = replace(DEFINITION, ways=(WAY,))
UNLISTED = """CREATE OR REPLACE VIEW shop.item_document AS
    SELECT id / (id - 3) AS id, NULL::text AS title, NULL::text AS code, 0 AS share FROM shop.item"""
NOBODY = Solr(Address("http://127.0.0.1:1/solr"))


@dataclass(frozen=True)
class Bench:
    """An index with nine items and one way, and what expands its fan-outs."""

    connection: Connection
    place: Place
    solr: Solr
    backlog: Backlog | None = None

    def fan_out(self, start: str | None, *, way: int | None = 3, op: str = "U") -> int:
        """A fan-out event of the way, with the value it starts from; its id."""
        route = None if start is None else Jsonb([[start]])
        parameters = {"index": self.place.index, "way": way, "route": route, "op": op}
        row = self.connection.execute(SQL["add_fan_out"], parameters).fetchone()
        assert row is not None
        return int(row[0])

    def expand(self) -> bool:
        """One step of the relay."""
        enumerator = Enumerator(self.place.index, INDEX, self.solr, COLLECTION)
        return expand(self.connection, INDEX, enumerator, self.backlog or Backlog(self.place.index))

    def expand_all(self) -> int:
        """As many steps as there is progress; how many."""
        steps = 0
        while self.expand():
            steps += 1
            assert steps < 100, "expansion does not end"
        return steps

    def of(self, event: int) -> tuple[Any, ...]:
        """Done, dead, postponed, lane and error of a fan-out event."""
        row = self.connection.execute(SQL["fan_out"], {"id": event}).fetchone()
        assert row is not None
        return row

    def keys(self, event: int) -> list[tuple[str, str]]:
        """The keys that it became, with their lanes."""
        return self.connection.execute(SQL["expanded_into"], {"id": event}).fetchall()


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    """Nine items; Solr cannot be reached."""
    with connect(database_url, application="test", autocommit=True) as connection:
        found = Bench(connection, make_index(connection), NOBODY)
        insert_items(connection, range(1, 10))
        yield found


def test_small_ones_become_live_events_together(bench: Bench) -> None:
    two, none, three = bench.fan_out("3"), bench.fan_out("0"), bench.fan_out("4")
    assert bench.expand_all() == 1
    assert bench.keys(two) == [("1", "live"), ("2", "live")]
    assert [len(bench.keys(event)) for event in (none, three)] == [0, 3]
    assert [bench.of(event)[0] for event in (two, none, three)] == [True] * 3


def test_one_whose_values_its_way_cannot_take_means_all_documents(bench: Bench) -> None:
    good = [bench.fan_out("2") for _ in range(5)]
    bad = bench.fan_out("two")
    good += [bench.fan_out("3") for _ in range(4)]
    bench.expand()
    assert [len(bench.keys(event)) for event in good] == [1] * 5 + [2] * 4
    assert bench.keys(bad) == []
    bench.expand()
    assert bench.keys(bad) == [(str(number), "fanout") for number in range(1, 10)]


def test_one_whose_documents_cannot_be_listed_either_is_dead_alone(bench: Bench) -> None:
    bench.connection.execute(UNLISTED)
    bad, good = bench.fan_out("two"), bench.fan_out("2")
    bench.expand_all()
    assert bench.of(good)[0]
    done, dead, _, _, error = bench.of(bad)
    assert (done, dead) == (False, True) and error == "division by zero"


def test_one_that_takes_too_long_is_set_aside_and_holds_up_nothing(bench: Bench) -> None:
    bench.connection.execute("SET statement_timeout = '200ms'")
    before, slow, after = bench.fan_out("2"), bench.fan_out("slow"), bench.fan_out("3")
    bench.expand_all()
    assert (bench.of(before)[0], bench.of(after)[0]) == (True, True)
    done, dead, postponed, _, error = bench.of(slow)
    assert (done, dead, postponed) == (False, False, True) and "statement timeout" in error


def test_a_lost_connection_is_no_fan_outs_fault(bench: Bench, database_url: str) -> None:
    event = bench.fan_out("3")
    bench.connection.execute("SET idle_session_timeout = 0")
    with connect(database_url, application="other", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [bench.connection.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            bench.expand()
        row = other.execute(SQL["fan_out"], {"id": event}).fetchone()
        assert row is not None and row[:3] == (False, False, False)


def test_a_large_one_is_enumerated_chunk_by_chunk_in_its_own_lane(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "LIVE_MOST", 3)
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    small, large = bench.fan_out("4"), bench.fan_out("8")
    assert bench.expand_all() > 3
    assert [key for key, _ in bench.keys(large)] == list("1234567")
    assert {lane for _, lane in bench.keys(large)} == {"fanout"}
    assert {lane for _, lane in bench.keys(small)} == {"live"}
    assert bench.of(large)[:2] == (True, False)


def test_enumerating_stays_near_the_workers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "LIVE_MOST", 3)
    monkeypatch.setattr(expansion, "BACKLOG_MOST", 4)
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    large = bench.fan_out("8")
    bench.expand_all()
    assert len(bench.keys(large)) == 4
    bench.connection.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE key IS NOT NULL")
    bench.expand_all()
    assert len(bench.keys(large)) == 7


def test_what_waits_is_counted_once_for_as_many_keys_as_there_was_room_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "LIVE_MOST", 1)
    monkeypatch.setattr(expansion, "BACKLOG_MOST", 4)
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    counted: list[int] = []

    def watched(connection: Connection, index: int, lane: Lane, *, most: int) -> int:
        counted.append(bulk_backlog(connection, index, lane, most=most))
        return counted[-1]

    monkeypatch.setattr(events, "bulk_backlog", watched)
    bench = replace(bench, backlog=Backlog(bench.place.index))
    large = bench.fan_out("8")
    bench.expand_all()
    assert (len(bench.keys(large)), counted) == (4, [0])
    bench.expand_all()
    assert (len(bench.keys(large)), counted) == (4, [0, 4])
    bench.connection.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE key IN ('1', '2')")
    bench.expand_all()
    assert (len(bench.keys(large)), counted) == (6, [0, 4, 2])
    bench.connection.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE key IS NOT NULL")
    bench.expand_all()
    assert (len(bench.keys(large)), counted) == (7, [0, 4, 2, 0])
    other = bench.fan_out("3")
    bench.expand_all()
    assert (len(bench.keys(other)), counted) == (2, [0, 4, 2, 0, 1])  # not by what was counted for the one before


def test_all_documents_wait_for_a_solr_that_is_away(bench: Bench) -> None:
    event = bench.fan_out(None, way=None, op="R")
    bench.expand_all()
    assert len(bench.keys(event)) == 9
    done, dead, postponed, lane, error = bench.of(event)
    assert (done, dead, postponed, lane) == (False, False, True, "replay") and "Connection refused" in error


def test_a_way_that_the_index_no_longer_has_means_all_documents(desk: Desk) -> None:
    bench = Bench(desk.connection, desk.place, desk.solr)
    insert_items(desk.connection, range(1, 4))
    event = bench.fan_out("2", way=77)
    bench.expand_all()
    assert bench.of(event)[0]
    assert bench.keys(event) == [("1", "fanout"), ("2", "fanout"), ("3", "fanout")]


def test_a_truncate_reaches_what_only_solr_or_only_an_event_knows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    bench = Bench(desk.connection, desk.place, desk.solr)
    insert_items(desk.connection, range(1, 6))
    desk.indexed("1", "2", "3")
    desk.connection.execute("TRUNCATE shop.item")
    desk.connection.execute("DELETE FROM outbox.event")  # as after the retention
    add(desk.connection, desk.place, "9")
    event = bench.fan_out(None, way=None, op="T")
    bench.expand_all()
    assert {key for key, _ in bench.keys(event)} == {"1", "2", "3", "9"}
    assert bench.of(event)[0]


def test_a_replay_indexes_no_document_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    bench = Bench(desk.connection, desk.place, desk.solr)
    insert_items(desk.connection, range(1, 5))
    desk.indexed("1", "2", "4", "7", "8")  # 7 and 8 were deleted, and have tombstones
    ours, theirs = (
        b'[{"id": "9", "src_version": 1}, {"id": "6", "src_version": 1}]',
        b'[{"id": "5", "title": "foreign"}]',
    )
    for documents in (ours, theirs):
        assert not desk.solr.update(COLLECTION, documents, commit_within_ms=1).words
    event = bench.fan_out(None, way=None, op="R")
    bench.expand()
    desk.indexed("1", "2")  # meanwhile
    bench.expand_all()
    keys = sorted(key for key, _ in bench.keys(event))
    assert keys == ["1", "2", "3", "4", "6", "9"]  # 4, which waits still, too; 5 is not ours
    found = events.enumerated(desk.connection, event)
    assert found is not None and (found.over, found.keys) == (True, len(keys))
