"""Which documents a replay enqueues: by key, by condition, since a time; what it refuses, and in which words."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from outbox import replay
from outbox import retention as pruning
from outbox.connection import Connection, connect
from outbox.errors import UsageError
from outbox.sql import queries
from outbox.store import claims
from tests.integration.hand_made import Place, add, begun, make_index

SQL = queries("tests.integration", "retention.sql")
ITEMS = 2500
HOUR = timedelta(hours=1)


@pytest.fixture
def outbox(database_url: str) -> Iterator[Connection]:
    """A connection like ours."""
    with connect(database_url, application="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index with some thousands of items."""
    found = make_index(outbox)
    outbox.execute("INSERT INTO shop.item (id, title) SELECT n, 'item ' || n FROM generate_series(1, %s) n", [ITEMS])
    return found


def enqueued(connection: Connection) -> list[tuple[str, str, str]]:
    """Key, lane and op of what waits."""
    rows = connection.execute("SELECT key, lane::text, op::text FROM outbox.event WHERE done_at IS NULL ORDER BY id")
    return rows.fetchall()


def seen_by(connection: Connection, chunks: Iterator[list[str]]) -> tuple[int, list[int]]:
    """How many are enqueued, and what a watcher was told."""
    told: list[int] = []
    return replay.enqueue(connection, "items", chunks, told.append), told


def test_keys_come_in_chunks_in_postgres_spelling(outbox: Connection, place: Place) -> None:
    keys = (f" {n} " for n in range(1, ITEMS + 1))
    assert seen_by(outbox, replay.listed(outbox, "items", keys)) == (ITEMS, [1000, 2000, ITEMS])
    assert enqueued(outbox) == [(str(n), "replay", "R") for n in range(1, ITEMS + 1)]


def test_a_key_that_is_none_is_named_with_its_place_and_what_came_before_it(outbox: Connection, place: Place) -> None:
    keys = (str(n) if n != 1700 else "seven" for n in range(1, ITEMS + 1))
    with pytest.raises(UsageError) as refused:
        replay.enqueue(outbox, "items", replay.listed(outbox, "items", keys), lambda _: None)
    assert "among the keys 1001 to 2000, a key is not of the index's key type bigint" in str(refused.value)
    assert '"seven"' in str(refused.value)
    assert str(refused.value).endswith("; 1000 documents before it are enqueued")
    assert len(enqueued(outbox)) == 1000


def test_a_condition_chooses_rows_of_the_view(outbox: Connection, place: Place) -> None:
    condition = "title LIKE 'item 1%' AND id < 20 -- the first ones"
    assert seen_by(outbox, replay.matching(outbox, "items", condition)) == (11, [11])
    assert [key for key, _, _ in enqueued(outbox)] == ["1", *(str(n) for n in range(10, 20))]
    assert seen_by(outbox, replay.matching(outbox, "items", "true"))[1] == [1000, 2000, ITEMS]
    assert list(replay.matching(outbox, "items", "false")) == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("nothing = 1", 'column "nothing" does not exist'),
        ("id <", "syntax error"),
        ("id", "argument of AND must be type boolean"),
        ("true); DELETE FROM shop.item; SELECT (1", "cannot insert multiple commands"),
        ("1 / (id - 7) > 0", "division by zero"),
        ("shop.spoil(id)", "cannot execute INSERT in a read-only transaction"),
        ("spoil(id)", "function spoil(bigint) does not exist"),
    ],
)
def test_a_condition_that_postgres_refuses_gets_its_words_and_nothing_happens(
    outbox: Connection, place: Place, condition: str, words: str
) -> None:
    outbox.execute(
        "CREATE FUNCTION shop.spoil(bigint) RETURNS boolean LANGUAGE sql"
        " AS 'INSERT INTO shop.item (id) VALUES (-$1) RETURNING true'"
    )
    with pytest.raises(UsageError) as refused:
        replay.enqueue(outbox, "items", replay.matching(outbox, "items", condition), lambda _: None)
    assert words in str(refused.value)
    assert '"shop"."item_document"' in str(refused.value) or "shop.item_document" in str(refused.value)
    assert enqueued(outbox) == []
    assert outbox.execute("SELECT count(*) FROM shop.item").fetchone() == (ITEMS,)


@contextmanager
def reader(outbox: Connection, url: str) -> Iterator[Connection]:
    """A plain role that may replay and read the view, and not its table."""
    role = f"reader_{secrets.token_hex(4)}"
    outbox.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(role)))
    grants = "GRANT USAGE ON SCHEMA outbox, shop TO {0}; GRANT SELECT ON ALL TABLES IN SCHEMA outbox TO {0};"
    grants += "GRANT INSERT ON outbox.event TO {0}; GRANT SELECT ON shop.item_document TO {0}"
    for grant in grants.split(";"):
        outbox.execute(sql.SQL(grant).format(sql.Identifier(role)))
    try:
        with connect(make_conninfo(url, user=role, password=role), application="test", autocommit=True) as connection:
            yield connection
    finally:
        outbox.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        outbox.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_a_condition_runs_with_the_rights_of_who_replays(outbox: Connection, place: Place, database_url: str) -> None:
    with reader(outbox, database_url) as plain:
        assert seen_by(plain, replay.matching(plain, "items", "id <= 3"))[0] == 3
        with pytest.raises(UsageError, match="permission denied for table item"):
            replay.matching(plain, "items", "id IN (SELECT id FROM shop.item)")


def test_no_snapshot_is_held_while_keys_are_appended(outbox: Connection, place: Place, database_url: str) -> None:
    chunks = replay.matching(outbox, "items", "true")
    assert len(next(chunks)) == 1000
    with psycopg.connect(database_url) as other:
        held = other.execute(
            "SELECT backend_xmin IS NULL FROM pg_stat_activity WHERE pid = %s", [outbox.info.backend_pid]
        ).fetchone()
    assert held == (True,)
    assert sum(map(len, chunks)) == ITEMS - 1000


def indexed(connection: Connection, place: Place, *keys: str, age: timedelta, bad: tuple[str, ...] = ()) -> None:
    """One claim of these keys that was done so long ago."""
    add(connection, place, *keys)
    claim = begun(connection, place)
    assert claims.finish(connection, claim, bad=dict.fromkeys(bad, "refused"), back=[])
    connection.execute(SQL["age_claims"], {"numbers": [claim.number], "age": age})


def test_since_a_time_chooses_each_key_that_was_indexed_since_then_once(outbox: Connection, place: Place) -> None:
    indexed(outbox, place, "1", "2", age=5 * HOUR)
    indexed(outbox, place, "2", "3", age=3 * HOUR)
    indexed(outbox, place, "3", "4", age=HOUR)
    at, chunks = replay.since(outbox, "items", "4h")
    assert at.endswith("+00")
    assert seen_by(outbox, chunks)[0] == 3
    assert {key for key, _, _ in enqueued(outbox)} == {"2", "3", "4"}
    (two_hours,) = outbox.execute("SELECT (now() - interval '2 h')::text").fetchone() or ("",)
    assert sorted(key for chunk in replay.since(outbox, "items", two_hours)[1] for key in chunk) == ["3", "4"]


def test_since_a_time_whose_claims_are_pruned_is_refused_with_the_oldest_and_the_cure(
    outbox: Connection, place: Place
) -> None:
    indexed(outbox, place, "1", age=9 * 24 * HOUR)
    for days in (8, 2):
        indexed(outbox, place, "1", age=days * 24 * HOUR)
    assert [len(list(replay.since(outbox, "items", text)[1])) for text in ("10d", "-infinity")] == [1, 1]
    list(pruning.ledger(outbox, timedelta(days=7)))
    (oldest,) = outbox.execute("SELECT claims_before::text FROM outbox.pruned").fetchone() or ("",)
    for text in ("10d", "-infinity", oldest):
        with pytest.raises(UsageError) as refused:
            replay.since(outbox, "items", text)
        assert oldest in str(refused.value)
        assert "--all" in str(refused.value)
    assert list(replay.since(outbox, "items", "7d")[1]) == [["1"]]


@pytest.mark.parametrize(
    ("moment", "words"),
    [("soon", "is no time"), ("2026-13-01", "is no time"), ("2999-01-01", "lies ahead"), ("infinity", "lies ahead")],
)
def test_a_time_that_is_none_is_refused(outbox: Connection, place: Place, moment: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replay.since(outbox, "items", moment)


def test_of_another_index_nothing_is_replayed(outbox: Connection, place: Place) -> None:
    indexed(outbox, place, "1", age=HOUR)
    outbox.execute("INSERT INTO outbox.index (name) VALUES ('other')")
    outbox.execute("UPDATE outbox.target SET index = (SELECT id FROM outbox.index WHERE name = 'other')")
    assert list(replay.since(outbox, "items", "2h")[1]) == []
