"""How it holds as the work grows: the time of a claim with a thousand and with a million waiting, and memory."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.figures import of_samples, of_two
from bench.outcome import Outcome, Plot, Table, spread
from bench.world import CONFIG, World, say
from outbox.sql import queries
from outbox.store import claims, indexes
from outbox.store.claims import Lane

_SQL = queries("bench", "growth.sql")
STEPS = (1000, 10_000, 100_000)
AT_WORK = 20_000
"""Events that the pipeline works off before its memory is looked at."""
_CLAIMS = 30
_PATIENCE_S = 300.0
_MINUTE = timedelta(minutes=1)


def measure(world: World) -> Outcome:
    """Claims while nothing runs; then the pipeline is started over all that waits, and its memory is looked at."""
    before = memory(world)
    world.stack.stop_pipeline()
    steps = [step for step in STEPS if step < world.scale.waiting] + [world.scale.waiting]
    took: dict[int, list[float]] = {}
    for step in steps:
        _wait(world, step)
        took[step] = [1000 * _claim(world) for _ in range(_CLAIMS)]
        say(f"growth: a claim {median(took[step]):.1f} ms with {step:,} waiting")
    beside = _at_work(world)
    relay = max(before[0], beside[0])
    workers = [*before[1], *beside[1]]
    say(f"growth: relay {relay:.0f} MB, workers {', '.join(f'{one:.0f}' for one in workers)} MB")
    figures = [
        of_two("claim_1m_vs_1k", took[steps[-1]], took[steps[0]]),
        of_samples("rss_relay_mb", [relay]),
        of_samples("rss_worker_mb", [max(workers)]),
    ]
    rows = [(f"{step:,}", *spread(samples)) for step, samples in took.items()]
    resident = [
        ("after replays", f"{before[0]:.0f}", f"{max(before[1]):.0f}"),
        (f"over {steps[-1]:,} waiting", f"{beside[0]:.0f}", f"{max(beside[1]):.0f}"),
    ]
    return Outcome(
        figures,
        [
            Table("A claim of 500 by the events that wait", ("waiting", "p50 ms", "p95 ms", "p99 ms"), rows),
            Table("Memory at its highest", ("", "relay MB", "worker process MB"), resident),
        ],
        [
            Plot(
                "claims",
                "A claim of 500 documents",
                "events waiting",
                "ms, median",
                {"claim": [(step, median(samples)) for step, samples in took.items()]},
            )
        ],
    )


def _at_work(world: World) -> tuple[float, list[float]]:
    """Memory of a pipeline that is started while all those wait, and works for a while; then they are forgotten."""
    world.stack.start_pipeline(CONFIG)
    deadline = time.monotonic() + _PATIENCE_S
    while (world.connection.execute(_SQL["done"]).fetchone() or (0,))[0] < AT_WORK:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{AT_WORK} events are not done after {_PATIENCE_S:.0f} s")
        time.sleep(0.1)  # the condition is in the database, which has nothing to wake us by
    found = memory(world)
    world.stack.stop_pipeline()
    world.connection.execute(_SQL["forget"])
    world.connection.execute(_SQL["forget_claims"])
    world.stack.start_pipeline(CONFIG)
    return found


def memory(world: World) -> tuple[float, list[float]]:
    """The highest memory until now, in MB, of the relay and of each worker process."""
    pids = [pid for name in ("worker-live", "worker-bulk") for pid in _children(world.stack.service(name).pid)]
    return _highest_mb(world.stack.service("relay").pid), [_highest_mb(pid) for pid in pids]


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
