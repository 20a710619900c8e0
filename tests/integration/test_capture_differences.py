"""What stands otherwise than it was applied is named by its kind, and the next `apply` mends it; on both servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox.capture.install import Kind, install, installed
from outbox.capture.triggers import ddl
from outbox.connection import Connection, connect
from outbox.index import Definition
from outbox.sql import queries
from tests.conftest import cloned
from tests.integration.captured import INDEX, definition_of

SQL = queries("tests.integration", "differences.sql")
MISSING, DISABLED, CHANGED, SUPERFLUOUS = Kind.MISSING, Kind.DISABLED, Kind.CHANGED, Kind.SUPERFLUOUS


@pytest.fixture(scope="module")
def lasting_url(server_url: str, server_template: str) -> Iterator[str]:
    """A database with the world for all cases: each begins by an `apply`, and ends with one."""
    with cloned(server_url, server_template) as url, connect(url, application="test", autocommit=True) as connection:
        make_world(connection)
        yield url


@pytest.fixture
def applied(outbox: Connection, outbox_url: str) -> Definition:
    """A view over a table with columns of many types, a partitioned one and one with an heir."""
    make_world(outbox)
    return apply(outbox, outbox_url)


def make_world(outbox: Connection) -> None:
    """All of it."""
    for part in ("types", "item", "tables", "view"):
        outbox.execute(SQL[part], prepare=False)


def apply(outbox: Connection, url: str, *, always: bool = False) -> Definition:
    """As the command does it: by the view as it stands; then nothing is left to do."""
    definition = definition_of(outbox, capture="always" if always else "origin")
    install(url, INDEX, definition, lambda _: None)
    assert installed(outbox, INDEX, definition) == []
    return definition


def found(outbox: Connection, definition: Definition) -> set[tuple[str, str, Kind]]:
    """Relation, what of it (the suffix of a trigger's name, or the kind of function), and what is wrong."""
    rows = installed(outbox, INDEX, definition)
    return {(one.relation, one.name.split("_")[-1 if one.relation else 0], one.kind) for one in rows}


def fill(definition: Definition, statement: str) -> bytes:
    """The statement with the names of the triggers and functions: {item_update}, {note_truncate}, {item_capture}, …"""
    names: dict[str, str] = {}
    for each in ddl(INDEX, definition):
        table = each.relation.split(".")[1].strip('"')
        names |= {f"{table}_{one.name.rpartition('_')[2]}": one.name for one in each.triggers}
        names |= {f"{table}_{name.partition('_')[0]}": f"outbox.{name}" for name in each.names}
    return statement.format(**names).encode()


BY_HAND = {
    "a leaf's copy disabled": (
        "ALTER TABLE s.note_1 DISABLE TRIGGER {note_row}",
        {("s.note_1", "row", DISABLED)},
    ),
    "a copy two levels down that fires always": (
        "ALTER TABLE s.note_2a ENABLE ALWAYS TRIGGER {note_update}",
        {("s.note_2a", "update", DISABLED)},
    ),
    "the triggers of a parent disabled": (
        "ALTER TABLE s.note DISABLE TRIGGER {note_row}",
        {('"s"."note"', "row", DISABLED)},
    ),
    "a WHEN that asks less": (
        "CREATE OR REPLACE TRIGGER {item_update} AFTER UPDATE ON s.item FOR EACH ROW "
        "WHEN (OLD.uuid IS DISTINCT FROM NEW.uuid) EXECUTE FUNCTION {item_capture}()",
        {('"s"."item"', "update", CHANGED)},
    ),
    "no WHEN, and only for one column": (
        "CREATE OR REPLACE TRIGGER {item_update} AFTER UPDATE OF title ON s.item FOR EACH ROW "
        "EXECUTE FUNCTION {item_capture}()",
        {('"s"."item"', "update", CHANGED)},
    ),
    "the WHEN of a partitioned table": (
        "CREATE OR REPLACE TRIGGER {note_update} AFTER UPDATE ON s.note FOR EACH ROW "
        "WHEN (false) EXECUTE FUNCTION {note_capture}()",
        {('"s"."note"', "update", CHANGED)},
    ),
    "no more DELETE": (
        "CREATE OR REPLACE TRIGGER {item_row} AFTER INSERT ON s.item FOR EACH ROW EXECUTE FUNCTION {item_capture}()",
        {('"s"."item"', "row", CHANGED)},
    ),
    "another function": (
        "CREATE OR REPLACE TRIGGER {item_truncate} AFTER TRUNCATE ON s.item EXECUTE FUNCTION s.nothing()",
        {('"s"."item"', "truncate", CHANGED)},
    ),
    "a value function that takes another column": (
        "CREATE OR REPLACE FUNCTION {item_value}(s.item) RETURNS text[] LANGUAGE sql "
        "BEGIN ATOMIC SELECT ARRAY[$1.title::text]; END",
        {("", "value", CHANGED)},
    ),
    "a value function as a text": (
        "CREATE OR REPLACE FUNCTION {item_value}(s.item) RETURNS text[] LANGUAGE sql AS 'SELECT ARRAY[$1.uuid::text]'",
        {("", "value", CHANGED)},
    ),
    "a capture function with the rights of the caller": (
        "ALTER FUNCTION {item_capture}() SECURITY INVOKER",
        {("", "capture", CHANGED)},
    ),
    "a capture function with another search_path": (
        "ALTER FUNCTION {item_capture}() SET search_path = s",
        {("", "capture", CHANGED)},
    ),
    "a trigger of ours on another table": (
        "CREATE TRIGGER outbox_7_hand_row AFTER INSERT ON s.other FOR EACH ROW EXECUTE FUNCTION {item_capture}()",
        {("s.other", "row", SUPERFLUOUS)},
    ),
    "triggers dropped": (
        "DROP TRIGGER {item_row} ON s.item; DROP TRIGGER {note_1_truncate} ON s.note_1",
        {('"s"."item"', "row", MISSING), ('"s"."note_1"', "truncate", MISSING)},
    ),
    "a partition made": (
        "CREATE TABLE s.note_3 PARTITION OF s.note FOR VALUES IN (3)",
        {('"s"."note_3"', "truncate", MISSING)},
    ),
    "a partition attached below a partition": (
        "CREATE TABLE s.note_2b (LIKE s.note); ALTER TABLE s.note_2 ATTACH PARTITION s.note_2b FOR VALUES IN (22)",
        {('"s"."note_2b"', "truncate", MISSING)},
    ),
    "an heir made": (
        "CREATE TABLE s.more () INHERITS (s.tag)",
        {('"s"."more"', each, MISSING) for each in ("row", "update", "truncate")}
        | {("", each, MISSING) for each in ("value", "capture")},
    ),
    "a table made anew": (
        "DROP TABLE s.item CASCADE; WORLD",
        {('"s"."item"', each, MISSING) for each in ("row", "update", "truncate")} | {("", "value", MISSING)},
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_what_was_done_by_hand_is_named_and_mended(lasting_url: str, case: str) -> None:
    with connect(lasting_url, application="test", autocommit=True) as outbox:
        _named_and_mended(outbox, lasting_url, case)


def _named_and_mended(outbox: Connection, url: str, case: str) -> None:
    statement, expected = BY_HAND[case]
    applied = apply(outbox, url)
    world = f"{SQL['item']};{SQL['view']}"
    outbox.execute(fill(applied, statement).replace(b"WORLD", world.encode()), prepare=False)
    definition = definition_of(outbox)
    assert found(outbox, definition) == expected
    if case != "a table made anew":  # the applied definition knows only the old one's number
        assert found(outbox, applied) == expected
    apply(outbox, url)


def test_a_table_that_took_the_place_of_another(outbox: Connection, outbox_url: str, applied: Definition) -> None:
    outbox.execute("DROP VIEW s.d; ALTER TABLE s.item RENAME TO item_old", prepare=False)
    outbox.execute(SQL["item"], prepare=False)
    outbox.execute(SQL["view"])
    kinds = found(outbox, definition_of(outbox))
    assert {one for one in kinds if one[2] is SUPERFLUOUS} == {
        *(("s.item_old", each, SUPERFLUOUS) for each in ("row", "update", "truncate")),
        ("", "value", SUPERFLUOUS),
    }
    apply(outbox, outbox_url)
    outbox.execute("DROP TABLE s.item_old")  # nothing of ours depends on it any more
    outbox.execute("INSERT INTO s.item (id, uuid) VALUES (1, gen_random_uuid())")
    row = outbox.execute("SELECT count(*) FROM outbox.event").fetchone()
    assert row == (1,)


def test_renaming_is_no_change(outbox: Connection, outbox_url: str, applied: Definition) -> None:
    renamings = outbox.execute(SQL["renamings"]).fetchall()
    assert len(renamings) > 15
    for (statement,) in renamings:
        outbox.execute(statement.encode())
    outbox.execute("ALTER TABLE s.note RENAME TO notes")
    assert installed(outbox, INDEX, applied) == []
    apply(outbox, outbox_url)


def test_a_disabled_trigger_that_shall_always_fire(outbox: Connection, outbox_url: str) -> None:
    make_world(outbox)
    always = apply(outbox, outbox_url, always=True)
    outbox.execute(fill(always, "ALTER TABLE s.note_1 ENABLE TRIGGER {note_row}"))
    outbox.execute(fill(always, "ALTER TABLE s.item ENABLE TRIGGER {item_update}"))
    assert found(outbox, always) == {("s.note_1", "row", DISABLED), ('"s"."item"', "update", DISABLED)}
    apply(outbox, outbox_url, always=True)
    outbox.execute(
        fill(always, "CREATE OR REPLACE TRIGGER {item_row} AFTER INSERT ON s.item EXECUTE FUNCTION s.nothing()")
    )
    assert found(outbox, always) == {('"s"."item"', "row", CHANGED)}
    apply(outbox, outbox_url, always=True)


def test_a_copy_that_a_parent_disabled_with_it_is_enabled_with_it(
    outbox: Connection, outbox_url: str, applied: Definition
) -> None:
    outbox.execute(fill(applied, "ALTER TABLE s.note DISABLE TRIGGER USER"))
    outbox.execute(fill(applied, "ALTER TABLE ONLY s.note ENABLE TRIGGER {note_row}"))
    apply(outbox, outbox_url)
    outbox.execute("INSERT INTO s.note VALUES (1, 1, 'x'), (1, 21, 'x')")
    assert outbox.execute("SELECT count(*) FROM outbox.event").fetchone() == (2,)
