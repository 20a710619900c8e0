"""The relay's look each minute: what changed beneath an applied index, said once, with its cure, until it is mended."""

from __future__ import annotations

import time

import psycopg
import pytest
from psycopg.errors import LockNotAvailable
from structlog.testing import capture_logs

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store import indexes
from relay.look import Look, look_at
from tests.integration.applied import Index, make

SQL = queries("tests.integration", "watch.sql")

# What is done to the database, what the notice says of it, and whether it is the view that changed.
MENDED_BY_APPLY = {
    "a view beneath": (
        "CREATE OR REPLACE VIEW s.named AS SELECT item_id, upper(name) AS name FROM s.tag",
        'the view "s"."d", or one beneath it, was altered: run `outbox apply`',
        True,
    ),
    "a new partition": (
        "CREATE TABLE s.note_4 PARTITION OF s.note FOR VALUES FROM (30) TO (40)",
        "the partition s.note_4 is new, a TRUNCATE of it is not captured, nor were the rows it came with",
        False,
    ),
    "a partition attached": (
        "ALTER TABLE s.note ATTACH PARTITION s.note_3 FOR VALUES FROM (20) TO (30)",
        "the partition s.note_3 is new",
        False,
    ),
    "a partition detached": (
        "ALTER TABLE s.note DETACH PARTITION s.note_2",
        'the table "s"."note_2" is no longer a partition, its rows have left the view',
        False,
    ),
    "a partition dropped": ("DROP TABLE s.note_2", 'the table "s"."note_2" is gone, or was made anew', False),
    "an inheriting table": ("CREATE TABLE s.more () INHERITS (s.tag)", "the table s.more inherits since then", False),
    "a label": (
        "ALTER TYPE s.mood RENAME VALUE 'rough' TO 'wild'",
        "the labels of the enum s.mood changed: run `outbox apply`, which replays",
        False,
    ),
    "a trigger disabled": ("ALTER TABLE s.tag DISABLE TRIGGER USER", "triggers are not as they were applied", False),
}
ALTERS_NOTHING = {
    "a new label": "ALTER TYPE s.mood ADD VALUE 'wild'",
    "a renamed column": "ALTER TABLE s.item RENAME COLUMN size TO bulk",
    "a new column": "ALTER TABLE s.item ADD COLUMN more text DEFAULT 'x'",
    "a rewrite": "VACUUM FULL s.item",
    "an edit": "UPDATE s.item SET title = 'other'",
}


@pytest.fixture
def index(outbox: Connection, outbox_url: str) -> Index:
    """Applied; on each server in turn."""
    outbox.execute(SQL["world"], prepare=False)
    return make(outbox, outbox_url)


def notices(index: Index) -> list[str]:
    """What `status` shows after a look."""
    look_at(index.connection, index.survey(), index.definition)
    (row,) = indexes.status(index.connection)
    assert isinstance(row["notices"], list)
    return row["notices"]


def view_changed(index: Index) -> bool:
    """What `status` shows."""
    (row,) = indexes.status(index.connection)
    return bool(row["view_changed"])


def test_an_index_as_it_was_applied_gives_no_notice(index: Index) -> None:
    assert notices(index) == []
    for statement in ALTERS_NOTHING.values():
        index.connection.execute(statement.encode())
        assert notices(index) == [], statement


@pytest.mark.parametrize("case", MENDED_BY_APPLY)
def test_what_changed_is_said_until_it_is_applied(index: Index, case: str) -> None:
    statement, words, of_the_view = MENDED_BY_APPLY[case]
    index.connection.execute(statement.encode())
    found = notices(index)
    assert any(words in notice and "run `outbox apply`" in notice for notice in found), found
    assert view_changed(index) is of_the_view
    index.apply()
    assert (notices(index), view_changed(index)) == ([], False)


def test_a_view_that_is_gone_is_said_and_its_return_too(index: Index) -> None:
    text = index.connection.execute("SELECT pg_get_viewdef('s.d'::regclass)").fetchone()
    assert text is not None
    index.connection.execute("DROP VIEW s.d")
    assert notices(index) == ['the view "s"."d" is gone: create it and run `outbox apply`']
    index.connection.execute(f"CREATE VIEW s.d AS {text[0]}".encode())
    assert (notices(index), view_changed(index)) == ([], False)


def test_another_expression_of_a_generated_column_is_said(index: Index) -> None:
    if index.connection.info.server_version < 170000:
        pytest.skip("before 17 a generated column's expression cannot be altered")
    index.connection.execute(SQL["another_expression"])
    assert notices(index) == [
        "the expression of the generated column s.item.doubled changed: run `outbox apply`, which replays"
    ]


def test_an_unlogged_table_is_said(index: Index) -> None:
    index.connection.execute("ALTER TABLE s.tag SET UNLOGGED")
    (found,) = notices(index)
    assert found.startswith('the table "s"."tag" is UNLOGGED: a crash of the server empties it')
    index.connection.execute("ALTER TABLE s.tag SET LOGGED")
    assert notices(index) == []


def test_each_change_is_logged_once_and_its_mending(index: Index) -> None:
    look = Look()
    index.connection.execute("ALTER TYPE s.mood RENAME VALUE 'rough' TO 'wild'")
    with capture_logs() as logs:
        for _ in range(3):
            look.at_all(index.connection, [(index.survey(), index.definition)])
    assert [entry["event"] for entry in logs] == ["changed beneath"]
    index.connection.execute("ALTER TYPE s.mood RENAME VALUE 'wild' TO 'rough'")
    with capture_logs() as logs:
        look.at_all(index.connection, [(index.survey(), index.definition)])
    assert [entry["event"] for entry in logs] == ["mended"]


def test_it_is_done_when_leading_begins_and_then_once_a_minute(index: Index) -> None:
    look = Look()
    assert look.due()
    look.at_all(index.connection, [])
    assert not look.due()
    look.soon()
    assert look.due()


def test_one_index_that_cannot_be_looked_at_holds_up_no_other(index: Index, outbox_url: str) -> None:
    index.connection.execute("ALTER TYPE s.mood RENAME VALUE 'rough' TO 'wild'")
    survey, definition = index.survey(), index.definition
    with _locked(outbox_url, "s.item"):
        started = time.monotonic()
        with pytest.raises(LockNotAvailable):
            look_at(index.connection, survey, definition)
        assert time.monotonic() - started < 5  # 20 ms, and not until the holder ends
        with capture_logs() as logs:
            Look().at_all(index.connection, [(survey, definition), (survey, definition)])
    assert [entry["event"] for entry in logs] == ["not looked at"] * 2
    assert notices(index)


def _locked(url: str, table: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that holds the strongest lock on a table until it is closed."""
    connection = psycopg.connect(url)
    connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
    return connection


def test_what_was_seen_of_an_older_definition_is_not_kept(index: Index) -> None:
    survey, definition = index.survey(), index.definition
    index.connection.execute("ALTER TYPE s.mood RENAME VALUE 'rough' TO 'wild'")
    index.apply()
    look_at(index.connection, survey, definition)
    indexes.notice(index.connection, index.number, ["old"], view_changed=True, applied_at=survey.applied_at)
    (row,) = indexes.status(index.connection)
    assert (row["notices"], row["view_changed"]) == ([], False)
