"""What must hold when the faults are over, and the table that says so."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

import psycopg
from psycopg.rows import TupleRow

from outbox.solr.client import Solr
from outbox.sql import queries
from tests import oracle
from tests.chaos.locks import Looks
from tests.chaos.recorder import Seen
from tests.chaos.schedule import Fault
from tests.chaos.writer import Deeds

_SQL = queries("tests.chaos", "ledger.sql")
PATIENCE_S = 120.0
"""From the last fault until all is well again, without anyone's hand."""
VIEW = "catalogue.layer_document"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """One seed: what happened, and what was wrong."""

    seed: int
    faults: tuple[Fault, ...]
    deeds: Deeds
    looks: Looks
    seen: Seen
    events: int
    claims: int
    recovery_s: float
    lost: int
    stale: int
    wrong: tuple[str, ...]

    def line(self) -> str:
        """Its row of the table."""
        return (
            f"{self.seed:>8} {len(self.faults):>6} {self.deeds.commits:>7} {self.deeds.rollbacks:>9} "
            f"{self.deeds.changes:>7} {self.events:>6} {self.claims:>6} {self.seen.looks:>6} {self.looks.looks:>5} "
            f"{self.recovery_s:>9.1f} {self.lost:>4} {self.stale:>5} {len(self.seen.backwards):>9} "
            f"{'green' if not self.wrong else 'RED'}"
        )


HEAD = (
    f"{'seed':>8} {'faults':>6} {'commits':>7} {'rollbacks':>9} {'changes':>7} {'events':>6} {'claims':>6} {'gets':>6} "
    f"{'looks':>5} {'recovery':>9} {'lost':>4} {'stale':>5} {'backwards':>9}"
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Looks at the ledger and at Solr, both asked directly."""

    connect: Callable[[], psycopg.Connection[TupleRow]]
    solr: Solr
    collection: str
    poison: str

    def recovered(self) -> tuple[float, list[str]]:
        """Wait until nothing waits and nothing is in flight; the seconds that it took, and what was left if in vain."""
        began = time.monotonic()
        with self.connect() as connection:
            while connection.execute(_SQL["waiting"]).fetchone() != (0, 0):
                if time.monotonic() - began > PATIENCE_S:
                    left = [str(row) for row in connection.execute(_SQL["stuck"])]
                    return PATIENCE_S, [f"not at rest after {PATIENCE_S:.0f} s: {'; '.join(left)}"]
                time.sleep(0.1)  # between two looks: nothing says when all is done
        return time.monotonic() - began, []

    def differences(self) -> tuple[list[str], list[str]]:
        """Documents that Solr lacks or has too many, and documents that are otherwise; but for the poison."""
        with self.connect() as connection:
            found = oracle.differences(connection, self.solr, self.collection, VIEW)
        others = [line for line in found if not line.startswith(self.poison)]
        lost = [line for line in others if line.endswith((": lacks in Solr", ": only in Solr"))]
        return lost, [line for line in others if line not in lost]

    def dead(self) -> list[str]:
        """What is wrong with the dead events: the poison must be one, and nothing else."""
        with self.connect() as connection:
            keys = {row[0] for row in connection.execute(_SQL["dead"])}
        unasked = [f"{key} is dead, and no poison" for key in sorted(keys - {self.poison})]
        return unasked + ([] if self.poison in keys else ["the poison is not dead"])

    def sums(self) -> tuple[int, int, dict[str, int]]:
        """How many events and claims there were, and how the claims ended."""
        with self.connect() as connection:
            events, claims = connection.execute(_SQL["sums"]).fetchone() or (0, 0)
            return events, claims, dict(connection.execute(_SQL["outcomes"]).fetchall())


def objections(named: dict[str, Iterable[str]]) -> tuple[str, ...]:
    """One line for each thing that is wrong, and of each kind no more than a few."""
    found = []
    for what, each in named.items():
        lines = list(each)
        found += [f"{what}: {line}" for line in lines[:_SHOWN]]
        if len(lines) > _SHOWN:
            found.append(f"{what}: {len(lines) - _SHOWN} more")
    return tuple(found)


def table(verdicts: list[Verdict]) -> list[str]:
    """Faults by kind, a row for each seed, and the sums."""
    kinds = Counter(fault.kind for verdict in verdicts for fault in verdict.faults)
    recoveries = [verdict.recovery_s for verdict in verdicts]
    return [
        *(f"{count:>4} {kind}" for kind, count in sorted(kinds.items())),
        HEAD,
        *(verdict.line() for verdict in verdicts),
        f"{len(verdicts)} seeds, {kinds.total()} faults, {sum(verdict.events for verdict in verdicts)} events; "
        f"recovery p50 {median(recoveries):.1f} s, max {max(recoveries):.1f} s; "
        f"lost {sum(verdict.lost for verdict in verdicts)}, stale {sum(verdict.stale for verdict in verdicts)}, "
        f"backwards {sum(len(verdict.seen.backwards) for verdict in verdicts)}",
    ]
