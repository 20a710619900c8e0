"""A replay by the number of bulk worker processes, in turns; for each the pipeline is started anew, and warmed."""

from __future__ import annotations

from bench.outcome import Outcome
from bench.replay import as_outcome, replayed
from bench.world import CONFIG, World, say
from outbox.sql import queries

_SQL = queries("bench", "replay.sql")
PROCESSES = (1, 2, 4)
ROUNDS = 3


def measure(world: World) -> Outcome:
    """Documents a second by processes; afterwards there are as many as before."""
    (count,) = world.connection.execute(_SQL["count"]).fetchone() or (0,)
    names = {processes: f"{processes} process{'es' if processes > 1 else ''}" for processes in PROCESSES}
    seen: dict[str, list[float]] = {name: [] for name in names.values()}
    for turn in range(min(ROUNDS, world.scale.rounds)):
        for processes in PROCESSES if turn % 2 else reversed(PROCESSES):
            world.stack.stop_pipeline()
            world.stack.start_pipeline(CONFIG, bulk=processes)
            replayed(world, "layers")
            rate = count / replayed(world, "layers")
            seen[names[processes]].append(rate)
            say(f"workers: {names[processes]}, {rate:.0f} documents/s")
    world.stack.stop_pipeline()
    world.stack.start_pipeline(CONFIG)
    return as_outcome([], seen, "workers", "Replay by bulk worker processes", "One Celery worker.")
