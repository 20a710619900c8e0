"""The promise of capture: every document whose row a change altered has an event, whatever the view.

The oracle is the view itself, looked at before and after; the relay's part is done by calling the ways' own SQL.
"""

from __future__ import annotations

import random
from typing import LiteralString

import pytest

from outbox.connection import Connection
from outbox.problems import Code, errors
from tests.integration.captured import EVERYTHING, SQL, Captured, analysed, capture
from tests.integration.changes import COLUMNS, UUIDS, Dice
from tests.unit.views_joined import JOINS, NONE, Case
from tests.unit.views_nested import QUERIES

CASES = {name: case for name, case in {**JOINS, **QUERIES}.items() if "public." not in case.sql}
CAPTURED = {name: case for name, case in CASES.items() if NONE not in case.ways.values()}
REFUSED = {name: case for name, case in CASES.items() if NONE in case.ways.values()}
CHANGES = 60
CHANGES_IN_THE_LONG_RUN = 400


@pytest.fixture(scope="session", params=["postgres", pytest.param("pg15", marks=pytest.mark.long)])
def server_name(request: pytest.FixtureRequest) -> str:
    """18, and in the long run 15 too: the statements of tests/acceptance/statements always run on both."""
    return str(request.param)


def make(connection: Connection, case: Case) -> None:
    """The small world, and the view over it."""
    connection.execute(SQL["tables"])
    connection.execute("SET search_path = s, pg_catalog")
    for name, text in case.beneath.items():
        connection.execute(f"CREATE VIEW s.{name} ({', '.join(text.columns)}) AS {text.sql}".encode())
    connection.execute(f"CREATE VIEW s.d AS {case.sql}".encode())
    connection.execute("SET search_path = pg_catalog, pg_temp")


@pytest.mark.parametrize("case", CAPTURED.values(), ids=CAPTURED)
def test_no_change_of_a_document_is_missed(outbox: Connection, outbox_url: str, case: Case) -> None:
    make(outbox, case)
    dice = Dice(random.Random(case.sql))  # noqa: S311 - changes have to be repeatable, not secret
    dice.fill(outbox)
    captured = capture(outbox, outbox_url)
    for _ in range(CHANGES):
        judge(captured, dice)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", CAPTURED.values(), ids=CAPTURED)
def test_no_change_is_missed_in_the_long_run(outbox: Connection, outbox_url: str, case: Case, seed: int) -> None:
    make(outbox, case)
    dice = Dice(random.Random(seed), used(case))  # noqa: S311 - changes have to be repeatable, not secret
    dice.fill(outbox)
    captured = capture(outbox, outbox_url)
    for _ in range(CHANGES_IN_THE_LONG_RUN):
        judge(captured, dice)


def used(case: Case) -> tuple[LiteralString, ...]:
    """The tables of the view alone, so that each change may matter."""
    texts = [case.sql, *(text.sql for text in case.beneath.values())]
    return tuple(table for table in COLUMNS if any(f"s.{table}" in text for text in texts))


def judge(captured: Captured, dice: Dice) -> None:
    """One change: every document that differs afterwards must have been touched."""
    before = captured.look()
    statements = dice.change(captured.connection)
    after = captured.look()
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    touched = captured.keys()
    assert EVERYTHING in touched or differing <= touched, f"{statements} missed {differing - touched}"


def test_null_before_an_array_is_followed(outbox: Connection, outbox_url: str) -> None:
    """NULL || 'x' is the array {x}, so a row whose array is null may be joined by it."""
    make(outbox, CASES["|| of an array that is null"])
    outbox.execute("INSERT INTO s.layer (id, uuid, code) VALUES (1, %s, '1'), (2, %s, '2')", (UUIDS[0], UUIDS[1]))
    captured = capture(outbox, outbox_url)
    outbox.execute("UPDATE s.layer SET title = 'x' WHERE id = 2")
    assert captured.keys() == {UUIDS[0], UUIDS[1]}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_has_no_way_is_refused(outbox: Connection, case: Case) -> None:
    make(outbox, case)
    lost = {alias for alias, way in case.ways.items() if way == NONE}
    found = [problem for problem in errors(analysed(outbox).problems) if problem.code is Code.NO_WAY]
    assert len(found) == len(lost)
