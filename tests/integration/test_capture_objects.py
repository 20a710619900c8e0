"""No value of a document is a JSON object, which Solr would take as an update; and boxes that lost their type."""

from __future__ import annotations

import pytest

from outbox.connection import Connection
from outbox.problems import Code, Severity
from tests.integration.captured import analysed

TYPES = """CREATE SCHEMA s; CREATE TYPE s.pair AS (a integer, b text);
CREATE TYPE s.citext AS (a integer, b text);
CREATE DOMAIN s.object AS jsonb; CREATE DOMAIN s.objects AS jsonb[]; CREATE DOMAIN s.of_object AS s.object;
CREATE DOMAIN s.couple AS s.pair;
CREATE TABLE s.t (id integer PRIMARY KEY, a json, b jsonb, c json[], d jsonb[], e s.object, f s.objects, g s.of_object,
    h s.object[], i s.pair, j s.pair[], k s.couple, l s.couple[], m s.citext, n box);
INSERT INTO s.t VALUES (1, '{"set":1}', '{"set":1}', ARRAY['{"set":1}'::json], ARRAY['{"set":1}'::jsonb], '{"set":1}',
    ARRAY['{"set":1}'::jsonb], '{"set":1}', ARRAY['{"set":1}'::jsonb]::s.object[], (1, 'x'), ARRAY[(1, 'x')::s.pair],
    (1, 'x'), ARRAY[(1, 'x')::s.couple], (1, 'x'), '(1,1),(0,0)');
CREATE VIEW s.d AS SELECT * FROM s.t"""
COLUMNS = "abcdefghijklmn"
ARRAYS = "cdfhjl"


@pytest.fixture
def objects(outbox: Connection) -> Connection:
    outbox.execute(TYPES.encode())
    return outbox


@pytest.mark.parametrize("fields", [{}, dict.fromkeys(COLUMNS, "string")], ids=["default", "with [fields]"])
def test_every_type_that_json_shows_as_an_object_is_refused(objects: Connection, fields: dict[str, str]) -> None:
    found = analysed(objects, fields=fields)
    assert {(one.code, one.where) for one in found.problems} == {(Code.COLUMN_TYPE, f"s.d.{one}") for one in COLUMNS}
    assert found.definition is None
    for problem in found.problems:
        assert ("c::text[]" in problem.cure) == (problem.where[-1] in ARRAYS)
        assert "text" in problem.cure


def test_what_the_cure_says_is_taken_and_is_no_object(objects: Connection) -> None:
    casts = ", ".join(f"{one}::text{'[]' if one in ARRAYS else ''} AS {one}" for one in COLUMNS)
    objects.execute(b"DROP VIEW s.d")
    objects.execute(b"CREATE VIEW s.d AS SELECT id, " + casts.encode() + b" FROM s.t")
    assert analysed(objects).problems == []
    shown = objects.execute("SELECT to_jsonb(whole) FROM s.d AS whole").fetchone()
    assert shown is not None
    values = [value for each in shown[0].values() for value in (each if isinstance(each, list) else [each])]
    assert len(values) == len(COLUMNS) + 1
    assert not any(isinstance(value, dict) for value in values)


def test_hstore_is_refused(objects: Connection) -> None:
    if objects.execute("SELECT FROM pg_available_extensions WHERE name = 'hstore'").fetchone() is None:
        pytest.skip("this server has no hstore")
    objects.execute("CREATE EXTENSION hstore SCHEMA s")
    objects.execute("DROP VIEW s.d; CREATE VIEW s.d AS SELECT id, s.hstore('a', id::text) AS a FROM s.t")
    (problem,) = analysed(objects, fields={"a": "string"}).problems
    assert (problem.code, problem.where) == (Code.COLUMN_TYPE, "s.d.a")
    assert "avals(c)" in problem.cure


BOXES = """DROP VIEW s.d; CREATE VIEW s.d AS SELECT id, outbox.envelope(0, 1, 0, 1) AS whole,
    CASE WHEN id > 0 THEN outbox.envelope(0, 1, 0, 1) END AS lost, CASE WHEN id > 0 THEN 'x' END AS other FROM s.t"""


def test_asks_for_the_type_of_a_box_that_a_case_made_a_text(objects: Connection) -> None:
    objects.execute(BOXES.encode())
    found = analysed(objects)
    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.where) == (Code.COLUMN_TYPE, Severity.WARNING, "s.d.lost")
    assert problem.cure == 'Write lost = "bbox" (or "text_general") in [index.NAME.fields].'
    rescued = analysed(objects, fields={"lost": "bbox"})
    assert rescued.problems == []
    assert rescued.definition is not None
    types = {field.name: field.solr_type for field in rescued.definition.fields}
    assert (types["whole"], types["lost"], types["other"]) == ("bbox", "bbox", "text_general")


def test_only_a_text_can_be_a_box(objects: Connection) -> None:
    objects.execute("DROP VIEW s.d; CREATE VIEW s.d AS SELECT id, id AS a, ARRAY['x'] AS b FROM s.t")
    found = analysed(objects, fields={"a": "bbox", "b": "bbox"})
    assert {(one.code, one.where) for one in found.problems} == {
        (Code.COLUMN_TYPE, "s.d.a"),
        (Code.COLUMN_TYPE, "s.d.b"),
    }


def test_a_column_may_have_any_name_of_the_composed_statements(objects: Connection) -> None:
    names = ["x", "d", "k", "u", "key", "document", "e", "q", "r", "v", "t0"]
    shown = ", ".join(f"{number} AS {name}" for number, name in enumerate(names))
    objects.execute(b"DROP VIEW s.d; CREATE VIEW s.d AS SELECT id, " + shown.encode() + b" FROM s.t")
    assert analysed(objects).problems == []
