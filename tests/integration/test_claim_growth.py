"""A claim and the survey stay as cheap as they are: counted in blocks of Postgres, whatever waits behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from outbox.connection import Connection
from outbox.index import LIVE_MOST
from outbox.sql import queries
from outbox.store import claims
from outbox.store.claims import Lane
from tests.integration.hand_made import Place, add, keys_of, make_index, take

CLAIM = queries("outbox.store", "claims.sql")["claim"]
WAITING = """INSERT INTO outbox.event (index, lane, key, op)
    SELECT 1, 'live', CASE WHEN %(hot)s THEN 'hot' ELSE n::text END, 'U' FROM generate_series(1, %(many)s) AS n"""
SURVEY = queries("outbox.store", "targets.sql")["survey"]
POSTPONED = """INSERT INTO outbox.event (index, way, op, available_at)
    SELECT 1, 3, 'U', clock_timestamp() + interval '1 h' FROM generate_series(1, %(many)s)"""
LITTLE = 2_000  # as many as a claim looks at
MANY = 50_000


def blocks(connection: Connection, place: Place, since: datetime | None = None) -> int:
    """Read or written by one claim, which is undone."""
    parameters: dict[str, Any] = {
        "index": place.index,
        "target": place.target,
        "queue": 0,
        "lane": "live",
        "keys": LIVE_MOST,
        "window": claims.WINDOW,
        "avoid": None,
        "since": since,
        "dispatch_lease": timedelta(seconds=30),
        "work_lease": timedelta(seconds=60),
    }
    return counted(connection, CLAIM, parameters)


def counted(connection: Connection, query: str, parameters: dict[str, Any]) -> int:
    """Blocks of a statement that gives one row, and is undone."""
    with connection.transaction(force_rollback=True), psycopg.ClientCursor(connection) as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".encode(), parameters)
        ((plan,),) = cursor.fetchall()
    root = plan[0]["Plan"]
    assert root["Actual Rows"] == 1, "nothing was given"
    return int(root["Shared Hit Blocks"] + root["Shared Read Blocks"])


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize("many", [MANY, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_claim_costs_the_same_whatever_waits(outbox: Connection, many: int, hot: bool, analysed: bool) -> None:
    place = make_index(outbox)
    outbox.execute(WAITING, {"hot": hot, "many": LITTLE})
    few = blocks(outbox, place)
    outbox.execute(WAITING, {"hot": hot, "many": many - LITTLE})
    if analysed:
        outbox.execute("ANALYZE outbox.event")
    found = blocks(outbox, place)
    print(f"{few} blocks with {LITTLE} waiting, {found} with {many}")
    assert found <= 2 * few


@pytest.mark.parametrize("analysed", [False, True])
def test_a_survey_costs_the_same_whatever_is_postponed(outbox: Connection, analysed: bool) -> None:
    make_index(outbox)
    outbox.execute("INSERT INTO outbox.event (index, way, op) VALUES (1, 3, 'U')")
    outbox.execute(POSTPONED, {"many": LITTLE})
    few = counted(outbox, SURVEY, {})
    outbox.execute(POSTPONED, {"many": MANY - LITTLE})
    if analysed:
        outbox.execute("ANALYZE outbox.event")
    found = counted(outbox, SURVEY, {})
    print(f"{few} blocks with {LITTLE} postponed, {found} with {MANY}")
    assert found <= 2 * few


@pytest.mark.parametrize("analysed", [False, True])
def test_what_is_done_and_not_vacuumed_costs_nothing_where_a_lane_goes_on(outbox: Connection, analysed: bool) -> None:
    """Autovacuum looks once in a minute, in which a replay does half a million."""
    outbox.execute("ALTER TABLE outbox.event SET (autovacuum_enabled = off)")
    place = make_index(outbox)
    outbox.execute(WAITING, {"hot": False, "many": LITTLE})
    claim, survey = blocks(outbox, place), counted(outbox, SURVEY, {})
    outbox.execute("UPDATE outbox.event SET done_at = clock_timestamp()")
    outbox.execute(WAITING, {"hot": False, "many": MANY - 2 * LITTLE})
    outbox.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE done_at IS NULL")
    outbox.execute(WAITING, {"hot": False, "many": LITTLE})
    (since,) = outbox.execute("SELECT min(available_at) FROM outbox.event WHERE done_at IS NULL").fetchone() or (None,)
    if analysed:
        outbox.execute("ANALYZE outbox.event")
    found = blocks(outbox, place, since), counted(outbox, SURVEY, {})
    print(f"claim and survey: {claim} and {survey} blocks with {LITTLE} waiting, {found} with {MANY} done before them")
    assert found[0] <= 2 * claim and found[1] <= 2 * survey


@pytest.mark.parametrize(("lane", "taken"), [(Lane.REPLAY, ["hot"]), (Lane.FANOUT, ["hot", "a"])])
def test_a_claim_of_a_replay_looks_at_few_more_events_than_its_documents(
    outbox: Connection, lane: Lane, taken: list[str]
) -> None:
    """Fan-outs overlap: there a claim folds what it finds of a key."""
    place = make_index(outbox)
    add(outbox, place, *["hot"] * 500, "a", lane=lane)
    claim = take(outbox, place, lane=lane, keys=4)
    assert claim and keys_of(outbox, claim.number) == taken
