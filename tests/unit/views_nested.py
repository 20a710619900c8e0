"""Views over CTEs, derived tables, set operations and other views, each with the way of every occurrence, by hand."""

from __future__ import annotations

from outbox.capture.texts import ViewText
from tests.unit.views_joined import NONE, ROOT, Case

QUERIES = {
    "CTE": Case(
        "WITH t AS ( SELECT x.layer_id, k.name FROM (s.link x JOIN s.keyword k ON ((k.id = x.keyword_id))))"
        " SELECT l.uuid AS id, t.name AS v FROM (s.layer l JOIN t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id", "k": "k.id = x.keyword_id & x.layer_id = l.id"},
    ),
    "CTE with names of its own, used twice": Case(
        "WITH t(a, b) AS ( SELECT x.layer_id, x.n FROM s.link x)"
        " SELECT l.uuid AS id FROM ((s.layer l JOIN t t1 ON ((t1.a = l.id))) LEFT JOIN t t2 ON ((t2.a = l.cat)))",
        {"l": ROOT, "x": "x.layer_id = l.cat"},
    ),
    "a CTE that nobody uses": Case(
        "WITH t AS ( SELECT x.layer_id FROM s.link x) SELECT l.uuid AS id FROM s.layer l", {"l": ROOT}
    ),
    "aggregating derived table": Case(
        "SELECT l.uuid AS id, n.count AS v FROM (s.layer l LEFT JOIN ( SELECT x.layer_id, count(*) AS count"
        " FROM s.link x GROUP BY x.layer_id) n ON ((n.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "an aggregate is no column to leave by": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT max(x.layer_id) AS m, x.keyword_id FROM s.link x"
        " GROUP BY x.keyword_id) n ON ((n.m = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "nor is one that only Postgres knows": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT my_agg(x.layer_id) AS m FROM s.link x) n ON ((n.m = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "GROUP BY ROLLUP": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT x.layer_id, count(*) AS c FROM s.link x"
        " GROUP BY ROLLUP(x.layer_id)) n ON ((n.layer_id = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "LATERAL with LIMIT": Case(
        "SELECT l.uuid AS id, t.n AS v FROM (s.layer l LEFT JOIN LATERAL ( SELECT x.n FROM s.link x"
        " WHERE (x.layer_id = l.id) ORDER BY x.n LIMIT 3) t ON (true))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "top ten, joined on its key": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT x.layer_id FROM s.link x ORDER BY x.n LIMIT 10) t"
        " ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "DISTINCT ON, left by its column": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT DISTINCT ON (x.layer_id) x.layer_id, x.n FROM s.link x"
        " ORDER BY x.layer_id, x.n) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "DISTINCT ON, not by another": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT DISTINCT ON (x.keyword_id) x.layer_id FROM s.link x"
        " ORDER BY x.keyword_id, x.n) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "window, left by its partition": Case(
        "SELECT l.uuid AS id, t.r AS v FROM (s.layer l JOIN ( SELECT x.layer_id, x.keyword_id,"
        " rank() OVER (PARTITION BY x.layer_id ORDER BY x.n) AS r FROM s.link x) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "window, not by another column": Case(
        "SELECT l.uuid AS id, t.r AS v FROM (s.layer l JOIN ( SELECT x.layer_id,"
        " rank() OVER (ORDER BY x.n) AS r FROM s.link x) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "two windows have to agree": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT x.layer_id, rank() OVER (PARTITION BY x.layer_id) AS r,"
        " rank() OVER (PARTITION BY x.keyword_id) AS q FROM s.link x) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": NONE},
    ),
    "named window": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN ( SELECT x.layer_id, rank() OVER w AS r FROM s.link x"
        " WINDOW w AS (PARTITION BY x.layer_id)) t ON ((t.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "UNION ALL beneath": Case(
        "SELECT l.uuid AS id, u.n AS v FROM (s.layer l JOIN ( SELECT x.layer_id, x.n FROM s.link x UNION ALL"
        " SELECT c.id, c.parent FROM s.category c) u ON ((u.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id", "c": "c.id = l.id"},
    ),
    "no way through a UNION from outside": Case(
        "SELECT l.uuid AS id FROM ((s.layer l JOIN ( SELECT x.layer_id, x.n FROM s.link x UNION ALL"
        " SELECT c.id, c.parent FROM s.category c) u ON ((u.layer_id = l.id))) JOIN s.keyword k ON ((k.id = u.n)))",
        {"l": ROOT, "x": "x.layer_id = l.id", "c": "c.id = l.id", "k": NONE},
    ),
    "a condition of an outer join proves nothing of a UNION beside it": Case(
        "SELECT l.uuid AS id FROM ((s.layer l CROSS JOIN ( SELECT x.layer_id FROM s.link x UNION ALL SELECT c.id"
        " FROM s.category c) u) LEFT JOIN s.keyword k ON (((k.id = u.layer_id) AND (u.layer_id = l.id))))",
        {"l": ROOT, "x": NONE, "c": NONE, "k": NONE},
    ),
    "the same table twice": Case(
        "SELECT l.uuid AS id, a.name AS v, b.name AS w FROM ((s.layer l LEFT JOIN s.category a ON ((a.id = l.cat)))"
        " LEFT JOIN s.category b ON ((b.code = l.code)))",
        {"l": ROOT, "a": "a.id = l.cat", "b": "b.code = l.code"},
    ),
    "self-join with the parent": Case(
        "SELECT l.uuid AS id, p.title AS v FROM (s.layer l LEFT JOIN s.layer p ON ((p.id = l.parent)))",
        {"l": ROOT, "p": "p.id = l.parent"},
    ),
    "coalesce over an outer join proves nothing": Case(
        "SELECT l.uuid AS id FROM (s.layer l LEFT JOIN s.link x ON ((x.layer_id = l.id)))"
        " WHERE (COALESCE(x.n, 1) = l.cat)",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "nor does it lead on": Case(
        "SELECT l.uuid AS id FROM ((s.layer l LEFT JOIN s.link x ON ((x.layer_id = l.id)))"
        " JOIN s.category c ON ((c.id = COALESCE(x.n, 1))))",
        {"l": ROOT, "x": "x.layer_id = l.id", "c": NONE},
    ),
    "an outer join that a condition makes an inner one": Case(
        "SELECT l.uuid AS id FROM ((s.layer l LEFT JOIN s.link x ON ((x.layer_id = l.id)))"
        " JOIN s.category c ON ((c.id = x.n)))",
        {"l": ROOT, "x": "x.layer_id = l.id", "c": "x.layer_id = l.id & c.id = x.n"},
    ),
    "an ON of the kept side proves nothing of it": Case(
        "SELECT l.uuid AS id FROM ((s.layer l CROSS JOIN s.category c) LEFT JOIN s.link x"
        " ON (((x.layer_id = l.id) AND (c.id = l.cat))))",
        {"l": ROOT, "c": NONE, "x": "x.layer_id = l.id"},
    ),
    "a table inside the null-extended side": Case(
        "SELECT l.uuid AS id, k.name AS v FROM (s.layer l LEFT JOIN (s.link x JOIN s.keyword k"
        " ON ((k.id = x.keyword_id))) ON ((x.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id", "k": "k.id = x.keyword_id & x.layer_id = l.id"},
    ),
    "the key itself": Case(
        "SELECT l.uuid AS id, p.rank AS v FROM (s.layer l LEFT JOIN s.pick p ON ((p.layer_uuid = l.uuid)))",
        {"l": ROOT, "p": "p.layer_uuid = l.uuid"},
    ),
    "grouped documents": Case(
        "SELECT l.uuid AS id, array_agg(k.name ORDER BY k.name) AS v FROM ((s.layer l LEFT JOIN s.link x"
        " ON ((x.layer_id = l.id))) LEFT JOIN s.keyword k ON ((k.id = x.keyword_id))) GROUP BY l.uuid",
        {"l": ROOT, "x": "x.layer_id = l.id", "k": "x.layer_id = l.id & k.id = x.keyword_id"},
    ),
    "HAVING": Case(
        "SELECT l.uuid AS id FROM s.layer l GROUP BY l.uuid, l.id"
        " HAVING (EXISTS ( SELECT 1 FROM s.link x WHERE (x.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "one table, no aliases": Case("SELECT uuid AS id, title AS v FROM s.layer", {"layer": ROOT}),
    "nested view": Case(
        "SELECT b.ident AS id, b.name AS v FROM s.b WHERE (b.kind = 'a'::text)",
        {"l": ROOT, "c": "c.id = l.cat"},
        {"b": ViewText(
            "SELECT l.uuid, c.name, c.kind FROM (s.layer l JOIN s.category c ON ((c.id = l.cat)));",
            ("ident", "name", "kind"),
        )},
    ),
    "nested aggregating view": Case(
        "SELECT l.uuid AS id, b.n AS v FROM (s.layer l LEFT JOIN s.b ON ((b.layer_id = l.id)))",
        {"l": ROOT, "x": "x.layer_id = l.id"},
        {"b": ViewText("SELECT x.layer_id, count(*) AS n FROM s.link x GROUP BY x.layer_id;", ("layer_id", "n"))},
    ),
    "a function over a column in FROM": Case(
        "SELECT l.uuid AS id, u.t AS v FROM s.layer l, LATERAL unnest(l.tags) u(t)", {"l": ROOT}
    ),
    "renamed columns of a table": Case(
        "SELECT l.a AS id, c.name AS v FROM (s.layer l(z, a) JOIN s.category c ON ((c.id = l.cat)))",
        {"l": ROOT, "c": "c.id = l.cat"},
    ),
    "a sub-query in ON": Case(
        "SELECT l.uuid AS id FROM (s.layer l LEFT JOIN s.category c ON (((c.id = l.cat) AND (EXISTS ( SELECT 1"
        " FROM s.link x WHERE (x.n = c.id))))))",
        {"l": ROOT, "c": "c.id = l.cat", "x": "c.id = l.cat & x.n = c.id"},
    ),
    "CASE with EXISTS": Case(
        "SELECT l.uuid AS id, CASE WHEN (EXISTS ( SELECT 1 FROM s.link x WHERE (x.layer_id = l.id))) THEN 1 ELSE 0 END"
        " AS v FROM s.layer l",
        {"l": ROOT, "x": "x.layer_id = l.id"},
    ),
    "an operator of a schema": Case(
        "SELECT l.uuid AS id FROM (s.layer l JOIN s.category c ON ((c.code OPERATOR(public.=) l.code)))",
        {"l": ROOT, "c": "c.code OPERATOR(public.=) l.code"},
    ),
}  # fmt: skip
