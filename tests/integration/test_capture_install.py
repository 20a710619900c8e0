"""Triggers into a database that is in use, and out of it: idempotent, finished after a failure, patient with locks."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from outbox.capture.install import TableBusy, install, installed, remove
from outbox.capture.triggers import ddl
from outbox.connection import Connection
from outbox.errors import OutboxError
from outbox.index import Definition
from tests.integration.captured import INDEX, SQL, Captured, capture, definition_of

VIEW = """CREATE VIEW s.d AS SELECT l.uuid AS id, l.title, c.name AS category FROM s.layer l
    LEFT JOIN s.category c ON c.id = l.cat"""


def quiet(_: str) -> None:
    """Says nothing."""


@pytest.fixture
def definition(outbox: Connection) -> Definition:
    outbox.execute(SQL["tables"])
    outbox.execute(VIEW)
    return definition_of(outbox)


def differences(connection: Connection, definition: Definition) -> list[str]:
    """Without the hashes in the names."""
    return sorted(f"{one.what} {one.relation}".strip() for one in installed(connection, INDEX, definition))


def test_says_what_is_missing_then_makes_it_then_nothing(
    outbox: Connection, outbox_url: str, definition: Definition
) -> None:
    missing = installed(outbox, INDEX, definition)
    tables = {one.relation for one in missing if one.relation}
    assert tables == {'"s"."category"', '"s"."layer"'}
    assert len(missing) == 10  # three triggers and two functions for each table
    said: list[str] = []
    install(outbox_url, INDEX, definition, said.append)
    assert said == ['"s"."category": 3 triggers made', '"s"."layer": 3 triggers made']
    assert not installed(outbox, INDEX, definition)
    before = oids(outbox)
    install(outbox_url, INDEX, definition, said.append)
    assert len(said) == 2
    assert oids(outbox) == before


def oids(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT oid, xmin::text FROM pg_trigger ORDER BY oid").fetchall()


def test_a_changed_view_replaces_its_triggers(outbox: Connection, outbox_url: str, definition: Definition) -> None:
    install(outbox_url, INDEX, definition, quiet)
    outbox.execute("DROP VIEW s.d; CREATE VIEW s.d AS SELECT uuid AS id, code FROM s.layer")
    changed = capture(outbox, outbox_url)
    assert not installed(outbox, INDEX, changed.definition)
    outbox.execute(SQL["crowd"])
    changed.keys()
    outbox.execute("UPDATE s.layer SET title = 'x'; UPDATE s.category SET name = 'x'")
    assert changed.keys() == set()
    outbox.execute("UPDATE s.layer SET code = 'x' WHERE id = 3")
    assert len(changed.keys()) == 1


def test_what_somebody_altered_is_said_and_mended(outbox: Connection, outbox_url: str, definition: Definition) -> None:
    install(outbox_url, INDEX, definition, quiet)
    layer = next(one for one in ddl(INDEX, definition) if one.relation == '"s"."layer"')
    row, update, truncate = (trigger.name for trigger in layer.triggers)
    outbox.execute(f"ALTER TABLE s.layer DISABLE TRIGGER {row}".encode())
    outbox.execute(f"DROP TRIGGER {update} ON s.layer".encode())
    outbox.execute(f"ALTER TABLE s.layer ENABLE ALWAYS TRIGGER {truncate}".encode())
    body = "AS 'BEGIN RETURN NULL; END'"
    function = f"CREATE OR REPLACE FUNCTION outbox.{layer.names[-1]}() RETURNS trigger LANGUAGE plpgsql {body}"
    outbox.execute(function.encode())
    assert differences(outbox, definition) == [
        'enable the trigger "s"."layer"',
        'enable the trigger "s"."layer"',
        'make the trigger "s"."layer"',
        "restore the altered function",
    ]
    install(outbox_url, INDEX, definition, quiet)
    assert not installed(outbox, INDEX, definition)


def test_a_change_of_capture_is_a_change(outbox: Connection, outbox_url: str, definition: Definition) -> None:
    install(outbox_url, INDEX, definition, quiet)
    always = replace(definition, capture="always")
    assert differences(outbox, always)
    install(outbox_url, INDEX, always, quiet)
    assert not installed(outbox, INDEX, always)
    states = outbox.execute("SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE tgname LIKE 'outbox%'").fetchall()
    assert states == [("A",)]


def test_remove_leaves_nothing_and_another_index_alone(
    outbox: Connection, outbox_url: str, definition: Definition
) -> None:
    install(outbox_url, INDEX, definition, quiet)
    install(outbox_url, INDEX + 10 * INDEX, definition, quiet)
    remove(outbox_url, INDEX, quiet)
    remove(outbox_url, INDEX, quiet)
    left = outbox.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'outbox%'").fetchall()
    assert len(left) == 6
    assert all(name.startswith("outbox_77_") for (name,) in left)
    assert not installed(outbox, INDEX + 10 * INDEX, definition)


def test_a_table_in_use_is_waited_for_and_the_others_stand(
    outbox: Connection, outbox_url: str, definition: Definition
) -> None:
    with psycopg.connect(outbox_url) as user:
        user.execute("LOCK TABLE s.layer IN ROW EXCLUSIVE MODE")
        with pytest.raises(TableBusy) as refused:
            install(outbox_url, INDEX, definition, quiet, patience_s=0.5)
        assert '"s"."layer"' in str(refused.value)
        assert isinstance(refused.value, OutboxError)
        assert set(differences(outbox, definition)) == {'make the trigger "s"."layer"'}
        said = threading.Event()
        again = threading.Thread(target=install, args=(outbox_url, INDEX, definition, lambda _: said.set()))
        again.start()
        assert said.wait(30)  # it has tried, and tries again
    again.join(30)
    assert not again.is_alive()
    assert not installed(outbox, INDEX, definition)


def test_writers_go_on_while_triggers_come_and_go(outbox: Connection, outbox_url: str, definition: Definition) -> None:
    outbox.execute(SQL["crowd"])
    ended = threading.Event()
    failures: list[psycopg.Error] = []
    writers = [threading.Thread(target=write, args=(outbox_url, number, ended, failures)) for number in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(5):
        install(outbox_url, INDEX, definition, quiet)
        remove(outbox_url, INDEX, quiet)
    ended.set()
    for writer in writers:
        writer.join(30)
    assert not failures
    outbox.execute("SELECT 1")


def write(url: str, number: int, ended: threading.Event, failures: list[psycopg.Error]) -> None:
    """Transactions over both tables, in either order, until it is over; none waits two seconds for a lock."""
    statements = [
        "UPDATE s.layer SET title = title || 'x' WHERE id = %s",
        "UPDATE s.category SET name = 'x' WHERE id = %s",
    ]
    with psycopg.connect(url, options="-c lock_timeout=2s") as user:
        while not ended.is_set():
            try:
                for statement in statements[:: 1 if number % 2 else -1]:
                    user.execute(statement.encode(), (number + 1,))
                user.commit()
            except psycopg.Error as error:
                failures.append(error)
                return


def test_a_role_that_only_owns_the_tables_can_apply(
    outbox: Connection, outbox_url: str, definition: Definition
) -> None:
    outbox.execute(SQL["owner"])
    try:
        url = psycopg.conninfo.make_conninfo(outbox_url, user="capture_owner", password="")
        with psycopg.connect(url, autocommit=True) as owner:
            mine = definition_of(owner)
        install(url, INDEX, mine, quiet)
        captured = Captured(outbox, outbox_url, mine)
        outbox.execute("INSERT INTO s.layer (id, uuid) VALUES (1, '00000000-0000-0000-0000-000000000001')")
        assert captured.keys() == {"00000000-0000-0000-0000-000000000001"}
        remove(url, INDEX, quiet)
    finally:
        outbox.execute(SQL["no_owner"])
