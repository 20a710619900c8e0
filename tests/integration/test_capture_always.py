"""`capture`: who writes by replication is seen with "always", and not with "origin"."""

from __future__ import annotations

import pytest

from outbox.capture.install import installed
from outbox.connection import Connection
from outbox.sql import queries
from tests.integration.applied import Index, make
from tests.integration.captured import definition_of

SQL = queries("tests.integration", "watch.sql")
WRITTEN = [("D", 2), ("I", 3), ("T", 1), ("U", 1)]


@pytest.fixture
def index(outbox: Connection, outbox_url: str) -> Index:
    """Applied with the default; on each server in turn."""
    outbox.execute(SQL["world"], prepare=False)
    return make(outbox, outbox_url)


def written(index: Index) -> list[tuple[str, int]]:
    """The events of what replication writes; forgotten afterwards."""
    index.connection.execute(SQL["from_replication"], prepare=False)
    found = index.connection.execute(SQL["events"]).fetchall()
    index.connection.execute("TRUNCATE outbox.event")
    return found


def test_replication_is_captured_with_always_alone(index: Index) -> None:
    assert written(index) == []
    always = definition_of(index.connection, capture="always")
    assert installed(index.connection, index.number, always)  # so that `apply` replays after the switch
    index.apply(capture="always")
    assert written(index) == WRITTEN
    assert installed(index.connection, index.number, index.definition) == []
    index.apply(capture="origin")
    assert written(index) == []


def test_always_is_restored_where_pg_restore_made_it_origin(index: Index) -> None:
    index.apply(capture="always")
    for table in ("s.item", "s.note"):
        index.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        index.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())
    assert {one.what for one in installed(index.connection, index.number, index.definition)} == {"enable the trigger"}
    index.apply(capture="always")
    assert written(index) == WRITTEN
