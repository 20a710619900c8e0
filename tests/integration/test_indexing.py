"""One claim from begin to finish, with a real Postgres and a real Solr; view and read statement are hand-made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from outbox.connection import Connection, connect
from outbox.solr import collections
from outbox.solr.answer import Meaning
from outbox.solr.listing import list_ids
from outbox.store import claims, indexes, targets
from outbox.store.claims import Outcome
from tests.integration.desk import COLLECTION, OWN, Desk
from tests.integration.hand_made import DEFINITION, SQL, add, begun, insert_items, states


def test_a_row_arrives_with_version_and_hash(desk: Desk) -> None:
    insert_items(desk.connection, [1], title="Räume")
    number = desk.indexed("1")
    document = desk.document("1")
    assert document and (document["title"], document["code"], document["share"]) == ("Räume", 7, 100)
    assert document["src_version"] == number
    assert document["src_hash"] and len(document["src_hash"]) == 32
    assert (states(desk.connection), desk.outcome(number)) == ({"1": ["done"]}, "done")


def test_it_is_found_after_its_soft_commit_and_by_the_default_field(desk: Desk) -> None:
    insert_items(desk.connection, [1], title="Räume")
    desk.indexed("1")
    desk.solr.commit(COLLECTION)
    assert desk.solr.select(COLLECTION, {"q": "räume"})["response"]["numFound"] == 1


def test_a_row_that_is_gone_becomes_a_hidden_tombstone(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.indexed("1", "2")
    desk.connection.execute("DELETE FROM shop.item WHERE id = 1")
    number = desk.indexed("1")
    assert desk.document("1") == {
        "id": "1",
        "deleted": True,
        "src_version": number,
        "_version_": pytest.approx(0, abs=1e30),
    }
    desk.solr.commit(COLLECTION)
    shown = desk.solr.select(COLLECTION, {"q": "*:*"})["response"]["docs"]
    assert [document["id"] for document in shown] == ["2"]
    assert desk.solr.select(COLLECTION, {"q": "*:*"}, handler="/audit")["response"]["numFound"] == 2
    assert list_ids(desk.solr, COLLECTION, OWN, scope="", mark=None, rows=10) == (["2"], None)


def test_a_key_that_never_was_becomes_a_tombstone(desk: Desk) -> None:
    desk.indexed("404")
    document = desk.document("404")
    assert document and document["deleted"] is True


def test_a_lower_version_never_overwrites(desk: Desk) -> None:
    insert_items(desk.connection, [1], title="new")
    number = desk.indexed("1")
    stale = {"id": "1", "title": "old", "src_version": number - 1}
    verdict = desk.solr.update(COLLECTION, orjson.dumps([stale]), commit_within_ms=1000)
    document = desk.document("1")
    assert verdict.meaning is Meaning.DONE
    assert document and (document["title"], document["src_version"]) == ("new", number)


def test_an_older_document_does_not_come_back_over_a_tombstone(desk: Desk) -> None:
    number = desk.indexed("1")
    late = {"id": "1", "title": "zombie", "src_version": number - 1}
    desk.solr.update(COLLECTION, orjson.dumps([late]), commit_within_ms=1000)
    document = desk.document("1")
    assert document and document["deleted"] is True and "title" not in document


def test_a_success_closes_the_breaker_before_the_relay_is_woken(desk: Desk, database_url: str) -> None:
    insert_items(desk.connection, [1])
    targets.trip(desk.connection, desk.place.target, "was away", number=0)
    with connect(database_url, application="relay", autocommit=True) as relay:
        relay.execute("LISTEN outbox")
        number = desk.change("1")
        desk.indexer.index(number, worker="w@test")
        assert list(relay.notifies(timeout=5, stop_after=1))
        (survey,) = targets.survey(relay)
    assert (survey.failing, survey.batch) == (False, 8)


def test_of_a_claim_that_has_ended_nothing_is_written(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    number = desk.change("1")
    claims.end(desk.connection, number, Outcome.GIVEN_BACK)
    desk.indexer.index(number, worker="w@test")
    assert desk.document("1") is None
    assert states(desk.connection) == {"1": ["waits"]}


def test_a_claim_that_ends_between_begin_and_read_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, [1])
    number = desk.change("1")
    definition_of = targets.definition

    def revoked_meanwhile(connection: Connection, index: int) -> Any:
        claims.end(desk.connection, number, Outcome.LOST)
        return definition_of(connection, index)

    monkeypatch.setattr(targets, "definition", revoked_meanwhile)
    desk.indexer.index(number, worker="w@test")
    assert desk.document("1") is None
    assert states(desk.connection) == {"1": ["waits"]}


def test_a_message_that_is_delivered_again_revokes_what_was_begun(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    add(desk.connection, desk.place, "1")
    claim = begun(desk.connection, desk.place)
    desk.indexer.index(claim.number, worker="w@test")
    assert desk.outcome(claim.number) is None  # a duplicate, for all one knows: the first worker may live
    desk.indexer.index(claim.number, worker="w@test", redelivered=True)
    assert (desk.outcome(claim.number), desk.document("1")) == ("redelivered", None)
    (survey,) = targets.survey(desk.connection)
    assert (survey.live, survey.suspects) == (False, True)


def test_a_connection_that_was_closed_while_it_was_idle_is_replaced(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.indexed("1")
    idle = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE application_name = 'outbox worker' AND datname = current_database()"""
    assert desk.connection.execute(idle).fetchall() == [(True,)]
    assert desk.outcome(desk.indexed("2")) == "done"


def test_a_claim_whose_begin_was_not_answered_is_ended_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, begun_by = claims.begin, list[int]()

    def cut(connection: Connection, number: int, *, worker: str) -> Any:
        found = begin(connection, number, worker=worker)
        if not begun_by:
            begun_by.append(connection.info.backend_pid)
            desk.connection.execute("SELECT pg_terminate_backend(%s, 5000)", begun_by)
            connection.execute("SELECT 1")
        return found

    monkeypatch.setattr(claims, "begin", cut)
    insert_items(desk.connection, [1])
    number = desk.indexed("1")
    assert (desk.outcome(number), desk.document("1")) == ("lost", None)


def test_plain_deletes_for_a_collection_without_tombstones(desk: Desk) -> None:
    target = replace(DEFINITION.target, deletes="plain")
    indexes.save(desk.connection, desk.place.index, replace(DEFINITION, target=target))
    insert_items(desk.connection, [1, 2])
    desk.indexed("1", "2")
    desk.connection.execute("DELETE FROM shop.item WHERE id = 1")
    desk.indexed("1", "2")
    assert (desk.document("1"), states(desk.connection)["1"]) == (None, ["done", "done"])


def test_a_new_definition_is_used_from_the_next_claim_on(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    desk.indexed("1")
    indexes.save(
        desk.connection, desk.place.index, replace(DEFINITION, read=SQL["read"].replace("v.title", "upper(v.title)"))
    )
    desk.indexed("1")
    document = desk.document("1")
    assert document and document["title"] == "ONE"


def test_the_stamp_says_whose_a_collection_is(desk: Desk) -> None:
    assert collections.is_blank(desk.solr, COLLECTION)
    collections.write_stamp(desk.solr, COLLECTION, "postgres 1/2/items")
    assert collections.read_stamp(desk.solr, COLLECTION) == "postgres 1/2/items"
    assert not collections.is_blank(desk.solr, COLLECTION)
    collections.demand_stamp(desk.solr, COLLECTION, "postgres 1/2/items")
    desk.solr.commit(COLLECTION)
    assert desk.solr.select(COLLECTION, {"q": "*:*"})["response"]["numFound"] == 0
    assert list_ids(desk.solr, COLLECTION, OWN, scope="", mark=None, rows=10) == ([], None)


def test_ids_are_listed_page_by_page(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 8))
    desk.indexed(*(str(number) for number in range(1, 8)))
    desk.solr.commit(COLLECTION)
    found: list[str] = []
    mark: str | None = None
    while True:
        ids, mark = list_ids(desk.solr, COLLECTION, OWN, scope="title:one", mark=mark, rows=3)
        found += ids
        if mark is None:
            break
    assert found == list("1234567")
