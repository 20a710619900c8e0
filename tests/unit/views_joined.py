"""Views of joins and of sub-queries in expressions, each with the way of every occurrence, written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from outbox.capture.texts import ViewText

NONE = "no way"
ROOT = "root"


@dataclass(frozen=True)
class Case:
    """A view's text; by alias the conditions of the way, ROOT or NONE; by name the views beneath it."""

    sql: str
    ways: dict[str, str]
    beneath: dict[str, ViewText] = field(default_factory=dict)


JOINS = {
    "join": Case(
        "SELECT l.uuid AS id, c.name AS v FROM (s.layer l JOIN s.category c ON ((c.id = l.cat)))",
        {"l": ROOT, "c": "c.id = l.cat"},
    ),
    "left joins, one hanging on the other": Case(
        "SELECT l.uuid AS id, p.name AS v FROM ((s.layer l LEFT JOIN s.category c ON ((c.id = l.cat)))"
        " LEFT JOIN s.category p ON ((p.id = c.parent)))",
        {"l": ROOT, "c": "c.id = l.cat", "p": "c.id = l.cat & p.id = c.parent"},
    ),
    "right join": Case(
        "SELECT l.uuid AS id, c.name AS v FROM (s.category c RIGHT JOIN s.layer l ON ((c.id = l.cat)))",
        {"l": ROOT, "c": "c.id = l.cat"},
    ),
    "full join: the root is never null": Case(
        "SELECT l.uuid AS id, c.name AS v FROM (s.layer l FULL JOIN s.category c ON ((c.id = l.cat)))",
        {"l": ROOT, "c": NONE},
    ),
    "USING": Case(
        "SELECT l.uuid AS id, c.name AS v FROM (s.layer l JOIN s.category c USING (code))",
        {"l": ROOT, "c": "l.code = c.code"},
    ),
    "USING three times": Case(
        "SELECT l.uuid AS id FROM ((s.layer l JOIN s.category c USING (code)) JOIN s.category e USING (code))",
        {"l": ROOT, "c": "l.code = c.code", "e": "l.code = e.code"},
    ),
    "WHERE of a comma join": Case(
        "SELECT l.uuid AS id FROM s.layer l, s.category c WHERE ((l.cat = c.id) AND (c.kind = 'a'::text))",
        {"l": ROOT, "c": "l.cat = c.id"},
    ),
    "two columns together": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON (((c.code = l.code) AND (c.id = l.cat))))",
        {"l": ROOT, "c": "c.code = l.code & c.id = l.cat"},
    ),
    "a cast stays": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((c.id = (l.code)::integer)))",
        {"l": ROOT, "c": "c.id = CAST((l.code) AS INT)"},
    ),
    "an expression of one table": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((lower(c.code) = COALESCE(l.code, l.title))))",
        {"l": ROOT, "c": "LOWER(c.code) = COALESCE(l.code, l.title)"},
    ),
    "OR gives no way": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON (((c.id = l.cat) OR (c.code = l.code))))",
        {"l": ROOT, "c": NONE},
    ),
    "a comparison, where there is nothing better": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((c.id > l.cat)))", {"l": ROOT, "c": "c.id > l.cat"}
    ),
    "a comparison beside an equality is left out": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON (((c.id > l.cat) AND (c.code = l.code))))",
        {"l": ROOT, "c": "c.code = l.code"},
    ),
    "BETWEEN": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON (((l.cat >= c.id) AND (l.cat <= c.parent))))",
        {"l": ROOT, "c": "l.cat >= c.id & l.cat <= c.parent"},
    ),
    "LIKE": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((l.code ~~ (c.code || '%'::text))))",
        {"l": ROOT, "c": "l.code LIKE (c.code || CAST('%' AS TEXT))"},
    ),
    "IS NOT DISTINCT FROM": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((NOT (c.code IS DISTINCT FROM l.code))))",
        {"l": ROOT, "c": "c.code IS NOT DISTINCT FROM l.code"},
    ),
    "a function of two tables": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON (public.near(l.code, c.code)))",
        {"l": ROOT, "c": "public.near(l.code, c.code)"},
    ),
    "CASE and functions": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((CASE WHEN (c.id > 2) THEN c.code"
        " ELSE NULLIF(c.name, 'x'::text) END = substr(l.code, 1, 2))))",
        {
            "l": ROOT,
            "c": "CASE WHEN (c.id > 2) THEN c.code ELSE NULLIF(c.name, CAST('x' AS TEXT)) END"
            " = SUBSTRING(l.code FROM 1 FOR 2)",
        },
    ),
    "elements of an array": Case(
        "SELECT l.uuid AS id, ( SELECT count(*) AS count FROM unnest(l.tags) e(v), s.keyword k"
        " WHERE (k.name = e.v)) AS v FROM s.layer l",
        {"l": ROOT, "k": "k.name = ANY(l.tags)"},
    ),
    "elements of two arrays, or with their numbers": Case(
        "SELECT l.uuid AS id FROM s.layer l, LATERAL unnest(l.tags) WITH ORDINALITY e(v, n), s.keyword k"
        " WHERE (k.name = e.v)",
        {"l": ROOT, "k": NONE},
    ),
    "|| of an array may make something of nothing": Case(
        "SELECT l.uuid AS id FROM ((s.layer l LEFT JOIN s.layer p ON ((p.id = l.parent)))"
        " JOIN s.category c ON ((c.code = ANY ((p.tags || ARRAY['a'::text])))))",
        {"l": ROOT, "p": "p.id = l.parent", "c": NONE},
    ),
    "|| of an array that is null": Case(
        "SELECT l.uuid AS id, p.title AS v FROM (s.layer l JOIN s.layer p ON ((l.code = ANY ((p.tags || '1'::text)))))",
        {"l": ROOT, "p": "l.code = ANY((p.tags || CAST('1' AS TEXT)))"},
    ),
    "|| of two texts does not": Case(
        "SELECT l.uuid AS id FROM ((s.layer l LEFT JOIN s.link x ON ((x.layer_id = l.id)))"
        " JOIN s.category c ON ((c.code = ((x.n)::text || 'a'::text))))",
        {
            "l": ROOT,
            "x": "x.layer_id = l.id",
            "c": "x.layer_id = l.id & c.code = (CAST((x.n) AS TEXT) || CAST('a' AS TEXT))",
        },
    ),
    "NOT of an equality gives no way": Case(
        "SELECT l.uuid AS id FROM s.layer l, s.category c WHERE (NOT (c.id = l.cat))", {"l": ROOT, "c": NONE}
    ),
    "cross join": Case("SELECT l.uuid AS id FROM (s.layer l CROSS JOIN s.category c)", {"l": ROOT, "c": NONE}),
    "array sub-query": Case(
        "SELECT l.uuid AS id, ARRAY( SELECT k.name FROM (s.link x JOIN s.keyword k ON ((k.id = x.keyword_id)))"
        " WHERE (x.layer_id = l.id) ORDER BY k.name) AS v FROM s.layer l",
        {"l": ROOT, "x": "x.layer_id = l.id", "k": "k.id = x.keyword_id & x.layer_id = l.id"},
    ),
    "scalar sub-query with LIMIT: what is written inside stays true": Case(
        "SELECT l.uuid AS id, ( SELECT x.n FROM s.link x WHERE (x.layer_id = l.id) ORDER BY x.n LIMIT 1) AS v"
        " FROM s.layer l",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "count in a sub-query": Case(
        "SELECT l.uuid AS id, ( SELECT count(*) AS count FROM s.link x WHERE (x.layer_id = l.id)) AS v FROM s.layer l",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "uncorrelated sub-query gives no way": Case(
        "SELECT l.uuid AS id, ( SELECT max(x.n) AS max FROM s.link x) AS v FROM s.layer l", {"l": ROOT, "x": NONE}
    ),
    "a condition in a sub-query proves nothing of the tables outside": Case(
        "SELECT l.uuid AS id, ARRAY( SELECT x.n FROM s.link x WHERE ((x.layer_id = l.id) AND (x.n = c.id))) AS v"
        " FROM (s.layer l CROSS JOIN s.category c)",
        {"l": ROOT, "c": NONE, "x": "x.layer_id = l.id"},
    ),
    "EXISTS": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (EXISTS ( SELECT 1 FROM s.link x WHERE (x.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "EXISTS joins two tables outside": Case(
        "SELECT l.uuid AS id FROM s.layer l, s.keyword k WHERE (EXISTS ( SELECT 1 FROM s.link x"
        " WHERE ((x.layer_id = l.id) AND (x.keyword_id = k.id))))",
        {"l": ROOT, "k": "x.layer_id = l.id & x.keyword_id = k.id", "x": "x.layer_id = l.id"},
    ),
    "EXISTS in an OR does not": Case(
        "SELECT l.uuid AS id FROM s.layer l, s.keyword k WHERE ((EXISTS ( SELECT 1 FROM s.link x"
        " WHERE ((x.layer_id = l.id) AND (x.keyword_id = k.id)))) OR (l.cat = 1))",
        {"l": ROOT, "k": NONE, "x": "x.layer_id = l.id"},
    ),
    "EXISTS of a count is always true": Case(
        "SELECT l.uuid AS id FROM s.layer l, s.keyword k WHERE (EXISTS ( SELECT count(*) AS count FROM s.link x"
        " WHERE ((x.layer_id = l.id) AND (x.keyword_id = k.id))))",
        {"l": ROOT, "k": NONE, "x": "x.layer_id = l.id"},
    ),
    "NOT EXISTS": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (NOT (EXISTS ( SELECT 1 FROM s.link x WHERE (x.layer_id = l.id))))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "IN": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (l.id IN ( SELECT x.layer_id FROM s.link x))",
        {"l": ROOT, "x": "l.id = x.layer_id"},
    ),
    "IN under OR": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE ((l.id IN ( SELECT x.layer_id FROM s.link x)) OR (l.cat = 1))",
        {"l": ROOT, "x": "l.id = x.layer_id"},
    ),
    "IN over two columns": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE ((l.id, l.cat) IN ( SELECT x.layer_id, x.n FROM s.link x))",
        {"l": ROOT, "x": "l.id = x.layer_id & l.cat = x.n"},
    ),
    "NOT IN: one null changes all": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (NOT (l.id IN ( SELECT x.layer_id FROM s.link x)))",
        {"l": ROOT, "x": NONE},
    ),
    "IN over a LIMIT": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (l.id IN ( SELECT x.layer_id FROM s.link x ORDER BY x.n LIMIT 9))",
        {"l": ROOT, "x": NONE},
    ),
    "= ANY of an array sub-query": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (l.id = ANY (ARRAY( SELECT x.layer_id FROM s.link x)))",
        {"l": ROOT, "x": "l.id = x.layer_id"},
    ),
    "= ANY of an array column": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.keyword k ON ((k.name = ANY (l.tags))))",
        {"l": ROOT, "k": "k.name = ANY(l.tags)"},
    ),
    "= a sub-query": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (l.cat = ( SELECT c.id FROM s.category c WHERE (c.id = 1)))",
        {"l": ROOT, "c": "l.cat = c.id"},
    ),
    "= the greatest gives no way": Case(
        "SELECT l.uuid AS id FROM s.layer l WHERE (l.cat = ( SELECT max(c.id) AS max FROM s.category c))",
        {"l": ROOT, "c": NONE},
    ),
}
