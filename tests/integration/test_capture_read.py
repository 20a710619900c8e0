"""The worker's read and the enumeration, as they are composed for a view: keys, documents, hashes, and the plan."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID

import pytest
from psycopg import sql

from outbox.connection import Connection
from outbox.index import Definition
from outbox.problems import Code
from tests.integration.captured import SQL, analysed, definition_of

CLAIM = """INSERT INTO outbox.claim (number, leased_until, work_lease, lane, index, target, keys, events)
    VALUES (%s, now() + interval '1 h', '1 h', 'live', 1, 1, %s, '{}')"""
CROWD = 20_000


def claimed(connection: Connection, definition: Definition, keys: list[str], number: int = 1) -> list[tuple[Any, ...]]:
    connection.execute(CLAIM, (number, keys))
    return rows(connection, definition, number)


def rows(connection: Connection, definition: Definition, number: int, only: list[str] | None = None) -> list[Any]:
    return connection.execute(definition.read.encode(), {"number": number, "only": only}).fetchall()


def one(connection: Connection, select: LiteralString) -> dict[str, Any]:
    """The document of a view with one row, whose key is 1."""
    connection.execute("CREATE TABLE public.t (id integer PRIMARY KEY); INSERT INTO public.t VALUES (1)")
    connection.execute(sql.SQL("CREATE VIEW public.d AS SELECT t.id, {} FROM public.t").format(sql.SQL(select)))
    definition = definition_of(connection, "public.d")
    ((key, document, _),) = claimed(connection, definition, ["1"])
    assert key == "1"
    found: dict[str, Any] = json.loads(document)
    assert found.pop("id") == "1"
    return found


VALUES: dict[str, tuple[LiteralString, object]] = {
    "text": ("'a\"b'::text", 'a"b'),
    "char is without its padding": ("'ab'::character(5)", "ab"),
    "uuid": ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "bigint": ("9007199254740993::bigint", 9007199254740993),
    "real": ("0.1::real", 0.1),
    "minus zero": ("'-0'::double precision", 0),
    "NaN": ("'NaN'::double precision", None),
    "infinity": ("'-Infinity'::double precision", None),
    "numeric NaN": ("'NaN'::numeric", None),
    "numeric": ("12.50::numeric", 12.5),
    "boolean": ("true", True),
    "timestamptz": ("'2024-05-06 07:08:09.123456+02'::timestamptz", "2024-05-06T05:08:09.123Z"),
    "timestamptz cuts, never rounds up": ("'2024-12-31 23:59:59.999999+00'::timestamptz", "2024-12-31T23:59:59.999Z"),
    "timestamp is UTC": ("'2024-05-06 07:08:09'::timestamp", "2024-05-06T07:08:09.000Z"),
    "date": ("'2024-05-06'::date", "2024-05-06T00:00:00.000Z"),
    "endless": ("'infinity'::timestamptz", None),
    "endless date": ("'-infinity'::date", None),
    "1 BC is year 0": ("'0001-03-04 BC'::date", "0000-03-04T00:00:00.000Z"),
    "44 BC": ("'0044-03-15 BC'::date", "-0043-03-15T00:00:00.000Z"),
    "year 12345": ("'12345-01-02'::date", "+12345-01-02T00:00:00.000Z"),
    "texts": ("ARRAY['b', 'a', NULL]", ["b", "a", None]),
    "times": ("ARRAY['2024-01-02', 'infinity']::date[]", ["2024-01-02T00:00:00.000Z", None]),
    "numbers": ("ARRAY[2, 'NaN', 1]::double precision[]", [2, None, 1]),
    "no array": ("NULL::double precision[]", None),
    "empty array": ("'{}'::timestamptz[]", []),
    "a box": ("outbox.envelope(1, 2, 3, 4)", "ENVELOPE(1, 2, 4, 3)"),
}  # fmt: skip


@pytest.mark.parametrize(("select", "expected"), VALUES.values(), ids=VALUES)
def test_a_value_as_solr_wants_it(outbox: Connection, select: LiteralString, expected: object) -> None:
    assert one(outbox, f"{select} AS v") == {"v": expected}


@pytest.fixture
def crowd(outbox: Connection) -> Connection:
    """Layers 1 to 20,000, every second with two links; category and parent by remainder."""
    outbox.execute(SQL["tables"])
    outbox.execute(SQL["crowd"])
    return outbox


JOINED = """CREATE VIEW s.d AS SELECT l.uuid AS id, l.title, c.name AS category,
    ARRAY(SELECT k.name FROM s.link x JOIN s.keyword k ON k.id = x.keyword_id WHERE x.layer_id = l.id ORDER BY 1) AS ks
    FROM s.layer l LEFT JOIN s.category c ON c.id = l.cat WHERE l.code IS DISTINCT FROM '7'"""


def test_gives_each_key_its_document_and_the_others_none(crowd: Connection) -> None:
    crowd.execute(JOINED)
    hidden = uuid(7)  # its code is 7
    found = claimed(crowd, definition_of(crowd), [uuid(1), uuid(1), hidden])
    read = {key: (text, hashed) for key, text, hashed in found}
    text, hashed = read.pop(uuid(1))
    assert json.loads(text) == {"id": uuid(1), "title": "title 1", "category": "name 1", "ks": []}
    assert hashed == hashlib.sha256(text.encode()).hexdigest()[:32]
    assert read == {hidden: (None, None)}


def test_gives_nothing_unless_the_claim_is_in_flight_on_this_server(crowd: Connection) -> None:
    crowd.execute(JOINED)
    definition = definition_of(crowd)
    assert claimed(crowd, definition, [uuid(1)])
    assert not rows(crowd, definition, 2)
    crowd.execute("UPDATE outbox.claim SET server = server - interval '1 s' WHERE number = 1")
    assert not rows(crowd, definition, 1)
    crowd.execute("UPDATE outbox.claim SET server = DEFAULT, ended_at = now(), outcome = 'lost' WHERE number = 1")
    assert not rows(crowd, definition, 1)


def test_reads_only_the_keys_that_it_is_asked_for(crowd: Connection) -> None:
    crowd.execute(JOINED)
    definition = definition_of(crowd)
    claimed(crowd, definition, [uuid(1), uuid(2)])
    assert [key for key, _, _ in rows(crowd, definition, 1, only=[uuid(2)])] == [uuid(2)]


def test_shows_a_key_twice_that_the_view_shows_twice(crowd: Connection) -> None:
    crowd.execute("CREATE VIEW s.d AS SELECT l.uuid AS id FROM s.layer l JOIN s.link x ON x.layer_id = l.id")
    assert [key for key, _, _ in claimed(crowd, definition_of(crowd), [uuid(2)])] == [uuid(2), uuid(2)]


def test_the_document_is_the_applied_columns_whatever_the_view_gets(crowd: Connection) -> None:
    crowd.execute("CREATE VIEW s.d AS SELECT uuid AS id, title FROM s.layer")
    definition = definition_of(crowd)
    crowd.execute("CREATE OR REPLACE VIEW s.d AS SELECT uuid AS id, title, cat FROM s.layer")
    ((_, text, _),) = claimed(crowd, definition, [uuid(1)])
    assert set(json.loads(text)) == {"id", "title"}


def test_searches_the_index_of_the_key(crowd: Connection) -> None:
    crowd.execute(JOINED)
    analysis = analysed(crowd)
    assert analysis.definition is not None
    assert {one.code for one in analysis.problems} <= {Code.NO_INDEX}
    crowd.execute(CLAIM, (1, [uuid(number) for number in range(1, 501)]))
    explain = f"EXPLAIN (ANALYZE) {analysis.definition.read}".encode()
    plan = "\n".join(row[0] for row in crowd.execute(explain, {"number": 1, "only": None}))
    assert "layer_uuid_key" in plan
    assert not re.search(r"Seq Scan on layer", plan)


def test_a_cast_key_without_an_index_of_its_own_is_a_warning(crowd: Connection) -> None:
    crowd.execute("CREATE VIEW s.d AS SELECT l.uuid::text AS id FROM s.layer l")
    (problem,) = analysed(crowd).problems
    assert problem.code is Code.KEYED_READ
    cure = re.search(r"CREATE UNIQUE INDEX .*\)", problem.cure)
    assert cure
    crowd.execute(cure[0].encode())
    assert not analysed(crowd).problems


def test_enumerates_in_key_order_chunk_by_chunk(crowd: Connection) -> None:
    crowd.execute(JOINED)
    definition = definition_of(crowd)
    found = chunks(lambda after: page(crowd, definition.enumerate, {"after": after, "most": 700}))
    assert found == [uuid(number) for number in range(1, CROWD + 1) if number != 7]


def test_enumerates_a_way_as_it_expands_it(crowd: Connection) -> None:
    crowd.execute(JOINED)
    (way,) = [one for one in definition_of(crowd).ways if one.table == '"s"."keyword"']
    parameters = {"route": '[["1"], ["2"]]', "most": 700}
    found = chunks(lambda after: page(crowd, way.enumerate, {**parameters, "after": after}))
    assert found == [uuid(number) for number in range(2, CROWD + 1, 2)]


def test_expands_no_more_rows_than_asked_for_and_says_when_there_are_more(crowd: Connection) -> None:
    crowd.execute(JOINED)
    (way,) = [one for one in definition_of(crowd).ways if one.table == '"s"."keyword"']
    together = {"ids": [5, 6], "routes": ['[["1"]]', '[["99"], [null]]'], "most": 501}
    found = crowd.execute(way.expand.encode(), together).fetchall()
    assert len(found) == 501
    assert {event for event, _ in found} == {5}


def test_a_percent_sign_of_the_view_is_none_of_ours(crowd: Connection) -> None:
    crowd.execute("CREATE VIEW s.d AS SELECT l.uuid AS id FROM s.layer l JOIN s.category c ON c.code = l.code || '%s%'")
    (way,) = definition_of(crowd).ways
    together = {"ids": [5], "routes": ['[["12%s%"]]'], "most": 10}
    assert crowd.execute(way.expand.encode(), together).fetchall() == [(5, uuid(12))]


def chunks(page_after: Callable[[str | None], list[str]]) -> list[str]:
    found: list[str] = []
    while page := page_after(found[-1] if found else None):
        found += page
    return found


def page(connection: Connection, statement: str, parameters: dict[str, Any]) -> list[str]:
    return [row[0] for row in connection.execute(statement.encode(), parameters)]


def uuid(number: int) -> str:
    return str(UUID(int=number))
