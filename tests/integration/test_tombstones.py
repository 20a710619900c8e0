"""Tombstones that are purged, and all that stays; what relay and command prune by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from outbox import retention
from outbox.errors import CollectionRefused, SolrUnavailable
from outbox.index import Target
from outbox.solr import collections, tombstones
from outbox.solr.client import Address, Solr
from outbox.sql import queries
from outbox.store import indexes, targets
from tests.integration.desk import COLLECTION, Desk
from tests.integration.hand_made import DEFINITION, insert_items
from tests.pipeline import Pipeline, until

SQL = queries("tests.integration", "retention.sql")
WEEK = timedelta(days=7)


def aged(desk: Desk, *keys: str, age: timedelta) -> int:
    """One claim of these keys, indexed so long ago."""
    number = desk.indexed(*keys)
    (row,) = desk.connection.execute("SELECT events FROM outbox.claim WHERE number = %s", [number]).fetchall()
    desk.connection.execute(SQL["age_events"], {"ids": row[0], "age": age})
    desk.connection.execute(SQL["age_claims"], {"numbers": [number], "age": age})
    return number


def purge(desk: Desk, target: Target = DEFINITION.target, solr: Solr | None = None) -> int:
    """What the relay does once an hour."""
    (survey,) = targets.survey(desk.connection)
    desk.solr.commit(COLLECTION)
    definition = replace(DEFINITION, target=target)
    purged = retention.purge(desk.connection, solr or desk.solr, survey, definition, WEEK)
    desk.solr.commit(COLLECTION)
    return purged


def left(desk: Desk) -> set[str]:
    """Every document, tombstones too."""
    answer = desk.solr.select(COLLECTION, {"q": "*:*", "fl": "id", "rows": 100}, handler="/audit")
    return {document["id"] for document in answer["response"]["docs"]}


def put(desk: Desk, *documents: dict[str, object]) -> None:
    """Somebody else's."""
    verdict = desk.solr.update(COLLECTION, orjson.dumps(documents), commit_within_ms=100)
    assert not verdict.words


def test_old_tombstones_go_and_nothing_else(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    collections.write_stamp(desk.solr, COLLECTION, indexes.owner(desk.connection, "items"))
    put(desk, {"id": "foreign", "deleted": True}, {"id": "theirs", "title": "no version"})
    aged(desk, "1", "8", age=WEEK + timedelta(hours=1))
    aged(desk, "9", age=WEEK - timedelta(hours=1))
    assert purge(desk) == 1
    assert left(desk) == {"1", "9", "foreign", "theirs", collections.STAMP_ID}
    assert purge(desk) == 0


def test_a_tombstone_outside_the_scope_stays(desk: Desk) -> None:
    aged(desk, "8", "9", age=WEEK + timedelta(hours=1))
    assert purge(desk, replace(DEFINITION.target, scope='id:"9" OR id:"none"')) == 1
    assert left(desk) == {"8"}
    assert purge(desk, replace(DEFINITION.target, scope="{!term f=id}8")) == 1


def test_the_scope_stands_in_the_query_as_a_whole() -> None:
    own = replace(DEFINITION.target, scope="a:1 OR b:2")
    assert tombstones.old(own, 7) == '+deleted:true +src_version:[1 TO 7] +_query_:"a:1 OR b:2"'


def test_where_deletes_are_plain_nothing_is_purged(desk: Desk) -> None:
    aged(desk, "8", age=WEEK + timedelta(hours=1))
    assert purge(desk, replace(DEFINITION.target, deletes="plain")) == 0
    assert left(desk) == {"8"}


def test_in_a_collection_that_another_database_stamped_nothing_is_purged(desk: Desk) -> None:
    aged(desk, "8", age=WEEK + timedelta(hours=1))
    collections.write_stamp(desk.solr, COLLECTION, "postgres 1/2/items")
    with pytest.raises(CollectionRefused, match="is that of postgres 1/2/items"):
        purge(desk)
    assert left(desk) == {"8", collections.STAMP_ID}


def test_a_solr_that_is_away_only_postpones_it(desk: Desk) -> None:
    aged(desk, "8", age=WEEK + timedelta(hours=1))
    with pytest.raises(SolrUnavailable):
        purge(desk, solr=Solr(Address("http://127.0.0.1:1/solr")))
    assert purge(desk) == 1


def test_the_relay_prunes_by_itself_and_the_command_now(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1])
    aged(desk, "1", "8", age=WEEK + timedelta(hours=1))
    aged(desk, "1", age=WEEK + timedelta(hours=1))
    desk.solr.commit(COLLECTION)
    pipeline.start(live=0, bulk=0)
    until(lambda: left(desk) == {"1"}, "the tombstone is purged")
    assert desk.connection.execute("SELECT count(*) FROM outbox.event").fetchone() == (0,)
    assert desk.connection.execute("SELECT count(*) FROM outbox.claim").fetchone() == (1,)
    aged(desk, "1", "8", age=WEEK + timedelta(hours=1))
    desk.solr.commit(COLLECTION)
    assert pipeline.run("prune").stdout == "pruned: 2 events, 1 claims, 1 tombstones\n"
    pipeline.environment["OUTBOX_SOLR_URL"] = "http://127.0.0.1:1/solr"
    said = pipeline.run("prune")
    assert said.stdout == "pruned: 0 events, 0 claims, 0 tombstones\n"
    assert "items: its tombstones stay until the next time" in said.stderr
    assert pipeline.stop("relay-0") == 0
