"""`check` of an index that was never applied, without Solr: what only a database of its own kind provokes.

What the text of a view provokes stands in test_capture_refusals.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox.check import check
from outbox.connection import Connection, connect
from outbox.problems import Code
from services.endpoints import Endpoints
from tests.conftest import cloned
from tests.integration.captured import SQL
from tests.integration.checked import Case, said, settings
from tests.integration.test_capture_refusals import CASES as REFUSALS
from tests.integration.test_check import CASES as APPLIED

PLAIN = "SELECT uuid AS id, title FROM s.layer"
STRANGER = (
    "CREATE ROLE {role}",
    "GRANT USAGE ON SCHEMA s, outbox TO {role}",
    "GRANT SELECT ON s.d TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA outbox TO {role}",
    "SET LOCAL ROLE {role}",
)
TWICE = (
    "INSERT INTO s.layer (id, uuid) VALUES (1, '00000000-0000-0000-0000-000000000001')",
    "INSERT INTO s.pick SELECT i, '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 2) AS i",
    "CREATE INDEX ON s.pick (layer_uuid)",
)
UNINDEXED = ("INSERT INTO s.link SELECT i, i FROM generate_series(1, 50000) AS i", "ANALYZE s.link")
OVERLOADED = (
    "CREATE FUNCTION s.sum(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
    "CREATE VIEW s.d AS SELECT uuid AS id, s.sum(cat) AS v FROM s.layer",
)

CASES = {
    "nothing": Case(set(), select=PLAIN),
    "no view of that name": Case({(Code.VIEW_MISSING, "s.d")}),
    "a table": Case({(Code.VIEW_NOT_A_VIEW, "s.d")}, ("CREATE TABLE s.d (id integer PRIMARY KEY)",)),
    "distinct": Case({(Code.DISTINCT_DOCUMENTS, "s.d")}, select="SELECT DISTINCT uuid AS id FROM s.layer"),
    "limit": Case({(Code.LIMIT_DOCUMENTS, "s.d")}, select="SELECT uuid AS id FROM s.layer LIMIT 10"),
    "window": Case({(Code.WINDOW, "s.d")}, select="SELECT uuid AS id, rank() OVER (ORDER BY title) AS v FROM s.layer"),
    "set operation": Case(
        {(Code.SET_OPERATION, "s.d")},
        select="SELECT uuid AS id FROM s.layer UNION ALL SELECT layer_uuid FROM s.pick",
    ),
    "a function with the name of an aggregate": Case(
        {(Code.OCCURRENCES, "s.d"), (Code.ID_NOT_A_KEY, "s.d")}, OVERLOADED
    ),
    "a role that may read and no more": Case({(Code.RIGHTS, "s.layer")}, STRANGER, PLAIN),
    "policies for a role that they hold for": Case(
        {(Code.ROW_SECURITY, "s.layer"), (Code.RIGHTS, "s.layer")},
        ("ALTER TABLE s.layer ENABLE ROW LEVEL SECURITY", *STRANGER),
        PLAIN,
    ),
    "two rows of one id": Case(
        {(Code.TWO_ROWS, "s.d")},
        TWICE,
        "SELECT uuid AS id, p.rank FROM s.layer LEFT JOIN s.pick p ON p.layer_uuid = uuid",
    ),
    "a large table without an index on its way": Case(
        {(Code.NO_INDEX, "s.link")},
        UNINDEXED,
        "SELECT uuid AS id, (SELECT count(*) FROM s.link k WHERE k.layer_id = l.id) AS v FROM s.layer l",
    ),
}


@pytest.fixture(scope="module")
def world(endpoints: Endpoints, template: str) -> Iterator[tuple[Connection, str]]:
    """A database with the tables; each case is rolled back."""
    with cloned(endpoints.database_url, template) as url, connect(url, application="test") as connection:
        connection.execute(SQL["tables"])
        connection.commit()
        yield connection, url


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_finds_exactly_these(world: tuple[Connection, str], case: Case) -> None:
    connection, url = world
    role = f"check_{url.rpartition('/')[2]}"
    wanted = settings("d", case.index, url, "", "")
    with connection.transaction(force_rollback=True):
        if case.select:
            connection.execute(f"CREATE VIEW s.d AS {case.select}".encode())
        for statement in case.statements:
            connection.execute(statement.format(role=role).encode())
        assert said(check(connection, wanted, "d", None)) == case.expected


def test_every_code_is_provoked() -> None:
    expected = [case.expected for case in REFUSALS.values()]
    expected += [case.expected for table in (CASES, APPLIED) for case in table.values()]
    provoked = {code for found in expected for code, _ in found}
    # These need a server of their own: test_check_prepared, and tests/chaos/servers/test_redis.
    assert provoked | {Code.PREPARED_TRANSACTIONS, Code.BROKER_GUARANTEES} == set(Code)
