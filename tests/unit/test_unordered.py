"""Which lists of a view have no order, by the text that Postgres prints of it."""

from __future__ import annotations

import pytest

from outbox.capture.texts import Shape, ViewText
from outbox.capture.unordered import unordered
from outbox.problems import Code, Severity

AGGREGATES = frozenset({"array_agg", "string_agg", "json_agg", "jsonb_agg", "count", "min", "sum"})
TEXT = " SELECT k.id,\n    ? AS v\n   FROM s.k;"
LISTS = "SELECT array_agg(q.n) FROM ( SELECT k.n FROM s.k ORDER BY k.n) q"

UNORDERED = [
    "array_agg(k.name)",
    "string_agg(k.name, ')'::text)",
    "json_agg(k.name)",
    "jsonb_agg(k.name) FILTER (WHERE (k.id > 1))",
    "json_object_agg(k.a, k.b)",
    "xmlagg(k.x)",
    "array_agg(ROW(k.a, k.b))",
    "array_agg(k.n) OVER (PARTITION BY k.x)",
    "ARRAY( SELECT k.n FROM s.k)",
    "ARRAY( SELECT DISTINCT k.n FROM s.k)",
    "ARRAY( SELECT DISTINCT u.t FROM unnest(l.tags) u(t))",
    "ARRAY( SELECT k.n FROM s.k UNION SELECT k.m FROM s.k)",
    "ARRAY( SELECT k.n FROM s.k LIMIT 2)",
    "ARRAY( SELECT count(*) FROM s.k GROUP BY k.n)",
    "ARRAY( SELECT u.t FROM unnest(l.tags) u(t) JOIN s.k ON k.n = u.t)",
    "(ARRAY( SELECT k.n FROM s.k))[1]",
    f"( {LISTS} GROUP BY q.m)",
    f"( {LISTS} JOIN s.m ON m.n = q.n)",
]
IN_ORDER = [
    "array_agg(k.name ORDER BY k.name)",
    "array_agg(DISTINCT k.name)",
    "string_agg(k.name, ','::text ORDER BY k.name)",
    "json_agg(k.name ORDER BY k.name)",
    "jsonb_agg(k.name ORDER BY k.n) FILTER (WHERE (k.id > 1))",
    "jsonb_object_agg(k.a, k.b)",
    "array_agg(k.n) OVER (PARTITION BY k.x ORDER BY k.y)",
    "count(k.n)",
    "sum(k.n)",
    "bool_or(k.n)",
    "min(k.n)",
    "ARRAY[k.n, k.m]",
    "ARRAY( SELECT k.n FROM s.k ORDER BY k.n)",
    "ARRAY( SELECT DISTINCT k.n FROM s.k ORDER BY k.n)",
    "ARRAY( SELECT k.n FROM s.k UNION SELECT k.m FROM s.k ORDER BY 1)",
    "ARRAY( SELECT k.n FROM s.k LIMIT 1)",
    "ARRAY( SELECT count(*) FROM s.k)",
    "ARRAY( SELECT u.t FROM unnest(l.tags) u(t))",
    "ARRAY( SELECT u.t FROM regexp_split_to_table(l.title, ' '::text) u(t))",
    "ARRAY( SELECT q.n FROM ( SELECT k.n FROM s.k ORDER BY k.n) q)",
    f"( {LISTS})",
    "(l.x = ANY (ARRAY( SELECT k.n FROM s.k)))",
    "(ARRAY( SELECT k.n FROM s.k) && l.tags)",
    "cardinality(ARRAY( SELECT k.n FROM s.k))",
    "public.sort(array_agg(k.n))",
]


def shape(expression: str) -> Shape:
    text = ViewText(TEXT.replace("?", expression), ("id", "v"))
    return Shape({("s", "d"): text}, {}, AGGREGATES)


@pytest.mark.parametrize("expression", UNORDERED)
def test_names_a_list_without_order(expression: str) -> None:
    (problem,) = unordered(shape(expression))
    assert (problem.code, problem.severity, problem.where) == (Code.NO_ORDER, Severity.WARNING, "s.d")
    named = problem.what.removesuffix(" has no ORDER BY: equal documents may differ in the order of its values.")
    assert named in expression
    assert (bare := named.replace("')'", "")).count("(") == bare.count(")")
    assert "ORDER BY" in problem.cure


@pytest.mark.parametrize("expression", IN_ORDER)
def test_says_nothing_of_a_list_in_order(expression: str) -> None:
    assert list(unordered(shape(expression))) == []


def test_writes_the_order_into_the_call() -> None:
    (problem,) = unordered(shape("string_agg(k.name, ','::text)"))
    assert problem.cure == "Write string_agg(k.name, ','::text ORDER BY k.name), or another order that decides."


def test_shortens_a_long_list() -> None:
    (problem,) = unordered(shape(f"array_agg((k.name || '{'x' * 300}'::text))"))
    assert len(problem.what) < 200
