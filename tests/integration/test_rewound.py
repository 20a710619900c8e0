"""A Solr that lacks what was written to it: restored from a backup, or emptied."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from outbox import rewound
from outbox.store import targets
from relay.comparer import Comparer
from tests.integration.desk import COLLECTION, Desk, settings
from tests.integration.hand_made import DEFINITION, add, insert_items
from tests.pipeline import until

REPLAYED = "SELECT key FROM outbox.event WHERE op = 'R' AND done_at IS NULL"
AGED = """UPDATE outbox.claim SET created_at = clock_timestamp() - %(ago)s::interval,
    ended_at = clock_timestamp() - %(ago)s::interval + interval '1 s' WHERE number = %(number)s"""


def compare(desk: Desk) -> bool:
    """What the relay does each minute."""
    (survey,) = targets.survey(desk.connection)
    return rewound.look(desk.connection, desk.solr, survey, DEFINITION)


def replayed(desk: Desk) -> set[str | None]:
    """The keys that are enqueued as replays; None stands for all documents."""
    return {key for (key,) in desk.connection.execute(REPLAYED.encode()).fetchall()}


def indexed(desk: Desk, *keys: str, minutes: int) -> int:
    """One claim of these keys, done so many minutes ago."""
    number = desk.indexed(*keys)
    desk.connection.execute(AGED.encode(), {"ago": timedelta(minutes=minutes), "number": number})
    return number


def put(desk: Desk, key: str, version: int | None) -> None:
    """The document as it was in the backup; None: it was not there."""
    body: list[object] = [{"delete": [key]}]
    body += [] if version is None else [[{"id": key, "src_version": version, "deleted": False}]]
    for each in body:
        desk.solr.call("POST", f"/{COLLECTION}/update", {"commit": True, "wt": "json"}, body=orjson.dumps(each))


def delete(desk: Desk, key: int) -> None:
    """A row of the view is gone."""
    desk.connection.execute("DELETE FROM shop.item WHERE id = %s", [key])


def test_nothing_is_found_where_nothing_lacks(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2, 3])
    assert not compare(desk)
    indexed(desk, "1", "2", minutes=20)
    indexed(desk, "2", "3", minutes=5)
    delete(desk, 3)
    desk.indexed("3")
    assert not compare(desk)
    assert replayed(desk) == set()


@pytest.mark.parametrize("deleted", [False, True], ids=["edited", "deleted"])
def test_what_was_done_since_the_backup_is_indexed_again(desk: Desk, deleted: bool) -> None:
    insert_items(desk.connection, [1, 2, 3, 4])
    indexed(desk, "1", minutes=100)
    backup = indexed(desk, "2", "3", minutes=20)
    if deleted:
        delete(desk, 3)
    lost = indexed(desk, "3", minutes=5)
    desk.indexed("4")  # after the restore: its version is no proof that all before it is there
    put(desk, "3", backup)
    assert compare(desk)
    assert replayed(desk) == {"2", "3", "4"}  # not 1, whose claim was done before the one of the backup
    ((newest, documents),) = desk.connection.execute(
        "SELECT rewound -> 'newest', rewound -> 'documents' FROM outbox.target"
    ).fetchall()
    assert (newest, documents) == (lost, 3)
    assert not compare(desk)  # it is under way


def test_a_higher_version_may_have_been_written_after_the_restore(desk: Desk) -> None:
    """2 was lost and is there again, since it was edited; 3, whose claim was done between, is not."""
    insert_items(desk.connection, [1, 2, 3, 4])
    backup = indexed(desk, "1", minutes=100)
    indexed(desk, "2", minutes=20)
    indexed(desk, "3", minutes=10)
    indexed(desk, "4", minutes=5)
    put(desk, "3", None)
    put(desk, "4", None)
    indexed(desk, "2", minutes=0)
    assert desk.document("1") == {**(desk.document("1") or {}), "src_version": backup}
    assert compare(desk)
    assert replayed(desk) == {"1", "2", "3", "4"}


def test_it_is_answered_once(desk: Desk) -> None:
    """A document that is dead after its replay would be found lost each minute."""
    insert_items(desk.connection, [1])
    indexed(desk, "1", minutes=5)
    put(desk, "1", None)
    assert compare(desk)
    desk.connection.execute("UPDATE outbox.event SET dead_at = now() WHERE op = 'R'")
    assert not compare(desk)


def test_of_an_emptied_one_all_documents_are_indexed_again(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    indexed(desk, "1", minutes=20)
    indexed(desk, "2", minutes=5)
    put(desk, "1", None)
    put(desk, "2", None)
    assert compare(desk)
    assert replayed(desk) == {None}


def test_since_then_is_not_known_where_claims_are_pruned(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    indexed(desk, "1", minutes=20)
    indexed(desk, "2", minutes=5)
    put(desk, "2", None)
    desk.connection.execute("UPDATE outbox.pruned SET claims_before = now() - interval '10 min'")
    assert compare(desk)
    assert replayed(desk) == {None}


def test_what_neither_view_nor_solr_has_is_no_loss(desk: Desk) -> None:
    """A purged tombstone, a plain delete, a collection that was made anew."""
    insert_items(desk.connection, [1])
    delete(desk, 1)
    desk.indexed("1")
    put(desk, "1", None)
    assert not compare(desk)


def test_what_is_on_its_way_is_no_loss(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    desk.indexed("1")
    put(desk, "1", None)
    add(desk.connection, desk.place, "1")
    assert not compare(desk)


def test_the_probe_of_a_worker_looks_before_it_writes(desk: Desk) -> None:
    """What it writes would cover up what lacks: 2 is edited while Solr is away, and is in the backup as it was."""
    insert_items(desk.connection, [1, 2])
    backup = indexed(desk, "1", "2", minutes=20)
    desk.indexed("2")
    put(desk, "2", backup)
    targets.trip(desk.connection, desk.place.target, "it was away", number=None)
    desk.indexed("2")
    assert replayed(desk) == {"1", "2"}
    desk.indexed("1")  # the next one of its recovery finds that a replay is under way
    assert len(desk.connection.execute(REPLAYED.encode()).fetchall()) == 2


def test_the_relay_looks_by_itself(desk: Desk, database_url: str) -> None:
    insert_items(desk.connection, [1])
    desk.indexed("1")
    put(desk, "1", None)
    desk.connection.execute("UPDATE outbox.target SET checked_server = pg_postmaster_start_time()")
    comparer = Comparer(settings(database_url, desk.solr.url))
    assert comparer.due()
    comparer.beside.start()
    try:
        comparer.beside.ask()
        until(lambda: replayed(desk) == {None}, "it is mended")
    finally:
        comparer.beside.stop(30)
    assert not comparer.due()


def test_nothing_is_said_of_a_paused_index_or_without_a_version(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    desk.indexed("1")
    put(desk, "1", None)
    desk.connection.execute("UPDATE outbox.index SET paused_until = 'infinity'")
    assert not compare(desk)
    desk.connection.execute("UPDATE outbox.index SET paused_until = NULL")
    own = replace(DEFINITION.target.own_fields, version="")
    (survey,) = targets.survey(desk.connection)
    unversioned = replace(DEFINITION, target=replace(DEFINITION.target, own_fields=own))
    assert not rewound.look(desk.connection, desk.solr, survey, unversioned)
    assert compare(desk)
