"""How it holds as the work grows: the time of a claim with a thousand and with a million waiting, and memory."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from bench.figures import Figure, of_pairs, of_samples
from bench.world import CONFIG, World, say
from outbox.sql import queries
from outbox.store import claims, indexes
from outbox.store.claims import Lane

_SQL = queries("bench", "growth.sql")
FEW = 1000
_CLAIMS = 30
_MINUTE = timedelta(minutes=1)


def measure(world: World) -> list[Figure]:
    """Memory first, of the processes that have replayed; then they stop, and events wait."""
    relay = _highest_mb(world.stack.service("relay").pid)
    workers = [
        _highest_mb(pid) for name in ("worker-live", "worker-bulk") for pid in _children(world.stack.service(name).pid)
    ]
    say(f"growth: relay {relay:.0f} MB, workers {', '.join(f'{one:.0f}' for one in workers)} MB")
    world.stack.stop_pipeline()
    few, many = [], []
    _wait(world, FEW)
    few = [_claim(world) for _ in range(_CLAIMS)]
    _wait(world, world.scale.waiting)
    many = [_claim(world) for _ in range(_CLAIMS)]
    say(f"growth: a claim {1000 * min(few):.1f} ms with {FEW:,}, {1000 * min(many):.1f} with {world.scale.waiting:,}")
    world.connection.execute(_SQL["forget"])
    world.stack.start_pipeline(CONFIG)
    return [
        of_pairs("claim_1m_vs_1k", list(zip(many, few, strict=True))),
        of_samples("rss_relay_mb", [relay]),
        of_samples("rss_worker_mb", [max(workers)]),
    ]


def _wait(world: World, many: int) -> None:
    world.connection.execute(_SQL["forget"])
    world.connection.execute(_SQL["waiting"], {"many": many})
    world.connection.execute(_SQL["analyze"])


def _claim(world: World) -> float:
    """Seconds of one claim of 500, which is undone."""
    applied, _ = indexes.demand(world.connection, "layers")
    if applied.target is None:
        raise RuntimeError("layers has no target")
    with world.connection.transaction(force_rollback=True):
        at = time.perf_counter()
        made = claims.claim(
            world.connection,
            index=applied.id,
            target=applied.target,
            queue=0,
            lane=Lane.LIVE,
            keys=500,
            dispatch_lease=_MINUTE,
            work_lease=_MINUTE,
        )
        took = time.perf_counter() - at
    if made is None:
        raise RuntimeError("nothing was claimed")
    return took


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _highest_mb(pid: int) -> float:
    """The most memory that the process has had resident, by the kernel."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"the process {pid} has no memory")
