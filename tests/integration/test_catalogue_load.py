"""The sample catalogue in a real Postgres: loaded whole or not at all, the same each time; and its boxes."""

from __future__ import annotations

import re
from typing import LiteralString

import psycopg
import pytest
from psycopg.rows import TupleRow

from examples.catalogue import generate
from examples.catalogue.generate import CatalogueNotEmpty, rows
from outbox.errors import OutboxError

Connection = psycopg.Connection[TupleRow]
DIGEST = "SELECT md5(string_agg(document::text, '|' ORDER BY id)) FROM catalogue.layer_document AS document"
INFINITY, NAN = float("inf"), float("nan")

# west, east, south, north; the box; its status
BOXES: list[tuple[tuple[float | None, ...], str | None, str]] = [
    ((5.5, 10.1, 45, 48), "5.5, 10.1, 48, 45", "ok"),
    ((177, -178, -20, -12), "177, -178, -12, -20", "ok"),
    ((170, 190, 1, 2), "170, -170, 2, 1", "ok"),
    ((-190, -170, 1, 2), "170, -170, 2, 1", "ok"),
    ((350, 10, 1, 2), "-10, 10, 2, 1", "ok"),
    ((0, 359.5, -90, 90), "0, -0.5, 90, -90", "ok"),
    ((0, 360, -90, 90), "-180, 180, 90, -90", "ok"),
    ((-180, 180, -90, 90), "-180, 180, 90, -90", "ok"),
    ((180, -180, -90, 90), "-180, 180, 90, -90", "mended"),
    ((10, 5, 1, 2), "5, 10, 2, 1", "mended"),
    ((190, 170, 1, 2), "170, -170, 2, 1", "mended"),
    ((1, 2, 4, 3), "1, 2, 4, 3", "mended"),
    ((1, 2, 3, 95), "1, 2, 90, 3", "mended"),
    ((1, 2, -95, 97), "1, 2, 90, -90", "mended"),
    ((1, 2, 95, 97), "1, 2, 90, 90", "mended"),
    ((3, 3, 4, 4), "3, 3, 4, 4", "ok"),
    ((1e-7, 2e-300, -0.0, 1e-12), "0, 0.0000001, 0, 0", "mended"),
    ((7.123456789012345, 8, 0, 1), "7.123456789, 8, 1, 0", "ok"),
    ((180, 180, 0, 1), "180, 180, 1, 0", "ok"),
    ((-180, -180, 0, 1), "-180, -180, 1, 0", "ok"),
    ((None, 1, 1, 1), None, "missing"),
    ((1, 1, 1, None), None, "missing"),
    ((None, NAN, INFINITY, 1e9), None, "missing"),
    ((NAN, 1, 1, 1), None, "invalid"),
    ((1, 1, 1, -INFINITY), None, "invalid"),
    ((1e308, -1e308, 1e308, -1e308), None, "projected"),
    ((500_000, 600_000, 1, 2), None, "projected"),
    ((1, 2, 3, 5_000_000), None, "projected"),
]


def _box(connection: Connection, box: tuple[float | None, ...]) -> tuple[str | None, str]:
    statement: LiteralString = """
        WITH box AS MATERIALIZED (SELECT %s::float8 AS x0, %s::float8 AS x1, %s::float8 AS y0, %s::float8 AS y1)
        SELECT outbox.envelope(x0, x1, y0, y1), outbox.envelope_status(x0, x1, y0, y1) FROM box
    """
    row = connection.execute(statement, box).fetchone()
    assert row
    return row[0], row[1]


def test_a_box_is_made_of_anything(outbox: Connection) -> None:
    for box, text, status in BOXES:
        assert _box(outbox, box) == (text and f"ENVELOPE({text})", status), box


def test_constants_that_are_no_box_do_not_fail_either(outbox: Connection) -> None:
    # Postgres computes what is constant before it asks the CASE.
    row = outbox.execute("SELECT outbox.envelope(1e308, -1e308, 1e308, 'NaN'), outbox.envelope('NaN', 1, 1, 1)")
    assert row.fetchone() == (None, None)


def test_a_box_has_the_type_that_apply_knows_and_is_part_of_the_query(outbox: Connection) -> None:
    outbox.execute("CREATE TEMP TABLE box (x0 float8, x1 float8, y0 float8, y1 float8)")
    outbox.execute("CREATE TEMP VIEW boxed AS SELECT outbox.envelope(x0, x1, y0, y1) AS bbox FROM box")
    typed = "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'boxed'::regclass AND attname = 'bbox'"
    assert outbox.execute(typed).fetchone() == ("outbox.envelope",)
    plan = " ".join(row[0] for row in outbox.execute("EXPLAIN (VERBOSE, COSTS OFF) SELECT bbox FROM boxed"))
    assert "CASE WHEN" in plan, "called for each row, not inlined"


def test_the_load_is_the_same_each_time(connection: Connection) -> None:
    generate.load(connection, layers=300, seed=7)
    first = connection.execute(DIGEST).fetchone()
    generate.load(connection, layers=300, seed=8, replace=True)
    assert connection.execute(DIGEST).fetchone() != first
    generate.load(connection, layers=300, seed=7, replace=True)
    assert connection.execute(DIGEST).fetchone() == first


def test_what_is_loaded_is_what_was_made(connection: Connection) -> None:
    generate.load(connection, layers=300)
    stored = connection.execute(
        "SELECT id, uuid::text, title, abstract, popular_count FROM catalogue.layer ORDER BY id"
    )
    made = [(each.id, each.uuid, each.title, each.abstract, each.popular_count) for each in rows(300, 7)]
    assert stored.fetchall() == made
    links = connection.execute("SELECT count(*) FROM catalogue.layer_keyword").fetchone()
    assert links == (sum(len(each.keywords) for each in rows(300, 7)),)


def test_layers_that_are_there_are_kept(connection: Connection) -> None:
    generate.load(connection, layers=20)
    with pytest.raises(CatalogueNotEmpty, match="--replace"):
        generate.load(connection, layers=10)
    assert connection.execute("SELECT count(*) FROM catalogue.layer").fetchone() == (20,)


def test_replace_keeps_tables_triggers_and_view(connection: Connection) -> None:
    generate.load(connection, layers=20)
    connection.execute("ALTER VIEW catalogue.layer_document RENAME COLUMN title TO heading")
    before = connection.execute("SELECT 'catalogue.layer'::regclass::oid").fetchone()
    generate.load(connection, layers=10, replace=True)
    assert connection.execute("SELECT 'catalogue.layer'::regclass::oid").fetchone() == before
    assert connection.execute("SELECT count(heading) FROM catalogue.layer_document").fetchone() == (10,)


def test_rows_can_be_added_after_a_load(connection: Connection) -> None:
    generate.load(connection, layers=20)
    added = "INSERT INTO catalogue.layer (name, title, owner_id) VALUES ('a', 'b', 1) RETURNING id"
    assert connection.execute(added).fetchone() == (21,)


def test_rows_come_and_go_in_any_order_within_a_transaction(connection: Connection) -> None:
    generate.load(connection, layers=20)
    with connection.transaction():
        connection.execute("DELETE FROM catalogue.layer WHERE id = 3")
        connection.execute("DELETE FROM catalogue.layer_keyword WHERE layer_id = 3")
        connection.execute("DELETE FROM catalogue.layer_region WHERE layer_id = 3")
    with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
        connection.execute("DELETE FROM catalogue.layer WHERE id = 4")


def test_lists_are_sorted_and_keywords_distinct(connection: Connection) -> None:
    generate.load(connection, layers=300)
    for keywords, regions in connection.execute("SELECT keywords, regions FROM catalogue.layer_document"):
        assert len(set(keywords)) == len(keywords)
        assert regions == sorted(regions)


def test_without_our_schema_nothing_is_left_behind(connection: Connection) -> None:
    connection.execute("DROP SCHEMA outbox CASCADE")
    connection.commit()
    with pytest.raises(OutboxError, match="outbox migrate"):
        generate.load(connection, layers=10)
    assert connection.execute("SELECT to_regnamespace('catalogue')").fetchone() == (None,)


def test_the_command_loads(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE_URL", database_url)
    assert generate.main(["--layers", "30"]) == 0
    assert re.match(r"30 layers in \S+, schema catalogue, [\d.]+ s\n", capsys.readouterr().out)
    assert generate.main(["--layers", "30"]) == 1
    assert "--replace" in capsys.readouterr().err
