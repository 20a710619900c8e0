"""What a worker dies of is found, and what waits beside it is not held up: relay and workers as processes."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest

from outbox.broker import queues
from outbox.connection import connect
from outbox.store.claims import Lane
from tests.integration.desk import Desk
from tests.integration.hand_made import add, insert_items, states
from tests.pipeline import Pipeline, until

SLOW = """CREATE OR REPLACE VIEW shop.item_document AS
    SELECT id, title, code, CASE WHEN id = 1 AND pg_sleep(600) IS NULL THEN 0 ELSE 7 END AS share FROM shop.item"""
WAKE_SLEEPERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'outbox worker' AND datname = current_database() AND wait_event = 'PgSleep'"""
MENDED = "CREATE OR REPLACE VIEW shop.item_document AS SELECT id, title, code, 100 / divisor AS share FROM shop.item"


def begun(desk: Desk) -> bool:
    """Whether a claim is being worked on."""
    (row,) = desk.connection.execute("SELECT count(begun_at) FROM outbox.claim WHERE ended_at IS NULL")
    return bool(row[0])


@pytest.mark.long
def test_a_worker_that_dies_at_a_document_ends_its_claim_at_once(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1, 2])
    desk.connection.execute(SLOW)
    add(desk.connection, desk.place, "1")
    pipeline.start(live=1, bulk=1)
    until(lambda: begun(desk), "the claim is begun")
    (child,) = pipeline.children("worker-live")
    os.kill(child, signal.SIGKILL)
    add(desk.connection, desk.place, "2")
    outcomes = "SELECT outcome, leased_until - ended_at FROM outbox.claim WHERE keys = '{1}' AND ended_at IS NOT NULL"
    ((outcome, left),) = until(lambda: desk.connection.execute(outcomes).fetchall(), "the claim is ended")
    assert outcome == "lost" and left > timedelta(seconds=10)  # its lease was not waited for
    until(lambda: states(desk.connection)["2"] == ["done"], "the other one is done")
    assert desk.connection.execute("SELECT suspect FROM outbox.event WHERE key = '1'").fetchall() == [(1,)]
    desk.connection.execute(MENDED)
    desk.connection.execute(WAKE_SLEEPERS)
    until(lambda: states(desk.connection)["1"] == ["done"], "and at last the suspect", 120)


@pytest.mark.long  # tests/acceptance/test_bulk.py asks the same of the catalogue
def test_a_live_change_does_not_wait_for_a_bulk_worker_that_is_frozen(
    desk: Desk, pipeline: Pipeline, broker_url: str
) -> None:
    insert_items(desk.connection, range(1, 2001))
    pipeline.start(live=1, bulk=1)
    until(lambda: all(queue["consumers"] for queue in queues(broker_url)), "both workers are there")
    pipeline.processes["worker-bulk"].send_signal(signal.SIGSTOP)
    try:
        add(desk.connection, desk.place, *map(str, range(1, 2001)), lane=Lane.REPLAY)
        held = "SELECT unnest(keys) FROM outbox.claim WHERE lane = 'replay' AND ended_at IS NULL AND begun_at IS NULL"
        keys = until(lambda: desk.connection.execute(held).fetchall(), "a bulk claim waits in the broker")
        add(desk.connection, desk.place, keys[0][0])
        until(lambda: states(desk.connection)[keys[0][0]][1] == "done", "the live change is indexed", 10)
        assert "claim pre-empted" in pipeline.log("relay-0")
    finally:
        pipeline.processes["worker-bulk"].send_signal(signal.SIGCONT)
    until(lambda: {state for each in states(desk.connection).values() for state in each} == {"done"}, "all are done")


def test_a_worker_that_is_told_to_stop_finishes_its_claim(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1])
    desk.connection.execute(SLOW.replace("600", "3"))
    add(desk.connection, desk.place, "1")
    pipeline.start(live=1, bulk=0)
    until(lambda: begun(desk), "the claim is begun")
    assert pipeline.stop("worker-live") == 0
    assert states(desk.connection)["1"] == ["done"]


def test_a_worker_that_is_told_twice_exits_and_its_claim_is_free(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1])
    desk.connection.execute(SLOW)
    add(desk.connection, desk.place, "1")
    pipeline.start(live=1, bulk=1)
    until(lambda: begun(desk), "the claim is begun")
    worker = pipeline.processes.pop("worker-live")
    worker.send_signal(signal.SIGTERM)
    until(lambda: "event=stopping" in pipeline.log("worker-live"), "it has heard the first")
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=60)
    assert begun(desk)  # else it ended by its deadline: the exit would show nothing
    desk.connection.execute(WAKE_SLEEPERS)
    desk.connection.execute(MENDED)
    pipeline.start(relays=0, live=1, bulk=0)
    until(lambda: states(desk.connection)["1"] == ["done"], "another worker indexes it")
    outcomes = desk.connection.execute("SELECT outcome, leased_until > ended_at FROM outbox.claim ORDER BY number")
    assert outcomes.fetchall() == [("redelivered", True), ("done", True)]


def test_a_relay_that_is_told_twice_exits_though_it_waits(desk: Desk, pipeline: Pipeline, database_url: str) -> None:
    pipeline.start(live=1, bulk=0)
    until(lambda: "event=leading" in pipeline.log("relay-0"), "it leads")
    waits = """SELECT count(*) > 0 FROM pg_stat_activity
        WHERE application_name = 'outbox relay' AND wait_event_type = 'Lock'"""
    with connect(database_url, application="test") as holder:
        holder.execute("SELECT FROM outbox.index FOR UPDATE")
        add(desk.connection, desk.place, "1")
        until(lambda: desk.connection.execute(waits).fetchone() == (True,), "it waits for a lock")
        relay = pipeline.processes.pop("relay-0")
        relay.send_signal(signal.SIGTERM)
        until(lambda: "event=stopping" in pipeline.log("relay-0"), "it has heard the first")
        assert relay.poll() is None
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(timeout=20) == 128 + signal.SIGTERM
        assert desk.connection.execute(waits).fetchone() == (False,)
