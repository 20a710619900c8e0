"""A whole-row reference leaves no column behind in pg_depend: then every column is tracked."""

from __future__ import annotations

from psycopg import sql

from outbox.connection import Connection
from tests.integration.captured import SQL, capture


def test_every_column_of_a_row_that_is_read_as_a_whole_is_tracked(outbox: Connection, outbox_url: str) -> None:
    outbox.execute(SQL["tables"])
    outbox.execute("CREATE VIEW s.d AS SELECT l.id, to_jsonb(l)::text AS v FROM s.layer l")
    outbox.execute("INSERT INTO s.layer (id, uuid) SELECT i, gen_random_uuid() FROM generate_series(1, 2) AS i")
    captured = capture(outbox, outbox_url)
    for column in ("title", "code", "cat", "parent"):
        outbox.execute(sql.SQL("UPDATE s.layer SET {} = '7' WHERE id = 2").format(sql.Identifier(column)))
        assert captured.keys() == {"2"}, column
