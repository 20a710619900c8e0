"""Capture misses nothing: random views over random tables, random changes, and the view itself as the oracle.

Whatever a committed transaction altered in the rows that the view shows must have an event that leads to its key. An
event too many is allowed and counted; but what no view reads must give none.
"""

from __future__ import annotations

from random import Random

import psycopg
import pytest

from outbox.capture.install import install
from outbox.connection import Connection, connect
from tests.integration.captured import EVERYTHING, INDEX, Captured, analysed
from tests.random.deeper import SHAPES
from tests.random.draft import Draft
from tests.random.statements import Changes
from tests.random.tally import TALLIES, Tally, refused_share
from tests.random.world import World, make

NAMES = list(SHAPES)
VIEWS = 30
VIEWS_IN_THE_LONG_RUN = 2000 // len(NAMES) + 1
CHANGES = 10
SPLIT = 0.2
"""The share of the worlds all of whose tables have partitions or children."""
SHOWN = 3
"""Failures of one shape that are printed."""


@pytest.mark.parametrize("shape", NAMES)
def test_no_document_is_missed(urls: list[str], seed: str, shape: str) -> None:
    judge(urls, seed, shape, VIEWS)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", NAMES)
def test_none_is_missed_in_the_long_run(urls: list[str], seed: str, shape: str) -> None:
    judge(urls, f"{seed} long", shape, VIEWS_IN_THE_LONG_RUN)


def test_few_views_are_refused() -> None:
    if not TALLIES:
        pytest.skip("no view was generated")
    assert refused_share() <= 0.2


def judge(urls: list[str], seed: str, shape: str, views: int) -> None:
    """So many views of a shape; the servers take turns by shape and seed."""
    url = urls[(NAMES.index(shape) + sum(map(ord, seed))) % len(urls)]
    tally = TALLIES.setdefault(shape, Tally())
    failures: list[str] = []
    with connect(url, application="test", autocommit=True) as connection:
        for number in range(views):
            one = Trial(connection, url, Random(f"{seed}/{shape}/{number}"), tally)  # noqa: S311 - no secret
            failures += [f"-- {shape}, view {number} of OUTBOX_FUZZ_SEED={seed}\n{text}" for text in one.run(shape)]
        connection.execute("DROP SCHEMA IF EXISTS s CASCADE")
    assert not failures, f"{len(failures)} failures\n" + "\n\n".join(failures[:SHOWN])


class Trial:
    """One view: made, captured, and changed until a document is missed."""

    def __init__(self, connection: Connection, url: str, dice: Random, tally: Tally) -> None:
        self.connection, self.url, self.dice, self.tally = connection, url, dice, tally
        self.script: list[str] = []

    def run(self, shape: str) -> list[str]:
        """What went wrong, with the statements that lead there; nothing else."""
        world = make(self.dice, split=self.dice.random() < SPLIT)
        draft = Draft(self.dice, world)
        SHAPES[shape](draft)
        try:
            return self._try(world, draft)
        except (psycopg.Error, AssertionError) as error:
            return self._failure(repr(error))

    def _try(self, world: World, draft: Draft) -> list[str]:
        views = [*draft.beneath, f"CREATE VIEW s.d AS {draft.sql}"]
        self._make([*world.ddl, *views])
        self.tally.generated += 1
        analysis = analysed(self.connection, counted=False)
        if analysis.definition is None:
            self.tally.refused.update({one.code.value for one in analysis.problems if one.severity == "error"})
            return []
        self.tally.accepted += 1
        used = tuple(sorted(draft.used))
        changes = Changes(self.dice, world, self.connection, used, " ".join(views), self.script)
        changes.fill()
        install(self.url, INDEX, analysis.definition, lambda _: None)
        return self._change(Captured(self.connection, self.url, analysis.definition), changes)

    def _make(self, statements: list[str]) -> None:
        self.connection.execute("DROP SCHEMA IF EXISTS s CASCADE; TRUNCATE outbox.event")
        self.script += statements
        for statement in statements:
            self.connection.execute(statement.encode())

    def _change(self, captured: Captured, changes: Changes) -> list[str]:
        captured.keys()
        after = captured.look()
        for _ in range(CHANGES):
            before, done = after, changes.change()
            self.tally.changes += bool(done)
            after = captured.look()
            differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            touched = captured.keys()
            missed = set() if EVERYTHING in touched else differing - touched
            self._count(differing, touched)
            if missed:
                lines = [f"{key}: {before.get(key)} became {after.get(key)}" for key in sorted(missed)]
                return self._failure("missed " + "; ".join(lines))
        if changes.idle() and (touched := captured.keys()):
            return self._failure(f"nothing that the view reads was altered: {sorted(touched)}")
        return []

    def _count(self, differing: set[str], touched: set[str]) -> None:
        self.tally.documents += len(differing)
        self.tally.all_documents += EVERYTHING in touched
        self.tally.events += len(touched - {EVERYTHING})
        self.tally.superfluous += len(touched - differing - {EVERYTHING})

    def _failure(self, what: str) -> list[str]:
        return [";\n".join([*self.script, f"-- {what}"])]
