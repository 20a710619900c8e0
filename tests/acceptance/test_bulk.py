"""Live edits beside all that is large: replays whose worker is frozen or missing, and a key with 100,000 events."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest

from tests.acceptance.conftest import MANY, Catalogue
from tests.acceptance.load import edit, edits, spread
from tests.pipeline import Pipeline, until

EDITS = 20
SLOWER = 5  # times the idle latency at most; to wait for a claim in the broker would be some thousands
# The relay enumerates no further than some thousands ahead of the workers.
EXPANDED = "SELECT count(*) >= %s FROM outbox.event WHERE lane = 'replay' AND key IS NOT NULL"
BEGUN = "SELECT 1 FROM outbox.claim WHERE lane = 'replay' AND begun_at IS NOT NULL AND ended_at IS NULL"
# Of the documents whose replay waits, and which no worker holds: those of the claim that waits in the broker first.
WAITING = """SELECT layer.id FROM catalogue.layer
JOIN outbox.event ON event.key = layer.uuid::text AND event.lane = 'replay' AND event.done_at IS NULL
LEFT JOIN (SELECT unnest(keys) AS key, begun_at FROM outbox.claim WHERE ended_at IS NULL) AS held USING (key)
WHERE held.begun_at IS NULL ORDER BY held.key IS NULL, layer.id LIMIT %s"""
WRITE_HOT = """DO $$ BEGIN
    FOR turn IN 1..100000 LOOP
        UPDATE catalogue.layer SET title = 'turn ' || turn WHERE id = 1;
        IF turn % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
END $$"""
HOT = 100_000
HOT_WAITS = "SELECT EXISTS (SELECT FROM outbox.event WHERE key = %s AND done_at IS NULL)"
HOT_CLAIMS = "SELECT count(*), max(cardinality(events)) FROM outbox.claim WHERE number > %s AND %s = ANY (keys)"


def test_a_live_edit_does_not_wait_for_a_replay_whose_worker_is_missing_or_frozen(large: Catalogue) -> None:
    large.pipeline.run("apply")
    large.pipeline.start(bulk=0)
    until(lambda: large.connection.execute(EXPANDED, [MANY // 2]).fetchone() == (True,), "the replay is expanded")
    edits(large.connection, [1, 2, 3])  # the first ones find workers and Solr cold
    missing = edits(large.connection, waiting(large))
    large.pipeline.start(relays=0, live=0, bulk=1)
    with frozen(large):
        stopped = edits(large.connection, waiting(large))
        assert large.connection.execute(BEGUN).fetchone()
    assert "claim pre-empted" in large.pipeline.log("relay-0")
    large.drained()
    idle = edits(large.connection, range(1, EDITS + 1))
    ratios = [median(each) / median(idle) for each in (missing, stopped)]
    print(f"no bulk worker {spread(missing)}\na frozen one {spread(stopped)}\nidle {spread(idle)}\nratios {ratios}")
    assert large.differences() == []
    assert max(ratios) < SLOWER


def waiting(catalogue: Catalogue) -> list[int]:
    """Layers to edit, of which the replay has not come to any."""
    found = [int(row[0]) for row in catalogue.connection.execute(WAITING, [EDITS])]
    assert len(found) == EDITS
    return found


@contextmanager
def frozen(catalogue: Catalogue) -> Iterator[None]:
    """The bulk worker and its process stand still, in the midst of a claim."""

    def stopped() -> bool:
        send(catalogue.pipeline, signal.SIGSTOP)
        if catalogue.connection.execute(BEGUN).fetchone():
            return True
        send(catalogue.pipeline, signal.SIGCONT)
        return False

    try:
        until(lambda: catalogue.connection.execute(BEGUN).fetchone() and stopped(), "a bulk claim is begun")
        yield
    finally:
        send(catalogue.pipeline, signal.SIGCONT)


def send(pipeline: Pipeline, number: signal.Signals) -> None:
    """Signal the bulk worker and its processes."""
    main = pipeline.processes["worker-bulk"].pid
    for pid in (main, *pipeline.children("worker-bulk")):
        os.kill(pid, number)


@pytest.mark.long
def test_a_hundred_thousand_events_of_one_key_are_some_fifty_documents(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    idle = edits(catalogue.connection, range(2, 2 + EDITS))
    catalogue.pipeline.stop("relay-0")
    catalogue.connection.execute(WRITE_HOT.encode())
    (newest, hot) = catalogue.connection.execute(
        "SELECT max(number), (SELECT uuid::text FROM catalogue.layer WHERE id = 1) FROM outbox.claim"
    ).fetchone() or (0, "")
    beside: list[float] = []
    began = time.monotonic()
    catalogue.pipeline.start(relays=1, live=0, bulk=0)
    until(lambda: catalogue.connection.execute(HOT_CLAIMS, [newest, hot]).fetchone() != (0, None), "it is claimed")
    while catalogue.connection.execute(HOT_WAITS, [hot]).fetchone() == (True,):
        beside.append(edit(catalogue.connection, 2 + len(beside) % 200))
    took_s = time.monotonic() - began
    (claims, most) = catalogue.connection.execute(HOT_CLAIMS, [newest, hot]).fetchone() or (0, 0)
    ratio, faster = median(beside) / median(idle), HOT * median(idle) / 1000 / took_s
    print(
        f"{HOT} events of one key: {claims} claims of at most {most} in {took_s:.1f} s, {faster:.0f} times faster than "
        f"one by one\nother keys meanwhile {spread(beside)}\nidle {spread(idle)}\nratio {ratio:.2f}"
    )
    catalogue.drained()
    assert catalogue.differences() == []
    assert HOT // most <= claims <= 1.2 * HOT // most
    assert faster > 50
    assert len(beside) >= 5
    assert ratio < SLOWER
