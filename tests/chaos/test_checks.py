"""The suite's own eyes see: each check is shown what it is there to find, and what it has to leave alone."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import islice

import psycopg
import pytest
from psycopg.rows import TupleRow

from tests.chaos.locks import Looks, said
from tests.chaos.proxy import Kind
from tests.chaos.recorder import Seen
from tests.chaos.schedule import SERVERS, SPAN_S, Act, schedule
from tests.chaos.writer import NAME, transactions
from tests.pipeline import until

TABLE = "CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing VALUES (1, 0)"
EDIT = "UPDATE thing SET n = n + 1 WHERE id = 1"
LOG = """2026-01-01 UTC [11] chaos writer LOG:  process 11 still waiting for ShareLock on transaction 7 after 200 ms
2026-01-01 UTC [11] chaos writer DETAIL:  Process holding the lock: 12. Wait queue: 11.
2026-01-01 UTC [11] chaos writer STATEMENT:  UPDATE thing
"""


@pytest.mark.parametrize(("holder", "ours"), [("outbox relay", True), ("outbox worker", True), (NAME, False)])
def test_a_writer_that_waits_for_us_is_seen(database_url: str, holder: str, ours: bool) -> None:
    with psycopg.connect(database_url, autocommit=True) as watching:
        watching.execute(TABLE)
        with psycopg.connect(database_url, application_name=holder) as holding:
            holding.execute(EDIT)
            waiting = threading.Thread(target=_edit, args=(database_url,))
            waiting.start()
            looks = Looks()
            until(lambda: _seen(looks, watching), "the wait is seen")
            holding.commit()
            waiting.join()
    assert bool(looks.waits) is ours
    assert bool(looks.among_writers) is not ours


def _seen(looks: Looks, watching: psycopg.Connection[TupleRow]) -> bool:
    looks.look(watching)
    return bool(looks.waits) or looks.among_writers > 0


def _edit(url: str) -> None:
    with psycopg.connect(url, application_name=NAME) as connection:
        connection.execute(EDIT)


@pytest.mark.parametrize(("names", "found"), [({12: "outbox relay"}, 1), ({12: NAME}, 0), ({}, 1)])
def test_a_long_wait_in_the_log(names: dict[int, str], found: int) -> None:
    assert len(said(LOG, {11: NAME, **names})) == found


def test_a_wait_for_the_queue_of_notifications_is_apart() -> None:
    lock = "AccessExclusiveLock on object 0 of class 1262 of database 0"
    assert not said(LOG.replace("ShareLock on transaction 7", lock), {11: NAME, 12: "outbox worker"})


def test_a_deadlock_in_the_log() -> None:
    assert said("2026-01-01 [11] chaos writer ERROR:  deadlock detected\n", {})


@pytest.mark.parametrize(
    "after",
    [None, {"src_version": 1, "title": "edit 5"}, {"src_version": 3, "title": "edit 4"}],
    ids=["gone", "an older version", "an older edit"],
)
def test_a_step_back_is_seen(after: dict[str, object] | None) -> None:
    seen = Seen()
    seen.note("a", {"src_version": 2, "title": "edit 5"})
    seen.note("a", after)
    assert len(seen.backwards) == 1


def test_no_step_back() -> None:
    seen = Seen()
    for document in ({"src_version": 2, "title": "edit 5"}, {"src_version": 3}, {"src_version": 4, "title": "edit 9"}):
        seen.note("a", document)
    seen.note("b", None)
    assert not seen.backwards


def test_after_a_kill_a_document_counts_once_it_is_back() -> None:
    seen = Seen()
    seen.note("a", {"src_version": 2})
    seen.killed()
    for document in (None, {"src_version": 1}, {"src_version": 2}):
        seen.note("a", document)
    assert not seen.backwards
    seen.note("a", {"src_version": 1})
    assert len(seen.backwards) == 1


def test_a_seed_repeats() -> None:
    assert schedule(7) == schedule(7) != schedule(8)
    assert list(islice(transactions(7, 0), 100)) == list(islice(transactions(7, 0), 100))


def test_what_no_seed_goes_without() -> None:
    for seed in range(100):
        faults = schedule(seed)
        assert 12 <= len(faults) <= 21
        assert 0 <= faults[0].at_s <= faults[-1].at_s <= SPAN_S
        acts = Counter(fault.act for fault in faults)
        assert acts[Act.KILL] >= 2 and acts[Act.FREEZE] >= 3 and acts[Act.KILL_CHILD] >= 1 and acts[Act.LATE] == 1
        assert {fault.trouble.kind for fault in faults if fault.trouble} == set(Kind)


def test_three_seeds_in_a_row_take_down_every_server() -> None:
    for seed in range(100):
        down = {fault.target for each in range(3) for fault in schedule(seed + each) if fault.act is not Act.FREEZE}
        assert down >= set(SERVERS)
