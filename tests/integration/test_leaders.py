"""Several relays: one takes over from another that died or was frozen, and two that both lead break nothing."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from outbox.broker import queues
from outbox.connection import Connection
from outbox.store import indexes
from relay.daemon import Relay
from relay.leadership import Leadership
from tests.integration.desk import Desk, settings
from tests.integration.hand_made import add, insert_items, states
from tests.pipeline import Pipeline, until

OVERLAPS = """SELECT a.number, b.number FROM outbox.claim AS a JOIN outbox.claim AS b
    ON a.number < b.number AND a.target = b.target AND a.keys && b.keys AND b.created_at < a.ended_at"""


def leader(connection: Connection, pipeline: Pipeline) -> str | None:
    """The name of the process that leads."""
    holder = indexes.relay(connection)["leader"]
    pids = {f":{process.pid}:": name for name, process in pipeline.processes.items()}
    return next((name for pid, name in pids.items() if holder and pid in holder), None)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_another_takes_over_within_three_seconds(desk: Desk, pipeline: Pipeline, how: signal.Signals) -> None:
    insert_items(desk.connection, [1, 2, 3])
    pipeline.start(relays=2, live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: states(desk.connection)["1"] == ["done"], "the first leader works")
    first = leader(desk.connection, pipeline)
    assert first is not None
    pipeline.processes[first].send_signal(how)
    began = time.monotonic()
    until(lambda: leader(desk.connection, pipeline) not in (None, first), "the other one leads", 10)
    took_s = time.monotonic() - began
    add(desk.connection, desk.place, "2")
    until(lambda: states(desk.connection)["2"] == ["done"], "the other one works")
    assert took_s < 3
    if how is signal.SIGKILL:
        pipeline.processes.pop(first).wait()
        return
    pipeline.processes[first].send_signal(signal.SIGCONT)  # it believes to lead, for a moment
    add(desk.connection, desk.place, "3")
    until(lambda: states(desk.connection)["3"] == ["done"], "both are there")
    assert desk.connection.execute(OVERLAPS).fetchall() == []
    assert leader(desk.connection, pipeline) != first


def test_two_that_both_lead_break_nothing(
    desk: Desk, pipeline: Pipeline, database_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held apart by the index row's lock alone: no key is in two claims at a time, and none is left behind."""
    insert_items(desk.connection, range(1, 41))
    monkeypatch.setattr(Leadership, "renew", lambda *_: True)
    monkeypatch.setattr(Leadership, "resign", lambda *_: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # they run in threads
    broker = {"broker": SecretStr(broker_url)}
    both = [Relay(settings(database_url, desk.solr.url).model_copy(update=broker)) for _ in range(2)]
    pipeline.start(relays=0, live=2, bulk=0)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(relay.run) for relay in both]
        try:
            until(lambda: queues(broker_url)[0]["consumers"], "the worker is there")
            for number in range(600):
                add(desk.connection, desk.place, str(number % 40 + 1))
                threading.Event().wait(0.002)  # the pace of the writer
            until(lambda: all(set(found) == {"done"} for found in states(desk.connection).values()), "all is done")
        finally:
            for relay in both:
                relay._stop(signal.SIGTERM, None)
        for each in running:
            each.result(timeout=30)
    assert desk.connection.execute(OVERLAPS).fetchall() == []
    (row,) = desk.connection.execute("SELECT count(*), count(DISTINCT outcome) FROM outbox.claim").fetchall()
    assert row[0] > 10
