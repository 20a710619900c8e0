"""Each reason to refuse or to warn, provoked in a real database: its code, and that a view beside it has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from outbox.connection import Connection
from outbox.problems import Code, Severity
from tests.integration.captured import SQL, analysed

BEFORE = {
    "volatile": "CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
    "stable": "CREATE FUNCTION s.f(integer) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM s.keyword'",
    "immutable": "CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
    "materialized": "CREATE MATERIALIZED VIEW s.m AS SELECT id, name FROM s.category",
    "policy": "ALTER TABLE s.category ENABLE ROW LEVEL SECURITY",
    "foreign": "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER v FOREIGN DATA WRAPPER w;"
    "CREATE FOREIGN TABLE s.f (id integer, name text) SERVER v",
    "no constraint": "ALTER TABLE s.layer ALTER uuid DROP NOT NULL",
    "collation": "CREATE COLLATION s.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
    "CREATE TABLE s.c (k text COLLATE s.ci PRIMARY KEY)",
}
RECURSIVE = """WITH RECURSIVE t AS (SELECT l.id, l.id AS top FROM s.layer l UNION
    SELECT p.id, t.top FROM s.layer p JOIN t ON p.parent = t.id)
    SELECT l.uuid AS id, (SELECT count(*) FROM t WHERE t.top = l.id) AS v FROM s.layer l"""
LINKED = "FROM s.link JOIN s.keyword k ON k.id = link.keyword_id"


@dataclass(frozen=True)
class Case:
    """A view (SELECT), what is made before it, settings, and the problems that must be found, with their objects."""

    select: str
    expected: set[tuple[Code, str]]
    before: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


CASES = {
    "nothing": Case("SELECT uuid AS id, title FROM s.layer", set()),
    "no id": Case("SELECT uuid, title FROM s.layer", {(Code.ID_MISSING, "s.d")}),
    "not unique": Case("SELECT title AS id FROM s.layer", {(Code.ID_NOT_A_KEY, "s.layer.title")}),
    "nullable": Case("SELECT uuid AS id FROM s.layer", {(Code.ID_NULLABLE, "s.layer.uuid")}, BEFORE["no constraint"]),
    "key of another type": Case(
        "SELECT k AS id FROM s.dated", {(Code.KEY_TYPE, "s.dated.k")}, "CREATE TABLE s.dated (k date PRIMARY KEY)"
    ),
    "a cast that cuts": Case("SELECT uuid::varchar(8) AS id FROM s.layer", {(Code.KEY_TYPE, "s.layer.uuid")}),
    "a cast to another text": Case("SELECT id::numeric(9, 2) AS id FROM s.layer", {(Code.KEY_TYPE, "s.layer.id")}),
    "json": Case("SELECT uuid AS id, to_json(title) AS v FROM s.layer", {(Code.COLUMN_TYPE, "s.d.v")}),
    "array of jsonb": Case(
        "SELECT uuid AS id, ARRAY[to_jsonb(title)] AS v FROM s.layer", {(Code.COLUMN_TYPE, "s.d.v")}
    ),
    "interval": Case("SELECT uuid AS id, interval '1 s' AS v FROM s.layer", {(Code.COLUMN_TYPE, "s.d.v")}),
    "range": Case("SELECT uuid AS id, int4range(1, 2) AS v FROM s.layer", {(Code.COLUMN_TYPE, "s.d.v")}),
    "composite": Case(
        "SELECT uuid AS id, layer AS v FROM s.layer", {(Code.COLUMN_TYPE, "s.d.v"), (Code.WHOLE_ROW, "s.d")}
    ),
    "reserved name": Case('SELECT uuid AS id, title AS "_root_" FROM s.layer', {(Code.COLUMN_NAME, "s.d._root_")}),
    "name of ours": Case("SELECT uuid AS id, title AS deleted FROM s.layer", {(Code.COLUMN_NAME, "s.d.deleted")}),
    "name of a companion": Case(
        "SELECT uuid AS id, title, code::varchar AS title_s FROM s.layer", {(Code.COLUMN_NAME, "s.d.title")}
    ),
    "[fields] of a column that is not there": Case(
        "SELECT uuid AS id FROM s.layer", {(Code.COLUMN_NAME, "s.d.x")}, settings={"fields": {"x": "string"}}
    ),
    "whole row": Case("SELECT uuid AS id, to_jsonb(l)::text AS v FROM s.layer l", {(Code.WHOLE_ROW, "s.d")}),
    "system column": Case("SELECT uuid AS id, xmin::text AS v FROM s.layer", {(Code.SYSTEM_COLUMN, "s.d")}),
    "volatile": Case("SELECT uuid AS id, random() AS v FROM s.layer", {(Code.VOLATILE_FUNCTION, "s.d")}),
    "volatile by default": Case(
        "SELECT uuid AS id, s.f(cat) AS v FROM s.layer", {(Code.VOLATILE_FUNCTION, "s.d")}, BEFORE["volatile"]
    ),
    "the clock": Case("SELECT uuid AS id FROM s.layer WHERE now() > '2020-01-01'", {(Code.VOLATILE_FUNCTION, "s.d")}),
    "today": Case("SELECT uuid AS id, CURRENT_DATE AS v FROM s.layer", {(Code.VOLATILE_FUNCTION, "s.d")}),
    "a function that reads a table": Case(
        "SELECT uuid AS id, s.f(cat) AS v FROM s.layer", {(Code.TABLE_FUNCTION, "s.d")}, BEFORE["stable"]
    ),
    "its table is declared": Case(
        "SELECT uuid AS id, s.f(cat) AS v FROM s.layer", set(), BEFORE["stable"], {"ways": {"s.keyword": "all"}}
    ),
    "an immutable function": Case("SELECT uuid AS id, s.f(cat) AS v FROM s.layer", set(), BEFORE["immutable"]),
    "materialized view": Case(
        "SELECT l.uuid AS id, m.name AS v FROM s.layer l JOIN s.m ON m.id = l.cat",
        {(Code.MATERIALIZED_VIEW, "s.m")},
        BEFORE["materialized"],
    ),
    "foreign table": Case(
        "SELECT l.uuid AS id, f.name AS v FROM s.layer l JOIN s.f ON f.id = l.cat",
        {(Code.FOREIGN_TABLE, "s.f")},
        BEFORE["foreign"],
    ),
    "Postgres' own table": Case(
        "SELECT l.uuid AS id FROM s.layer l JOIN pg_class c ON c.relname::text = l.code",
        {(Code.SYSTEM_TABLE, "pg_catalog.pg_class")},
    ),
    "policies that the superuser bypasses": Case(
        "SELECT uuid AS id FROM s.layer, s.category c WHERE c.id = cat", set(), BEFORE["policy"]
    ),
    "a declared table that is not there": Case(
        "SELECT uuid AS id FROM s.layer", {(Code.DECLARED_WAY, "s.x")}, settings={"ways": {"s.x": "all"}}
    ),
    "declared SQL that is none": Case(
        "SELECT uuid AS id FROM s.layer, s.pick", {(Code.VIEW_NOT_READ, "")}, settings={"ways": {"s.pick": "SELEC"}}
    ),
    "recursive": Case(RECURSIVE, {(Code.RECURSIVE, "s.d")}),
    "recursive, but all is declared": Case(RECURSIVE, set(), settings={"ways": {"s.layer": "all"}}),
    "a text that only the other print makes readable": Case(
        "SELECT l.uuid AS id, ARRAY(SELECT k.name FROM unnest(l.tags) u (t) JOIN s.keyword k ON k.name = u.t) AS v"
        " FROM s.layer l",
        {(Code.NO_ORDER, "s.d")},
    ),
    "a window, but all is declared": Case(
        "SELECT uuid AS id, rank() OVER (ORDER BY title) AS v FROM s.layer",
        {(Code.KEYED_READ, "")},
        settings={"ways": {"s.layer": "all"}},
    ),
    "a computed id stays refused": Case(
        "SELECT title || code AS id FROM s.layer", {(Code.ID_NOT_A_KEY, "s.d")}, settings={"ways": {"s.layer": "all"}}
    ),
    "no way, declared": Case(
        "SELECT uuid AS id, title FROM s.layer, s.pick", set(), settings={"ways": {"s.pick": "all"}}
    ),
    "a list without order": Case(
        "SELECT uuid AS id, ARRAY(SELECT n FROM s.link k WHERE k.layer_id = l.id) AS v FROM s.layer l",
        {(Code.NO_ORDER, "s.d")},
    ),
    "a list in order": Case(
        "SELECT uuid AS id, ARRAY(SELECT n FROM s.link k WHERE k.layer_id = l.id ORDER BY 1) AS v FROM s.layer l", set()
    ),
    "an aggregate without order, in a view beneath": Case(
        "SELECT l.uuid AS id, v.names FROM s.layer l JOIN s.v ON v.layer_id = l.id",
        {(Code.NO_ORDER, "s.v")},
        f"CREATE VIEW s.v AS SELECT layer_id, string_agg(k.name, ', ') AS names {LINKED} GROUP BY layer_id",
    ),
    "an aggregate in order, in a view beneath": Case(
        "SELECT l.uuid AS id, v.names, v.n FROM s.layer l JOIN s.v ON v.layer_id = l.id",
        set(),
        f"CREATE VIEW s.v AS SELECT layer_id, string_agg(k.name, ', ' ORDER BY k.name) AS names, count(*) AS n {LINKED}"
        " GROUP BY layer_id",
    ),
    "several at once": Case(
        "SELECT title AS id, now() AS v, json '1' AS w FROM s.layer, s.category",
        {
            (Code.ID_NOT_A_KEY, "s.layer.title"),
            (Code.VOLATILE_FUNCTION, "s.d"),
            (Code.COLUMN_TYPE, "s.d.w"),
            (Code.NO_WAY, "s.category"),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_finds_exactly_these(outbox: Connection, case: Case) -> None:
    outbox.execute(SQL["tables"])
    if case.before:
        outbox.execute(case.before.encode())
    outbox.execute(f"CREATE VIEW s.d AS {case.select}".encode())
    analysis = analysed(outbox, **case.settings)
    found = {(problem.code, problem.where) for problem in analysis.problems}
    assert {code for code, _ in found} == {code for code, _ in case.expected}
    assert {where for _, where in case.expected if where} <= {where.split(" ")[0] for _, where in found}
    wrong = [problem for problem in analysis.problems if problem.severity is Severity.ERROR]
    assert (analysis.definition is None) == bool(wrong)
    assert all(problem.what.endswith(".") and problem.cure.endswith(".") for problem in analysis.problems)


def test_a_view_that_is_not_there(outbox: Connection) -> None:
    (problem,) = analysed(outbox, "s.d").problems
    assert problem.code is Code.VIEW_MISSING


def test_a_collation_that_takes_two_texts_for_one(outbox: Connection) -> None:
    outbox.execute("CREATE SCHEMA s")
    try:
        outbox.execute(BEFORE["collation"].encode())
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server is built without ICU, which such collations need")
    outbox.execute("CREATE VIEW s.d AS SELECT k AS id FROM s.c")
    assert {(one.code, one.where) for one in analysed(outbox).problems} == {(Code.KEY_TYPE, "s.c.k")}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        ("CREATE TABLE public.d (id integer)", Code.VIEW_NOT_A_VIEW),
        ("CREATE MATERIALIZED VIEW public.d AS SELECT 1 AS id", Code.MATERIALIZED_VIEW),
    ],
)
def test_no_view(outbox: Connection, make: str, code: Code) -> None:
    outbox.execute(make.encode())
    (problem,) = analysed(outbox, "public.d").problems
    assert problem.code is code
