"""`detach`: the triggers go, the definition stays; whatever state the index and its tables are in."""

from __future__ import annotations

import threading

import psycopg
import pytest

from outbox import detach as detaching
from outbox.capture.install import install, installed
from outbox.connection import Connection, connect
from outbox.errors import IndexRefused, NotApplied
from outbox.sql import queries
from outbox.store import claims, events, indexes, targets
from outbox.store.claims import Outcome
from tests.integration.applied import Index, make
from tests.integration.captured import definition_of
from tests.integration.desk import settings
from tests.integration.hand_made import Place, add, begun, take
from tests.pipeline import until

SQL = queries("tests.integration", "watch.sql")


@pytest.fixture
def index(outbox: Connection, outbox_url: str) -> Index:
    """Applied; on each server in turn."""
    outbox.execute(SQL["world"], prepare=False)
    return make(outbox, outbox_url)


def detach(index: Index) -> bool:
    """As the command does it."""
    return detaching.detach(settings(index.url, "http://127.0.0.1:1/solr"), "d", lambda _: None)


def state(index: Index) -> str:
    """What `status` shows."""
    (row,) = indexes.status(index.connection)
    return str(row["state"])


def left(connection: Connection) -> int:
    """How many triggers and functions of ours the database has."""
    row = connection.execute(SQL["left"]).fetchone()
    assert row is not None
    return int(row[0])


def test_the_application_may_alter_what_view_and_triggers_used(index: Index) -> None:
    with pytest.raises(psycopg.Error):
        index.connection.execute("ALTER TABLE s.tag ALTER COLUMN name TYPE varchar(99)")
    assert detach(index)
    assert (state(index), left(index.connection)) == ("detached", 0)
    for statement in (
        "DROP VIEW s.d, s.named",
        "ALTER TABLE s.tag ALTER COLUMN name TYPE varchar(99)",
        "ALTER TABLE s.item DROP COLUMN title",
        "UPDATE s.item SET mood = 'rough'",
        "DROP TABLE s.note",
    ):
        index.connection.execute(statement.encode())
    assert index.connection.execute(SQL["events"]).fetchall() == []
    assert not detach(index)


def test_apply_puts_all_back(index: Index) -> None:
    detach(index)
    index.apply()
    assert (state(index), installed(index.connection, index.number, index.definition)) == ("running", [])
    index.connection.execute("UPDATE s.item SET title = 'other'")
    assert index.connection.execute(SQL["events"]).fetchall() == [("U", 5)]


def test_nothing_is_claimed_for_it_and_what_waits_stays(index: Index) -> None:
    (survey,) = targets.survey(index.connection)
    place = Place(index.number, survey.target)
    add(index.connection, place, "1")
    working = begun(index.connection, place)
    add(index.connection, place, "2")
    published = take(index.connection, place)
    add(index.connection, place, "3")
    assert published is not None
    detach(index)
    assert targets.survey(index.connection) == []
    assert take(index.connection, place) is None
    assert claims.begin(index.connection, published.number, worker="w") is None
    assert claims.finish(index.connection, working, bad={}, back=[])  # what was at work may end
    (row,) = indexes.status(index.connection)
    assert (row["pending_live"], row["in_flight"]) == (2, 0)
    assert events.unfinished(index.connection, events.highest(index.connection)) == 0  # nobody waits for it


def test_a_trigger_that_still_stands_harms_nobody_and_the_next_detach_takes_it_off(index: Index) -> None:
    indexes.detach(index.connection, index.number)  # and there the process died
    index.connection.execute("UPDATE s.item SET title = 'other'")
    assert index.connection.execute(SQL["events"]).fetchall() == [("U", 5)]
    assert targets.survey(index.connection) == []
    assert detach(index)
    assert left(index.connection) == 0
    assert not detach(index)


def test_an_index_that_was_applied_by_half(outbox: Connection, outbox_url: str) -> None:
    outbox.execute(SQL["world"], prepare=False)
    number = indexes.register(outbox, "d")
    install(outbox_url, number, definition_of(outbox), lambda _: None)
    index = Index(outbox, outbox_url, number)
    assert state(index) == "not applied"
    assert detach(index)
    assert (state(index), left(outbox)) == ("detached", 0)


@pytest.mark.parametrize("gone", ["DROP VIEW s.d", "DROP SCHEMA s CASCADE", "ALTER SCHEMA s RENAME TO other"])
def test_a_view_or_tables_that_are_gone(index: Index, gone: str) -> None:
    index.connection.execute(gone.encode())
    detach(index)
    assert (state(index), left(index.connection)) == ("detached", 0)


def test_a_name_that_was_never_applied_gets_one_sentence(index: Index) -> None:
    with pytest.raises(NotApplied, match=r"the index 'e' was never applied in this database \(known: d\)$"):
        detaching.detach(settings(index.url, "http://127.0.0.1:1/solr"), "e", lambda _: None)


def test_a_detached_index_is_not_replayed(index: Index) -> None:
    detach(index)
    with pytest.raises(NotApplied, match="the index 'd' is detached: run `outbox apply`"):
        indexes.demand(index.connection, "d")
    assert indexes.detached(index.connection) == ["d"]


def test_it_waits_for_an_apply_that_runs(index: Index, outbox_url: str) -> None:
    with connect(outbox_url, application="apply", autocommit=True) as applying:
        indexes.alone(applying)
        detaching_thread = threading.Thread(target=detach, args=[index])
        detaching_thread.start()
        until(lambda: index.connection.execute(SQL["waits_for_apply"]).fetchone(), "detach waits")
        assert state(index) == "running"
    detaching_thread.join()
    assert (state(index), left(index.connection)) == ("detached", 0)


def test_a_definition_of_another_version_gets_one_sentence_and_can_be_detached_and_applied(index: Index) -> None:
    highest = max(way.number for way in index.definition.ways)
    index.connection.execute(SQL["applied_by_another_version"], {"index": index.number})
    sentence = "the definition of the index d was written by another version of solr-outbox: run `outbox apply`"
    for read in (
        lambda: indexes.demand(index.connection, "d"),
        lambda: targets.definition(index.connection, index.number),
    ):
        with pytest.raises(IndexRefused) as caught:
            read()
        assert str(caught.value) == sentence
    found = indexes.find(index.connection, "d")
    assert found is not None and (found.definition, found.unreadable, found.highest_way) == (None, True, highest)
    assert detach(index)
    index.apply()
    assert index.definition.name == "d"


def test_claims_of_a_detached_index_say_why_they_ended(index: Index) -> None:
    (survey,) = targets.survey(index.connection)
    add(index.connection, Place(index.number, survey.target), "1")
    take(index.connection, Place(index.number, survey.target))
    detach(index)
    found = index.connection.execute("SELECT outcome, error FROM outbox.claim").fetchall()
    assert found == [(Outcome.GIVEN_BACK.value, "the index is detached")]
