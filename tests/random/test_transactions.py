"""Concurrent transactions, some rolled back, with relay and workers running: at the end Solr equals the view.

A state machine of Hypothesis drives four sessions from one thread. Their transactions overlap as it chooses; a
statement that would wait for another session's lock is given up at once, and its transaction rolled back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from outbox.sql import queries
from tests.acceptance.conftest import LAYERS, Catalogue

SQL = queries("tests.random", "transactions.sql")
STATEMENTS = sorted(SQL.keys() - {"savepoint", "back"})
SESSIONS = 4
EXAMPLES, STEPS = 60, 80
COMMITTED = 2000
MET_A_LOCK = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

layers = st.integers(1, LAYERS)
sessions = st.integers(0, SESSIONS - 1)


@dataclass
class World:
    """The sessions, and what they did."""

    sessions: list[psycopg.Connection[TupleRow]]
    statements: list[int] = field(default_factory=lambda: [0] * SESSIONS)
    committed: int = 0
    commits: int = 0
    rollbacks: int = 0
    given_up: int = 0
    overlaps: int = 0

    def open(self, session: int) -> bool:
        """Whether it is in a transaction."""
        return self.sessions[session].info.transaction_status is not TransactionStatus.IDLE

    def execute(self, session: int, name: str, **values: int) -> None:
        """One statement; one that meets a lock or a conflict ends its transaction."""
        others = sum(self.open(other) for other in range(SESSIONS) if other != session)
        try:
            cursor = self.sessions[session].execute(SQL[name], values)
        except (psycopg.errors.UniqueViolation, *MET_A_LOCK):
            self.given_up += 1
            self.rollback(session)
            return
        self.statements[session] += cursor.rowcount > 0
        self.overlaps += others > 0

    def commit(self, session: int) -> None:
        """The end of its transaction; a deferred constraint may refuse it, or meet a lock."""
        try:
            self.sessions[session].commit()
        except (psycopg.errors.IntegrityError, *MET_A_LOCK):
            self.rollback(session)
            return
        self.commits += 1
        self.committed += self.statements[session]
        self.statements[session] = 0

    def rollback(self, session: int) -> None:
        """Nothing of it happened."""
        self.sessions[session].rollback()
        self.rollbacks += 1
        self.statements[session] = 0


class Transactions(RuleBasedStateMachine):
    """What four sessions do; the world outlives each example, since relay and workers go on beside it."""

    world: ClassVar[World]

    @rule(session=sessions, name=st.sampled_from(STATEMENTS), a=layers, b=layers, n=st.integers(0, 40))
    def statement(self, session: int, name: str, a: int, b: int, n: int) -> None:
        """Any statement of an application."""
        self.world.execute(session, name, a=a, b=b, n=n)

    @rule(session=sessions, name=st.sampled_from(STATEMENTS), a=layers, n=st.integers(0, 40))
    def undone(self, session: int, name: str, a: int, n: int) -> None:
        """One that a savepoint takes back."""
        self.world.execute(session, "savepoint")
        before = self.world.statements[session]
        self.world.execute(session, name, a=a, b=1, n=n)
        if self.world.open(session):
            self.world.execute(session, "back")
            self.world.statements[session] = before

    @rule(chosen=st.integers(0, SESSIONS - 1), keep=st.sampled_from([True, True, True, False]))
    def end(self, chosen: int, keep: bool) -> None:
        """Commit, mostly; nothing where no transaction is open: what is drawn must not hang on what the servers do."""
        open_ones = [session for session in range(SESSIONS) if self.world.open(session)]
        if open_ones:
            session = open_ones[chosen % len(open_ones)]
            (self.world.commit if keep else self.world.rollback)(session)

    def teardown(self) -> None:
        """The example's open transactions are committed."""
        for session in range(SESSIONS):
            if self.world.open(session):
                self.world.commit(session)


@pytest.fixture
def world(catalogue: Catalogue) -> World:
    """Sessions over a catalogue whose index is applied, and whose pipeline runs."""
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    url = catalogue.pipeline.environment["OUTBOX_DATABASE_URL"]
    options = "-c lock_timeout=20ms -c deadlock_timeout=10ms"
    return World([psycopg.connect(url, options=options) for _ in range(SESSIONS)])


def test_solr_equals_the_view_after_overlapping_transactions(catalogue: Catalogue, world: World, seed: str) -> None:
    chosen = int(seed)
    print(f"OUTBOX_FUZZ_SEED={seed}")
    Transactions.world = world
    once = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    while world.committed < COMMITTED:
        run_state_machine_as_test(seeded(chosen)(Transactions), settings=once)
        chosen += 1
        catalogue.drained()
        assert catalogue.differences() == []
        print(
            f"{world.committed} statements in {world.commits} commits, {world.rollbacks} rollbacks, "
            f"{world.given_up} given up at a lock, {world.overlaps} statements beside an open transaction"
        )
    for session in world.sessions:
        session.close()
    (status,) = json.loads(catalogue.pipeline.run("status", "--json").stdout)["indexes"]
    assert (status["pending_live"], status["pending_bulk"], status["in_flight"], status["dead"]) == (0, 0, 0, 0)
    assert world.rollbacks > 100 and world.overlaps > COMMITTED // 2
