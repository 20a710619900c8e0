"""What is said of data and indexes: two rows of one id, lookups that no index supports; and that the cures cure."""

from __future__ import annotations

import re

import pytest

from outbox.capture import catalogue as catalogues
from outbox.capture.graph import Occurrence, Region
from outbox.capture.two_rows import is_single, two_rows
from outbox.capture.ways import Root
from outbox.connection import Connection
from outbox.problems import Code, Problem, Severity
from tests.integration.captured import SQL, analysed

KEYWORDS = """SELECT uuid AS id, ARRAY(SELECT k.name FROM s.link JOIN s.keyword k ON k.id = keyword_id
    WHERE layer_id = l.id ORDER BY 1) AS v FROM s.layer l"""


GROUPED = """SELECT uuid AS id, q.n
    FROM s.layer l JOIN (SELECT layer_id, count(*) AS n FROM s.link GROUP BY layer_id) q ON q.layer_id = l.id"""
PARTITIONED = """CREATE TABLE s.p (id integer, cat integer, PRIMARY KEY (id, cat)) PARTITION BY LIST (cat);
    CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES IN (1);
    CREATE TABLE s.p2 PARTITION OF s.p DEFAULT;
    INSERT INTO s.p SELECT i, i % 2 FROM generate_series(1, 60000) AS i;
    CREATE INDEX ON s.layer (cat)"""


def made(connection: Connection, select: str, *, crowd: bool = True, before: str = "SELECT 1") -> None:
    connection.execute(SQL["tables"])
    connection.execute(before.encode())
    if crowd:
        connection.execute(SQL["crowd"])
    connection.execute(f"CREATE VIEW s.d AS {select}".encode())


def found(connection: Connection, ways: dict[str, str] | None = None) -> list[Problem]:
    return analysed(connection, ways=ways or {}).problems


def cure(connection: Connection, problem: Problem) -> None:
    """Run the statement that the cure prints."""
    match = re.search(r"CREATE INDEX.*;", problem.cure)
    assert match, problem.cure
    connection.execute(match[0].encode())


MISSING = {
    "an event's": ("SELECT uuid AS id, c.name FROM s.layer l JOIN s.category c ON c.id = l.cat", '"s"."layer" ("cat")'),
    "with a cast": (
        "SELECT uuid AS id, c.name FROM s.layer l JOIN s.category c ON c.code = l.cat::text",
        '"s"."layer" ((CAST(("cat") AS TEXT)))',
    ),
    "of two columns": (
        "SELECT uuid AS id, c.name FROM s.layer l JOIN s.category c ON c.id = l.cat AND c.code = l.code",
        '"s"."layer" ("cat", "code")',
    ),
}


@pytest.mark.parametrize(("select", "index"), MISSING.values(), ids=MISSING)
def test_prints_the_index_that_events_lack(outbox: Connection, select: str, index: str) -> None:
    made(outbox, select)
    (problem,) = found(outbox)
    assert (problem.code, problem.severity, problem.where) == (Code.NO_INDEX, Severity.WARNING, "s.layer")
    assert "each change of s.category (c)" in problem.what
    assert problem.cure == f"Run CREATE INDEX CONCURRENTLY ON {index}; outside a transaction."
    cure(outbox, problem)
    assert found(outbox) == []


def test_prints_the_index_that_reads_lack(outbox: Connection) -> None:
    made(outbox, KEYWORDS)
    assert found(outbox) == []
    outbox.execute("DROP INDEX s.link_layer_id_idx")
    (problem,) = found(outbox)
    assert (problem.code, problem.where) == (Code.NO_INDEX, "s.link")
    assert "each read of documents" in problem.what
    assert problem.cure == 'Run CREATE INDEX CONCURRENTLY ON "s"."link" ("layer_id"); outside a transaction.'
    cure(outbox, problem)
    assert found(outbox) == []


def test_an_index_that_begins_with_another_column_does_not_help(outbox: Connection) -> None:
    made(outbox, KEYWORDS)
    outbox.execute("DROP INDEX s.link_keyword_id_idx")
    outbox.execute("CREATE INDEX ON s.link (layer_id, keyword_id)")
    (problem,) = found(outbox)
    assert '("keyword_id")' in problem.cure


def test_a_small_table_needs_no_index(outbox: Connection) -> None:
    made(outbox, MISSING["an event's"][0], crowd=False)
    outbox.execute("INSERT INTO s.layer SELECT i, gen_random_uuid() FROM generate_series(1, 1000) AS i")
    assert found(outbox) == []


def test_a_key_in_the_changed_row_needs_no_lookup(outbox: Connection) -> None:
    made(
        outbox,
        "SELECT l.uuid AS id, ARRAY(SELECT rank FROM s.pick WHERE layer_uuid = l.uuid ORDER BY 1) AS v FROM s.layer l",
    )
    assert found(outbox) == []


def test_no_index_supports_the_elements_of_an_array(outbox: Connection) -> None:
    made(
        outbox,
        "SELECT uuid AS id, ARRAY(SELECT name FROM s.keyword WHERE name = ANY (l.tags) ORDER BY 1) AS v FROM s.layer l",
    )
    (problem,) = found(outbox)
    assert (problem.code, problem.where) == (Code.NO_INDEX, "s.layer")
    assert "array" in problem.what


def test_a_sub_query_that_is_computed_as_a_whole(outbox: Connection) -> None:
    made(outbox, GROUPED)
    (problem,) = found(outbox)
    assert (problem.code, problem.where) == (Code.KEYED_READ, "s.link")
    assert "LATERAL" in problem.cure


def test_a_partitioned_table_gets_an_index_that_postgres_takes(outbox: Connection) -> None:
    select = "SELECT uuid AS id, ARRAY(SELECT p.cat FROM s.p WHERE p.cat = l.cat ORDER BY 1) AS v FROM s.layer l"
    made(outbox, select, before=PARTITIONED)
    (problem,) = found(outbox)
    assert (problem.code, problem.where) == (Code.NO_INDEX, "s.p")
    cure(outbox, problem)
    assert found(outbox) == []


def test_a_declared_way_that_reads_a_table_as_a_whole(outbox: Connection) -> None:
    made(outbox, "SELECT uuid AS id, title FROM s.layer, s.pick")
    way = "SELECT uuid FROM s.layer WHERE title = $2->>'rank'"
    (problem,) = found(outbox, ways={"s.pick": way})
    assert (problem.code, problem.where) == (Code.NO_INDEX, '"s"."pick"')
    outbox.execute("CREATE INDEX ON s.layer (title)")
    assert found(outbox, ways={"s.pick": way}) == []


TWICE = "SELECT l.uuid AS id, k.keyword_id FROM s.layer l JOIN s.link k ON k.layer_id = l.id"


def test_names_the_ids_that_have_two_rows(outbox: Connection) -> None:
    made(outbox, TWICE)
    analysis = analysed(outbox)
    (problem,) = analysis.problems
    assert (problem.code, problem.severity, problem.where) == (Code.TWO_ROWS, Severity.ERROR, "s.d")
    assert problem.what.startswith("10,000 ids have more than one row: 00000000-0000-0000-0000-000000000002 (2 rows), ")
    assert problem.what.count("(2 rows)") == 3
    assert analysis.definition is None


def test_one_id_with_two_rows(outbox: Connection) -> None:
    made(outbox, TWICE, crowd=False)
    outbox.execute("INSERT INTO s.layer SELECT i, gen_random_uuid() FROM generate_series(1, 3) AS i")
    outbox.execute("INSERT INTO s.link (id, layer_id) VALUES (1, 1), (2, 2)")
    assert found(outbox) == []
    outbox.execute("INSERT INTO s.link (id, layer_id) VALUES (3, 2)")
    (problem,) = found(outbox)
    assert problem.what.startswith("one id has more than one row: ")


def test_says_that_it_could_not_count_in_time(outbox: Connection) -> None:
    made(outbox, TWICE)
    view = catalogues.find(outbox, "s.d")
    assert view is not None
    catalogue = catalogues.read(outbox, view[0])
    (problem,) = two_rows(outbox, catalogue, root(outbox), longest_ms=1)
    assert (problem.code, problem.severity) == (Code.TWO_ROWS, Severity.WARNING)
    assert "not in 0.001 s" in problem.what
    assert outbox.execute("SHOW statement_timeout").fetchone() == ("30s",)


SINGLE = {
    "one table": "SELECT uuid AS id FROM s.layer l",
    "unique joins": "SELECT uuid AS id FROM s.layer l JOIN s.category c ON c.id = l.cat"
    " LEFT JOIN s.category p ON p.id = c.parent",
    "in WHERE": "SELECT uuid AS id FROM s.category c, s.layer l WHERE c.id = l.cat",
    "one row of a sub-query": "SELECT l.uuid AS id FROM s.layer l"
    " LEFT JOIN LATERAL (SELECT count(*) AS n FROM s.link k WHERE k.layer_id = l.id) q ON true",
}  # fmt: skip
NOT_PROVEN = {
    "a join by no unique column": TWICE,
    "a left join by no unique column": "SELECT l.uuid AS id FROM s.layer l LEFT JOIN s.link k ON k.layer_id = l.id",
    "a cross join": "SELECT l.uuid AS id FROM s.layer l, s.category c",
    "a circle": "SELECT l.uuid AS id FROM s.layer l, s.category c, s.category p"
    " WHERE c.id = p.parent AND p.id = c.parent",
    "a cast": "SELECT l.uuid AS id FROM s.layer l JOIN s.category c ON c.id::smallint = l.cat",
    "more than equal": "SELECT l.uuid AS id FROM s.layer l JOIN s.category c ON c.id > l.cat",
    "a set": "SELECT l.uuid AS id, unnest(l.tags) AS v FROM s.layer l",
    "an outer join to the left": "SELECT l.uuid AS id FROM s.layer l RIGHT JOIN s.category c ON c.id = l.cat",
    "the root to the right": "SELECT l.uuid AS id FROM s.link k LEFT JOIN s.layer l ON l.id = k.layer_id",
    "an outer join's own condition for another table": "SELECT l.uuid AS id FROM s.layer l CROSS JOIN s.category c"
    " LEFT JOIN s.keyword k ON k.id = c.parent AND c.id = l.cat",
}  # fmt: skip


def root(connection: Connection) -> Root:
    return Root(Occurrence("o1", ("s", "layer"), "l", Region()), "uuid", ())


@pytest.mark.parametrize(
    ("select", "single"),
    [*((one, True) for one in SINGLE.values()), *((one, False) for one in NOT_PROVEN.values())],
    ids=[*SINGLE, *NOT_PROVEN],
)
def test_proves_one_row_by_unique_joins_alone(outbox: Connection, select: str, single: bool) -> None:
    made(outbox, select, crowd=False)
    view = catalogues.find(outbox, "s.d")
    assert view is not None
    assert is_single(catalogues.read(outbox, view[0]), root(outbox)) is single
