"""Tables of every sort: partitions, inheritance, types without equality, generated columns, declared ways."""

from __future__ import annotations

import psycopg
import pytest

from outbox.capture.install import install
from outbox.connection import Connection
from outbox.problems import Code
from tests.integration.captured import EVERYTHING, INDEX, SQL, Captured, analysed, capture, definition_of


def made(connection: Connection, url: str, tables: str, view: str, ways: dict[str, str] | None = None) -> Captured:
    connection.execute("CREATE SCHEMA s")
    connection.execute(tables.encode())
    connection.execute(f"CREATE VIEW s.d AS {view}".encode())
    return capture(connection, url, ways=ways or {})


def after(captured: Captured, statement: str) -> set[str]:
    captured.connection.execute(statement.encode())
    return captured.keys()


PARTITIONED = """
CREATE TABLE s.t (id bigint, part integer, title text, note text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE s.t1 PARTITION OF s.t FOR VALUES IN (1);
CREATE TABLE s.t2 (note text, gone text, title text, part integer NOT NULL, id bigint NOT NULL);
ALTER TABLE s.t2 DROP gone;
ALTER TABLE s.t ATTACH PARTITION s.t2 FOR VALUES IN (2);
CREATE TABLE s.r (id bigint PRIMARY KEY);
INSERT INTO s.r VALUES (1), (2), (3);
INSERT INTO s.t VALUES (1, 1, 'a'), (2, 2, 'b')
"""
OVER_PARTITIONS = "SELECT r.id, t.title FROM s.r LEFT JOIN s.t ON t.id = r.id"


def test_partitions(outbox: Connection, outbox_url: str) -> None:
    captured = made(outbox, outbox_url, PARTITIONED, OVER_PARTITIONS)
    assert after(captured, "UPDATE s.t SET title = title || 'x'") == {"1", "2"}
    assert after(captured, "UPDATE s.t2 SET title = 'y'") == {"2"}
    assert after(captured, "UPDATE s.t SET note = 'y'") == set()
    assert after(captured, "UPDATE s.t SET part = 2 WHERE id = 1") == {"1"}
    assert after(captured, "INSERT INTO s.t1 VALUES (3, 1, 'c')") == {"3"}
    assert after(captured, "DELETE FROM s.t WHERE id = 2") == {"2"}
    assert after(captured, "TRUNCATE s.t2") == {EVERYTHING}
    assert after(captured, "TRUNCATE s.t") == {EVERYTHING}


def test_a_partition_attached_later_is_captured_by_its_row_triggers(outbox: Connection, outbox_url: str) -> None:
    captured = made(outbox, outbox_url, PARTITIONED, OVER_PARTITIONS)
    outbox.execute("CREATE TABLE s.t3 PARTITION OF s.t FOR VALUES IN (3)")
    assert after(captured, "INSERT INTO s.t VALUES (3, 3, 'c')") == {"3"}


def test_a_partitioned_root(outbox: Connection, outbox_url: str) -> None:
    tables = """CREATE TABLE s.t (id bigint PRIMARY KEY, title text) PARTITION BY HASH (id);
        CREATE TABLE s.t0 PARTITION OF s.t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE s.t1 PARTITION OF s.t FOR VALUES WITH (MODULUS 2, REMAINDER 1)"""
    captured = made(outbox, outbox_url, tables, "SELECT id, title FROM s.t")
    assert after(captured, "INSERT INTO s.t SELECT i, 'x' FROM generate_series(1, 4) i") == {"1", "2", "3", "4"}
    assert after(captured, "UPDATE s.t SET id = 5 WHERE id = 1") == {"1", "5"}
    assert after(captured, "TRUNCATE s.t0") == {EVERYTHING}


def test_inheriting_tables(outbox: Connection, outbox_url: str) -> None:
    tables = """CREATE TABLE s.t (id bigint PRIMARY KEY, title text);
        CREATE TABLE s.child (extra text) INHERITS (s.t);
        INSERT INTO s.t VALUES (1, 'a'); INSERT INTO s.child VALUES (2, 'b', 'c')"""
    captured = made(outbox, outbox_url, tables, "SELECT id, title FROM s.t")
    assert after(captured, "UPDATE s.t SET title = 'x'") == {"1", "2"}
    assert after(captured, "UPDATE s.child SET extra = 'x'") == set()
    assert after(captured, "DELETE FROM s.child") == {"2"}
    assert after(captured, "TRUNCATE s.child") == {EVERYTHING}


TYPED = """CREATE TYPE s.pair AS (a integer, b json); CREATE DOMAIN s.doc AS json;
    CREATE TYPE s.mood AS ENUM ('sad', 'glad');
    CREATE TABLE s.t (id integer PRIMARY KEY, v KIND); INSERT INTO s.t VALUES (1, NULL), (2, NULL)"""
SET = "UPDATE s.t SET v = VALUE WHERE id = 1"
# By type two values whose texts differ; some are equal all the same.
VALUES = [
    ("json", "'{}'", "'[]'"),
    ("json[]", "ARRAY['{}'::json]", "ARRAY['[]'::json]"),
    ("xml", "'<a/>'", "'<b/>'"),
    ("point", "'(1,2)'", "'(1,3)'"),
    ("box", "'(0,0),(2,3)'", "'(0,0),(3,2)'"),
    ("s.pair", "ROW(1, '{}')", "ROW(1, '[]')"),
    ("s.pair[]", "ARRAY[ROW(1, '{}')::s.pair]", "ARRAY[ROW(1, '[]')::s.pair]"),
    ("s.doc", "'{}'", "'[]'"),
    ("numeric", "1.0", "1.00"),
    ("jsonb", "'1.0'", "'1.00'"),
    ("interval", "'1 day'", "'24 hours'"),
    ("text", "'a'", "'A'"),
    ("s.mood", "'sad'", "'glad'"),
    ("character(3)", "'a'", "'b'"),
    ("text[]", "'{a}'", "'{a,b}'"),
    ("double precision", "1", "1.0000000000000002"),
]


@pytest.mark.parametrize(("kind", "one", "other"), VALUES, ids=[kind for kind, _, _ in VALUES])
def test_every_type_is_compared_as_the_document_shows_it(
    outbox: Connection, outbox_url: str, kind: str, one: str, other: str
) -> None:
    if kind == "xml" and not has_xml(outbox):
        pytest.skip("this server is built without libxml")
    captured = made(outbox, outbox_url, TYPED.replace("KIND", kind), "SELECT id, v::text AS v FROM s.t")
    assert after(captured, SET.replace("VALUE", one)) == {"1"}  # from null
    assert after(captured, SET.replace("VALUE", one)) == set()
    assert after(captured, SET.replace("VALUE", other)) == {"1"}
    assert after(captured, SET.replace("VALUE", "NULL")) == {"1"}


def has_xml(connection: Connection) -> bool:
    try:
        connection.execute("SELECT '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def test_a_stored_generated_column_also_as_the_key(outbox: Connection, outbox_url: str) -> None:
    tables = """CREATE TABLE s.t (a integer, b integer, n integer,
            k text GENERATED ALWAYS AS (a::text || '-' || b::text) STORED UNIQUE NOT NULL,
            double integer GENERATED ALWAYS AS (n * 2) STORED);
        INSERT INTO s.t VALUES (1, 2, 3)"""
    captured = made(outbox, outbox_url, tables, "SELECT k AS id, double FROM s.t")
    assert after(captured, "UPDATE s.t SET n = 4") == {"1-2"}
    assert after(captured, "UPDATE s.t SET b = 5") == {"1-2", "1-5"}


def test_a_virtual_generated_column(outbox: Connection, outbox_url: str) -> None:
    if outbox.info.server_version < 180000:
        pytest.skip("virtual generated columns came with 18")
    tables = """CREATE TABLE s.t (id integer PRIMARY KEY, n integer, m integer,
        double integer GENERATED ALWAYS AS (n * 2) VIRTUAL); INSERT INTO s.t VALUES (1, 2, 3)"""
    captured = made(outbox, outbox_url, tables, "SELECT id, double FROM s.t")
    assert after(captured, "UPDATE s.t SET n = 4") == {"1"}
    assert after(captured, "UPDATE s.t SET m = 4") == set()
    (table,) = captured.definition.tables
    assert [column.name for column in table.tracked] == ["id", "n"]


def test_a_virtual_generated_column_is_no_way(outbox: Connection) -> None:
    if outbox.info.server_version < 180000:
        pytest.skip("virtual generated columns came with 18")
    outbox.execute(
        """CREATE SCHEMA s; CREATE TABLE s.t (id integer PRIMARY KEY);
        CREATE TABLE s.u (x integer, t integer GENERATED ALWAYS AS (x + 1) VIRTUAL, name text);
        CREATE VIEW s.d AS SELECT t.id, ARRAY(SELECT u.name FROM s.u WHERE u.t = t.id ORDER BY 1) AS names FROM s.t"""
    )
    (problem,) = analysed(outbox).problems
    assert (problem.code, problem.where) == (Code.NO_WAY, "s.u")
    assert "by t, a virtual generated column" in problem.what
    assert analysed(outbox, ways={"s.u": "SELECT ($1->>'x')::integer + 1"}).problems == []


def test_a_table_that_is_only_counted(outbox: Connection, outbox_url: str) -> None:
    tables = "CREATE TABLE s.t (id integer PRIMARY KEY, n integer); CREATE TABLE s.u (x integer, y integer)"
    view = "SELECT t.id, (SELECT count(*) FROM s.u) AS n FROM s.t"
    captured = made(outbox, outbox_url, tables, view, ways={"s.u": "all"})
    (counted,) = [table for table in captured.definition.tables if table.relation == '"s"."u"']
    assert counted.tracked == ()
    assert after(captured, "INSERT INTO s.u VALUES (1, 1)") == {EVERYTHING}
    assert after(captured, "UPDATE s.u SET x = 2, y = 3") == set()
    assert after(captured, "DELETE FROM s.u") == {EVERYTHING}


ACL = """CREATE TABLE s.t (id integer PRIMARY KEY, title text, lo integer);
    CREATE TABLE s.acl (id integer PRIMARY KEY, from_id integer, to_id integer, who text, note text);
    INSERT INTO s.t SELECT i, 'x', i FROM generate_series(1, 9) i; INSERT INTO s.acl VALUES (1, 2, 4, 'ann')"""
ACL_VIEW = """SELECT t.id, t.title,
    ARRAY(SELECT a.who FROM s.acl a WHERE t.lo BETWEEN a.from_id AND a.to_id ORDER BY 1) AS who FROM s.t"""
ACL_WAY = """SELECT t.id FROM s.t, (VALUES ($1), ($2)) AS r (j)
    WHERE t.lo BETWEEN (r.j->>'from_id')::integer AND (r.j->>'to_id')::integer AND 'a$1' <> '%';"""


def test_a_way_declared_as_sql(outbox: Connection, outbox_url: str) -> None:
    captured = made(outbox, outbox_url, ACL, ACL_VIEW, ways={"s.acl": ACL_WAY})
    assert after(captured, "UPDATE s.acl SET who = 'bob'") == {"2", "3", "4"}
    assert after(captured, "UPDATE s.acl SET note = 'bob'") == set()
    assert after(captured, "UPDATE s.acl SET from_id = 6, to_id = 7") == {"2", "3", "4", "6", "7"}
    assert after(captured, "INSERT INTO s.acl VALUES (2, 9, 9, 'eve')") == {"9"}
    assert after(captured, "DELETE FROM s.acl WHERE id = 2") == {"9"}


def test_a_composite_natural_key_join(outbox: Connection, outbox_url: str) -> None:
    tables = """CREATE TABLE s.t (id integer PRIMARY KEY, org text, code numeric);
        CREATE TABLE s.u (org varchar(9), code numeric(6, 2), name text);
        INSERT INTO s.t VALUES (1, 'a', 1.5), (2, 'a', 2), (3, 'b', 1.5); INSERT INTO s.u VALUES ('a', 1.50, 'x')"""
    view = "SELECT t.id, u.name FROM s.t LEFT JOIN s.u ON u.org = t.org AND u.code = t.code"
    captured = made(outbox, outbox_url, tables, view)
    assert after(captured, "UPDATE s.u SET name = 'y'") == {"1"}
    assert after(captured, "UPDATE s.u SET org = NULL") == {"1"}
    assert after(captured, "UPDATE s.u SET code = 7") == set()


def test_values_are_carried_alike_in_every_session(outbox: Connection, outbox_url: str) -> None:
    tables = """CREATE TABLE s.t (id integer PRIMARY KEY, at timestamptz, f double precision);
        CREATE TABLE s.u (at timestamptz, f double precision, name text);
        INSERT INTO s.t VALUES (1, '2024-02-03 04:05:06.789+00', 0.1::double precision + 0.2);
        INSERT INTO s.u SELECT at, f FROM s.t"""
    view = "SELECT t.id, u.name FROM s.t LEFT JOIN s.u ON u.at = t.at AND u.f = t.f"
    captured = made(outbox, outbox_url, tables, view)
    with psycopg.connect(outbox_url, autocommit=True) as user:
        user.execute("SET datestyle = 'German, DMY'; SET timezone = 'Asia/Kolkata'; SET extra_float_digits = -5")
        user.execute("UPDATE s.u SET name = 'x'")
    assert captured.keys() == {"1"}


def test_several_indexes_over_one_table(outbox: Connection, outbox_url: str) -> None:
    outbox.execute(SQL["tables"])
    outbox.execute("CREATE VIEW s.d AS SELECT uuid AS id, title FROM s.layer")
    outbox.execute("CREATE VIEW s.e AS SELECT id, title, code FROM s.layer")
    capture(outbox, outbox_url, "s.d")
    install(outbox_url, INDEX + 1, definition_of(outbox, "s.e"), lambda _: None)
    outbox.execute("INSERT INTO s.layer (id, uuid) VALUES (1, '00000000-0000-0000-0000-000000000001')")
    outbox.execute("UPDATE s.layer SET code = 'x'")
    found = outbox.execute("SELECT index, key, op::text FROM outbox.event ORDER BY op, index").fetchall()
    assert found == [(7, "00000000-0000-0000-0000-000000000001", "I"), (8, "1", "I"), (8, "1", "U")]


def test_a_recursive_view_with_declared_ways(outbox: Connection, outbox_url: str) -> None:
    tables = "CREATE TABLE s.t (id integer PRIMARY KEY, parent integer, note text)"
    view = """WITH RECURSIVE r AS (SELECT id, id AS top FROM s.t
        UNION SELECT t.id, r.top FROM s.t JOIN r ON t.parent = r.id)
        SELECT t.id, (SELECT count(*) FROM r WHERE r.top = t.id) AS n FROM s.t"""
    captured = made(outbox, outbox_url, tables, view, ways={"s.t": "all"})
    assert captured.definition.root == '"s"."t"'
    assert after(captured, "INSERT INTO s.t VALUES (1, NULL), (2, 1)") == {EVERYTHING}
    assert after(captured, "UPDATE s.t SET note = 'x'") == set()
