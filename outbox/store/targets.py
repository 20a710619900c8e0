"""The targets of the indexes: what waits for each, and whether writing to it is suspended. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from outbox import plans
from outbox.connection import Connection
from outbox.index import Definition, from_json
from outbox.sql import queries
from outbox.store.claims import Lane

_SQL = queries("outbox.store", "targets.sql")


@dataclass(frozen=True, slots=True)
class Survey:
    """One target as the relay sees it.

    `failing`: its breaker is open; `resting`: and it is not yet time to probe. `unchecked`: it was not compared with
    the ledger since the server started; `recheck`: it is time to do so again. `batch`: documents of a claim at the
    most while it recovers. `live`, `fanout`, `replay`: an event of that lane waits and may be taken; `unexpanded`: a
    fan-out; `suspects`: a suspect; `dead_suspects`: a key is dead as one. `failed`: the claim that failed last, while
    it recovers. `due_s`: seconds until the next waiting event, or a probe, may be taken; None if nothing waits for its
    time. `over`: claims in flight whose lease is over.
    """

    target: int
    index: int
    name: str
    collection: str
    serving: bool
    paused: bool
    applied_at: datetime
    failing: bool
    resting: bool
    unchecked: bool
    recheck: bool
    batch: int | None
    failed: int | None
    live: bool
    fanout: bool
    replay: bool
    unexpanded: bool
    newest_fanout: int | None
    suspects: bool
    dead_suspects: bool
    due_s: float | None
    live_in_flight: int
    bulk_in_flight: int
    bulk_unbegun: int
    suspects_in_flight: int
    over: int

    @property
    def queue(self) -> int:
        """The value of `event.target` of the events that go to this target."""
        return 0 if self.serving else self.target

    @property
    def quiet(self) -> bool:
        """Nothing waits, nothing is in flight, nothing fails: only a writer, or somebody at a command, changes that."""
        waits = self.live or self.fanout or self.replay or self.unexpanded or self.suspects or self.dead_suspects
        fails = self.failing or self.resting or self.batch is not None
        held = self.paused or self.unchecked or self.recheck
        return not (waits or fails or held or self.live_in_flight or self.bulk_in_flight)

    def waiting(self, lane: Lane) -> bool:
        """True if an event of the lane may be taken."""
        return {Lane.LIVE: self.live, Lane.FANOUT: self.fanout, Lane.REPLAY: self.replay}[lane]


def survey(connection: Connection) -> list[Survey]:
    """Every target that is written to, of every applied index, in one round trip."""
    return [Survey(*row) for row in connection.execute(*plans.kept(connection, _SQL["survey"], {}, ours=True))]


def definition(connection: Connection, index: int) -> Definition | None:
    """The applied definition of the index of that id."""
    row = connection.execute(_SQL["applied"], {"index": index}).fetchone()
    return None if row is None else from_json(row[2])


def trip(
    connection: Connection, target: int, reason: str, at_least: timedelta = timedelta(0), *, number: int | None
) -> None:
    """Open the target's breaker, unless a younger claim than the one of that `number` is done (None: in any case).

    `at_least` is what the server asked for by Retry-After.
    """
    parameters = {"target": target, "number": number, "reason": reason, "at_least": at_least}
    connection.execute(_SQL["trip"], parameters)


def recover(connection: Connection, target: int, documents: int) -> None:
    """Close the target's breaker after a claim of so many documents succeeded."""
    connection.execute(_SQL["recover"], {"target": target, "documents": documents})
