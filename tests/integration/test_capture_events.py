"""The events of the sample's tables: what stands in them, and whom they wake. Which: tests/acceptance/statements."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from outbox.connection import Connection
from outbox.sql import queries
from tests.integration.captured import SQL, Captured, capture

VIEW = "catalogue.layer_document"
SAMPLE = Path(__file__).parents[2] / "examples" / "catalogue"


@pytest.fixture
def sample(outbox: Connection, outbox_url: str) -> Captured:
    """The sample's tables with five layers, captured."""
    tables = queries("examples.catalogue", "schema.sql")
    outbox.execute(tables["tables"])
    outbox.execute(tables["keys"])
    outbox.execute((SAMPLE / "view.sql").read_bytes())
    outbox.execute(SQL["sample"])
    return capture(outbox, outbox_url, VIEW)


def test_one_event_for_a_row_however_many_documents_hang_on_it(sample: Captured) -> None:
    sample.connection.execute("UPDATE catalogue.keyword SET name = 'x' WHERE id = 1")
    ((_, key, way, route, op),) = sample.connection.execute(SQL["events"]).fetchall()
    assert (key, route, op) == (None, [["1"]], "U")
    assert sample.definition.way(way).table == '"catalogue"."keyword"'


@pytest.mark.parametrize(("asleep", "woken"), [("1 h", 1), ("-1 s", 0)])
def test_notifies_only_a_relay_that_sleeps(sample: Captured, outbox_url: str, asleep: str, woken: int) -> None:
    sample.connection.execute("UPDATE outbox.relay SET asleep_until = now() + %s::interval", (asleep,))
    with psycopg.connect(outbox_url, autocommit=True) as listener:
        listener.execute("LISTEN outbox")
        sample.connection.execute("UPDATE catalogue.layer SET title = 'x'")
        sample.connection.execute("UPDATE catalogue.layer SET popular_count = 7")
        sample.connection.execute("NOTIFY outbox, 'end'")
        heard = []
        for note in listener.notifies(timeout=30):
            if note.payload == "end":
                break
            heard.append(note)
    assert len(heard) == woken


def test_an_older_snapshot_always_notifies(sample: Captured, outbox_url: str) -> None:
    with psycopg.connect(outbox_url, autocommit=True) as listener:
        listener.execute("LISTEN outbox")
        sample.connection.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE catalogue.layer SET title = 'x'; COMMIT"
        )
        assert [note.payload for note in listener.notifies(timeout=30, stop_after=1)] == [""]


def test_settle_delays(outbox: Connection, outbox_url: str, sample: Captured) -> None:
    capture(outbox, outbox_url, VIEW, settle="1h")
    outbox.execute("UPDATE catalogue.layer SET title = 'x' WHERE id = 1; TRUNCATE catalogue.layer_region")
    delays = outbox.execute("SELECT available_at - created_at FROM outbox.event").fetchall()
    assert [round(delay.total_seconds() / 60) for (delay,) in delays] == [60, 60]  # the clock is read for each column


@pytest.mark.parametrize(("mode", "expected"), [("origin", set()), ("always", {str(UUID(int=1))})])
def test_replication_is_captured_with_always_alone(
    outbox: Connection, outbox_url: str, sample: Captured, mode: str, expected: set[str]
) -> None:
    captured = capture(outbox, outbox_url, VIEW, capture=mode)
    outbox.execute("SET session_replication_role = replica")
    outbox.execute("UPDATE catalogue.layer SET title = 'x' WHERE id = 1")
    assert captured.keys() == expected


def test_source_and_operation(sample: Captured) -> None:
    sample.connection.execute(
        "DELETE FROM catalogue.layer WHERE id = 4; UPDATE catalogue.keyword SET name = 'x' WHERE id = 1"
    )
    found = sample.connection.execute("SELECT source::text, op::text, index, lane::text FROM outbox.event ORDER BY id")
    assert found.fetchall() == [("catalogue.layer", "D", 7, "live"), ("catalogue.keyword", "U", 7, "live")]
