"""Solr stands still while the application goes on writing: seen by the writers, the ledger, RabbitMQ and Flower."""

from __future__ import annotations

import re
import time
from collections import Counter
from statistics import median
from typing import Any

import pytest

from examples.demo.outage import failures
from outbox.broker import queues
from services.stack import Stack
from tests.acceptance.conftest import LAYERS, Catalogue
from tests.acceptance.load import Writer, spread
from tests.pipeline import until

BEFORE_S = 5.0
RATE = 40.0
IN_FLIGHT = 2  # the default of max_in_flight
PATIENCE_S = 10.0  # to drain, from Solr's answering on
STARTS = 2.0  # or so many times as long as Solr took to start: a busy machine is slow at both
WAITING = "SELECT count(*) FROM outbox.event WHERE created_at <= %s AND done_at IS NULL"
ENDED = "SELECT number, outcome, cardinality(keys) FROM outbox.claim WHERE ended_at IS NOT NULL ORDER BY number"


@pytest.mark.timeout(600)  # the long one, on a busy machine
@pytest.mark.parametrize("seconds", [15, pytest.param(120, marks=pytest.mark.long)])
def test_an_outage_of_solr_hurts_nobody_and_mends_itself(catalogue: Catalogue, stack: Stack, seconds: int) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    url, broker = (catalogue.pipeline.environment[f"OUTBOX_{name}_URL"] for name in ("DATABASE", "BROKER"))
    known = set(failures(stack.endpoints().flower_url))
    with Writer(url, LAYERS, RATE) as writer:
        began = time.monotonic()
        deepest(broker, BEFORE_S)
        stopped = time.monotonic()
        stack.service("solr").stop()
        messages = deepest(broker, seconds)
        starting = time.monotonic()
        stack.service("solr").start()
        answered = time.monotonic()
        drained_s = drain(catalogue) - answered
    catalogue.drained()
    assert catalogue.differences() == []  # the writer has ended, and none of its statements failed
    before, meanwhile = writer.during(began, stopped), writer.during(stopped, answered)
    ratio = median(meanwhile) / median(before)
    claims = probes(catalogue, answered - stopped)
    failed = until(lambda: shown(stack, known, claims), "Flower shows what failed")
    print(
        f"Solr was away for {answered - stopped:.1f} s; {len(claims)} claims failed, {len(failed)} tasks in Flower; "
        f"at most {messages} messages in a queue\n"
        f"drained in {drained_s:.2f} s, after a start of {answered - starting:.2f} s\n"
        f"statements before {spread(before)}; meanwhile {spread(meanwhile)}; ratio of the medians {ratio:.2f}"
    )
    assert Counter(claim_of(task) for task in failed) == Counter(claims)
    assert messages <= IN_FLIGHT
    assert drained_s < max(PATIENCE_S, STARTS * (answered - starting))
    assert ratio < 3


def deepest(broker_url: str, seconds: float) -> int:
    """Look on for so long; the most messages that a queue held at any look."""
    until_at, most = time.monotonic() + seconds, 0
    while time.monotonic() < until_at:
        most = max(most, *(queue["messages"] for queue in queues(broker_url)))
        time.sleep(0.25)  # the outage has to last: there is no condition to wait for
    return most


def drain(catalogue: Catalogue) -> float:
    """Wait until all that was written up to now is in Solr, while the writer goes on; when that was."""
    (now,) = catalogue.connection.execute("SELECT clock_timestamp()").fetchone() or (0,)
    until(lambda: catalogue.connection.execute(WAITING, [now]).fetchone() == (0,), "all is in Solr")
    return time.monotonic()


def probes(catalogue: Catalogue, away_s: float) -> list[int]:
    """The claims that failed: those in flight when Solr went away, then one document at a time, ever more seldom."""
    ended = catalogue.connection.execute(ENDED).fetchall()
    assert {outcome for _, outcome, _ in ended} == {"done", "given back"}
    failed = [(number, keys) for number, outcome, keys in ended if outcome == "given back"]
    assert {keys for _, keys in failed[IN_FLIGHT:]} == {1}
    # Half a second doubling to five: at 0, 0.5, 1, 2, 4, 8, 13 s, and so on; twice as many would be a defect.
    assert 3 <= len(failed) <= IN_FLIGHT + 2 * (5 + away_s / 5)
    dead = catalogue.connection.execute("SELECT count(*) FROM outbox.event WHERE dead_at IS NOT NULL").fetchone()
    assert dead == (0,)
    return [number for number, _ in failed]


def shown(stack: Stack, known: set[str], claims: list[int]) -> list[dict[str, Any]]:
    """The failed tasks that Flower did not know before, once there are as many as claims."""
    new = [task for uuid, task in failures(stack.endpoints().flower_url).items() if uuid not in known]
    return new if len(new) >= len(claims) else []


def claim_of(task: dict[str, Any]) -> int:
    """The claim that a task in Flower was for."""
    found = re.search(r"'claim': (\d+)", task["kwargs"])
    assert found, task["kwargs"]
    return int(found[1])
