"""A replay by the number of bulk worker processes, in turns; Celery grows and shrinks the pool that runs."""

from __future__ import annotations

import time

from celery import Celery

from bench.outcome import Outcome
from bench.replay import as_outcome, replayed
from bench.world import World, say
from outbox.sql import queries

_SQL = queries("bench", "replay.sql")
PROCESSES = (1, 2, 4)
_USUAL = 2
_PATIENCE_S = 60.0
_ANSWER_S = 5.0


def measure(world: World) -> Outcome:
    """Documents a second by processes; afterwards there are as many as before."""
    pool = _Pool(world)
    (count,) = world.connection.execute(_SQL["count"]).fetchone() or (0,)
    seen: dict[int, list[float]] = {processes: [] for processes in PROCESSES}
    for turn in range(world.scale.rounds):
        for processes in PROCESSES if turn % 2 else reversed(PROCESSES):
            pool.resize(processes)
            seen[processes].append(count / replayed(world, "layers"))
            say(f"workers: {processes} processes, {seen[processes][-1]:.0f} documents/s")
    pool.resize(_USUAL)
    rates = {f"{processes} processes": samples for processes, samples in seen.items()}
    return as_outcome(
        [], rates, "workers", "Replay by bulk worker processes", "One Celery worker; its pool is resized."
    )


class _Pool:
    def __init__(self, world: World) -> None:
        self._app = Celery(broker=world.endpoints.broker_url)
        names = [name for answer in self._app.control.ping(timeout=_ANSWER_S) or () for name in answer]
        self._bulk = [name for name in names if name.startswith("bulk@")]
        if len(self._bulk) != 1:
            raise RuntimeError(f"one bulk worker was expected to answer, not {names}")

    def resize(self, wanted: int) -> None:
        """Return when the pool has so many processes."""
        deadline = time.monotonic() + _PATIENCE_S
        while (have := self._size()) != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pool has {have} processes, not {wanted}, after {_PATIENCE_S:.0f} s")
            if have is None:
                continue  # a worker that has just started may miss a question
            change = self._app.control.pool_grow if have < wanted else self._app.control.pool_shrink
            change(abs(wanted - have), destination=self._bulk, reply=True, timeout=_ANSWER_S)

    def _size(self) -> int | None:
        found = self._app.control.inspect(destination=self._bulk, timeout=_ANSWER_S).stats()
        return None if found is None else len(found[self._bulk[0]]["pool"]["processes"])
