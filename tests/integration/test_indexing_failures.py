"""What fails while a claim is indexed, and whose fault it is: the document's, the index's, or a service's."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from outbox.connection import Connection
from outbox.errors import DocumentRejected, IndexRefused, PostgresUnavailable, SolrUnavailable
from outbox.solr.answer import Meaning, Verdict
from outbox.solr.client import Solr
from outbox.store import claims, indexes, targets
from outbox.store.claims import Outcome
from outbox.worker import reading
from outbox.worker.app import make_indexer
from tests.integration.desk import COLLECTION, Desk, given_back, settings
from tests.integration.hand_made import DEFINITION, SQL, add, insert_items, states, take

TWICE = """CREATE OR REPLACE VIEW shop.item_document AS SELECT i.id, title, code, 100 / divisor AS share
    FROM shop.item AS i JOIN (VALUES (1), (1), (2)) AS twice (id) ON twice.id = i.id"""
SLOW = """CREATE OR REPLACE VIEW shop.item_document AS
    SELECT id, title, code, CASE WHEN id = 1 AND pg_sleep(60) IS NULL THEN 0 ELSE 7 END AS share FROM shop.item"""


def test_one_bad_document_of_twenty_is_dead_with_solrs_words(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 21))
    desk.connection.execute("UPDATE shop.item SET code = 'unknown field ''code''' WHERE id = 13")
    keys = [str(number) for number in range(1, 21)]
    number = desk.change(*keys)
    with pytest.raises(DocumentRejected, match=f"claim {number}: 1 of 20 refused; 13: Solr answered 400: .*code"):
        desk.indexer.index(number, worker="w@test")
    assert {key: state for key, (state,) in states(desk.connection).items() if state != "done"} == {"13": "dead"}
    assert set(desk.solr.get(COLLECTION, keys, fields="id")) == set(keys) - {"13"}
    (said,) = desk.connection.execute("SELECT last_error FROM outbox.event WHERE key = '13'").fetchall()
    assert "Error adding field 'code'" in said[0]


def test_a_row_that_makes_the_view_fail_is_dead_alone(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 6))
    desk.connection.execute("UPDATE shop.item SET divisor = 0 WHERE id = 3")
    number = desk.change("1", "2", "3", "4", "5")
    with pytest.raises(DocumentRejected, match="3: Postgres: division by zero"):
        desk.indexer.index(number, worker="w@test")
    assert states(desk.connection)["3"] == ["dead"]
    assert set(desk.solr.get(COLLECTION, list("12345"), fields="id")) == set("1245")
    desk.connection.execute("UPDATE shop.item SET divisor = 1 WHERE id = 3")
    desk.indexed("3")
    assert states(desk.connection)["3"] == ["done", "done"]


def test_two_rows_for_one_key_are_refused(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.connection.execute(TWICE)
    with pytest.raises(DocumentRejected, match="1: the view returns 2 rows for this key"):
        desk.indexed("1", "2")
    assert states(desk.connection) == {"1": ["dead"], "2": ["done"]}


def test_a_view_that_is_gone_is_no_documents_fault(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    desk.connection.execute("DROP VIEW shop.item_document")
    number = desk.change("1")
    with pytest.raises(IndexRefused, match=r"shop\.item_document cannot be read.*Run `outbox plan`"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "item_document")


def test_a_field_that_solr_lacks_is_no_documents_fault(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    definition = replace(DEFINITION, read=SQL["read"].replace("'share', v.share", "'shere', v.share"))
    indexes.save(desk.connection, desk.place.index, definition)
    number = desk.change("1")
    with pytest.raises(IndexRefused, match="unknown field 'shere'"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "unknown field 'shere'")


def test_a_collection_that_is_missing_is_no_documents_fault(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    desk.connection.execute("UPDATE outbox.target SET collection = 'nowhere'")
    number = desk.change("1")
    with pytest.raises(SolrUnavailable, match="Solr answered 404"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "404")


def test_a_solr_that_refuses_connections_condemns_nothing(desk: Desk, database_url: str) -> None:
    insert_items(desk.connection, [1])
    with socket.socket() as nobody:  # a port that is bound, and that nobody listens on
        nobody.bind(("127.0.0.1", 0))
        indexer = make_indexer(settings(database_url, f"http://127.0.0.1:{nobody.getsockname()[1]}/solr"))
        number = desk.change("1")
        with pytest.raises(SolrUnavailable, match="Connection refused"):
            indexer.index(number, worker="w@test")
    indexer.engine.dispose()
    given_back(desk, number, "Connection refused")
    targets.recover(desk.connection, desk.place.target, 1)
    again = take(desk.connection, desk.place)
    assert again is not None
    desk.indexer.index(again.number, worker="w@test")
    assert desk.document("1") is not None


def test_a_connection_that_the_server_ended_is_replaced(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    desk.indexed("1")
    desk.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox worker'"
        " AND datname = current_database()"
    )
    desk.indexed("1")
    assert states(desk.connection)["1"] == ["done", "done"]


def test_a_claim_whose_connection_dies_ends_with_its_lease(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, [1])
    add(desk.connection, desk.place, "1")
    claim = take(desk.connection, desk.place, work=timedelta(0))
    assert claim is not None

    def cut(connection: Connection, _: int) -> Any:
        desk.connection.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        connection.execute("SELECT 1")

    monkeypatch.setattr(targets, "definition", cut)
    with pytest.raises(PostgresUnavailable, match=f"claim {claim.number}: Postgres: "):
        desk.indexer.index(claim.number, worker="w@test")
    assert [ended.outcome for ended in claims.revoke(desk.connection)] == [Outcome.LOST]


def test_any_error_of_postgres_gives_the_claim_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, [1])
    number = desk.change("1")

    def refused(*_: object, **__: object) -> bool:
        raise psycopg.errors.InsufficientPrivilege("permission denied for table event")

    monkeypatch.setattr(claims, "finish", refused)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "permission denied")


def test_documents_are_read_and_posted_in_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, range(1, 9), title="x" * 1000)
    monkeypatch.setattr(reading, "PIECE_BYTES", 2000)
    desk.indexed(*"12345678")
    assert set(desk.solr.get(COLLECTION, list("12345678"), fields="id")) == set("12345678")
    assert {state for (state,) in states(desk.connection).values()} == {"done"}


def test_a_row_that_fails_after_others_were_posted_is_dead_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, range(1, 9), title="x" * 1000)
    desk.connection.execute("UPDATE shop.item SET divisor = 0 WHERE id = 6")
    monkeypatch.setattr(reading, "PIECE_BYTES", 1000)
    with pytest.raises(DocumentRejected, match="1 of 8 refused; 6: Postgres: division by zero"):
        desk.indexed(*"12345678")
    assert {key for key, (state,) in states(desk.connection).items() if state != "done"} == {"6"}
    assert set(desk.solr.get(COLLECTION, list("12345678"), fields="id")) == set("12345678") - {"6"}


def test_two_rows_of_a_key_in_two_pieces_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, [1, 2])
    desk.connection.execute(TWICE)
    monkeypatch.setattr(reading, "PIECE_BYTES", 1)
    with pytest.raises(DocumentRejected, match="1: the view returns several rows for this key"):
        desk.indexed("1", "2")
    assert states(desk.connection) == {"1": ["dead"], "2": ["done"]}


def test_solr_gone_between_two_pieces_gives_the_claim_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, range(1, 9), title="x" * 1000)
    monkeypatch.setattr(reading, "PIECE_BYTES", 2000)
    answers = iter([desk.solr.update])

    def update(self: Solr, *arguments: Any, **named: Any) -> Verdict:
        for answer in answers:
            return answer(*arguments, **named)
        return Verdict(Meaning.SERVICE, "gone")

    monkeypatch.setattr(Solr, "update", update)
    number = desk.change(*"12345678")
    with pytest.raises(SolrUnavailable, match="gone"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "gone")


def test_a_document_of_more_than_64_mb_is_dead_with_that_reason(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.connection.execute("UPDATE shop.item SET title = repeat('x', 65 * 1024 * 1024) WHERE id = 1")
    with pytest.raises(DocumentRejected, match="1: the document has more than 64 MB"):
        desk.indexed("1", "2")
    assert states(desk.connection) == {"1": ["dead"], "2": ["done"]}


def suspected(desk: Desk) -> set[str]:
    """The keys that are suspects."""
    rows = desk.connection.execute("SELECT key FROM outbox.event WHERE suspect > 0 AND done_at IS NULL")
    return {key for (key,) in rows}


def test_what_solr_breaks_of_makes_suspects(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_items(desk.connection, [1])
    monkeypatch.setattr(Solr, "update", lambda *_, **__: Verdict(Meaning.SUSPECT, "Solr answered 500: broken"))
    number = desk.change("1")
    with pytest.raises(SolrUnavailable, match="broken"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "broken")
    assert suspected(desk) == {"1"}


def test_a_row_that_takes_for_ever_is_a_suspect(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.connection.execute(SLOW)
    with desk.indexer._connection() as connection:
        connection.execute("SET statement_timeout = '500ms'")
    number = desk.change("1", "2")
    with pytest.raises(PostgresUnavailable, match="statement timeout"):
        desk.indexer.index(number, worker="w@test")
    given_back(desk, number, "statement timeout")
    assert suspected(desk) == {"1", "2"}


def test_a_claim_delivered_again_makes_suspects(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    number = desk.change("1")
    assert claims.begin(desk.connection, number, worker="died@test")
    desk.indexer.index(number, worker="w@test", redelivered=True)
    assert (desk.outcome(number), suspected(desk)) == ("redelivered", {"1"})
