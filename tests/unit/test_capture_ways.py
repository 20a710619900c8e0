"""Which way leads from each occurrence of a table to the root, written by hand for many views."""

from __future__ import annotations

import pytest

from outbox.capture.texts import Shape, ViewText
from outbox.capture.ways import Found, find
from outbox.problems import Code
from tests.unit.views_joined import JOINS, NONE, ROOT, Case
from tests.unit.views_nested import QUERIES

TABLES = {
    ("s", "layer"): ("id", "uuid", "title", "cat", "parent", "code", "tags"),
    ("s", "category"): ("id", "name", "parent", "code", "kind"),
    ("s", "link"): ("id", "layer_id", "keyword_id", "n"),
    ("s", "keyword"): ("id", "name", "lang"),
    ("s", "pick"): ("layer_uuid", "rank"),
}


def read(sql: str, beneath: dict[str, ViewText] | None = None) -> Found:
    """The analysis of a view with the columns id and v."""
    views = {("s", name): text for name, text in (beneath or {}).items()}
    shape = Shape({("s", "d"): ViewText(sql, ("id", "v", "w")), **views}, TABLES, frozenset({"jsonb_agg", "my_agg"}))
    return find(("s", "d"), shape)


def said(found: Found) -> dict[str, str]:
    """By alias what the chains say, with aliases for the names of occurrences."""
    aliases = {name: one.alias for name, one in found.graph.occurrences.items()}
    words = {}
    for name, chain in found.chains.items():
        text = NONE if chain is None else ROOT
        if chain is not None and len(chain.path) > 1:
            parts = [one.sql(dialect="postgres").replace('"', "") for one in chain.conditions]
            for occurrence, alias in aliases.items():
                parts = [part.replace(f"{occurrence}.", f"{alias}.") for part in parts]
            text = " & ".join(parts)
        words[aliases[name]] = text
    return words


CASES = {**JOINS, **QUERIES}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_way_of_each_occurrence(case: Case) -> None:
    found = read(case.sql, case.beneath)
    assert not found.problems
    assert said(found) == case.ways


REFUSED = {
    "set operation": (Code.SET_OPERATION, "SELECT l.uuid AS id FROM s.layer l UNION ALL SELECT c.id FROM s.category c"),
    "distinct": (Code.DISTINCT_DOCUMENTS, "SELECT DISTINCT l.uuid AS id FROM s.layer l"),
    "limit": (Code.LIMIT_DOCUMENTS, "SELECT l.uuid AS id FROM s.layer l LIMIT 10"),
    "offset": (Code.LIMIT_DOCUMENTS, "SELECT l.uuid AS id FROM s.layer l OFFSET 10"),
    "window": (Code.WINDOW, "SELECT l.uuid AS id, rank() OVER (ORDER BY l.title) AS v FROM s.layer l"),
    "limit beneath": (
        Code.LIMIT_DOCUMENTS,
        "SELECT t.uuid AS id FROM ( SELECT l.uuid FROM s.layer l ORDER BY l.title LIMIT 10) t",
    ),
    "window beneath": (
        Code.WINDOW,
        "SELECT t.uuid AS id, t.r AS v FROM ( SELECT l.uuid, rank() OVER (ORDER BY l.id) AS r FROM s.layer l) t",
    ),
    "set operation beneath": (
        Code.SET_OPERATION,
        "SELECT t.uuid AS id FROM ( SELECT l.uuid FROM s.layer l UNION SELECT x.layer_uuid FROM s.pick x) t",
    ),
    "id computed": (Code.ID_NOT_A_KEY, "SELECT concat('a', l.uuid) AS id FROM s.layer l"),
    "id an aggregate": (Code.ID_NOT_A_KEY, "SELECT min(l.uuid) AS id FROM s.layer l"),
    "recursive": (
        Code.RECURSIVE,
        "WITH RECURSIVE t(id) AS ( SELECT l.uuid, l.id FROM s.layer l UNION ALL SELECT p.uuid, p.id"
        " FROM (s.layer p JOIN t ON ((p.parent = t.id)))) SELECT t.id FROM t",
    ),
    "a table that Postgres does not name": (Code.VIEW_NOT_READ, "SELECT z.id FROM s.unknown z"),
    "no SQL at all": (Code.VIEW_NOT_READ, "SELECT ((( FROM"),
    "tablesample": (Code.VIEW_NOT_READ, "SELECT l.uuid AS id FROM s.layer l TABLESAMPLE bernoulli (10)"),
}


@pytest.mark.parametrize(("code", "sql"), REFUSED.values(), ids=REFUSED)
def test_refused_as_a_whole(code: Code, sql: str) -> None:
    assert code in {problem.code for problem in read(sql).problems}


def test_every_problem_at_once() -> None:
    found = read("SELECT DISTINCT l.uuid AS id, rank() OVER (ORDER BY l.title) AS v FROM s.layer l LIMIT 10")
    assert [one.code for one in found.problems] == [Code.DISTINCT_DOCUMENTS, Code.LIMIT_DOCUMENTS, Code.WINDOW]


def test_counts_each_table_of_a_text_once_however_often_it_is_used() -> None:
    found = read(CASES["CTE with names of its own, used twice"].sql)
    assert found.seen == {("s", "d"): {("s", "layer"): 1, ("s", "link"): 1}}


def test_counts_the_queries_that_aggregate() -> None:
    assert read(CASES["count in a sub-query"].sql).aggregating == {("s", "d"): 1}
    assert read(CASES["join"].sql).aggregating == {("s", "d"): 0}


def test_follows_the_casts_of_id() -> None:
    root = read("SELECT ((l.uuid)::text)::character varying(9) AS id FROM s.layer l").root
    assert root is not None
    assert [cast.sql(dialect="postgres") for cast in root.casts] == ["TEXT", "VARCHAR(9)"]
