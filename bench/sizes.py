"""Documents of 1, 10 and 100 kB, replayed beside Solr alone, in turns.

The last layers get abstracts of that many random words; afterwards they are short again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from bench.figures import of_pairs
from bench.outcome import Outcome, Table
from bench.replay import bodies, in_turns, post, read
from bench.world import World, say
from outbox import replay
from outbox.sql import queries

_SQL = queries("bench", "sizes.sql")
SIZES = {1: 1000, 10: 1000, 100: 200}
"""Documents of each size, in kB."""
ROUNDS = 4
BODY_KB = 1000
"""Of a request at the most: a slow machine's Solr took more than its 25 s for five times that."""


def measure(world: World) -> Outcome:
    """One row a size."""
    rows: list[tuple[str, ...]] = []
    for kilobytes, documents in SIZES.items():
        world.connection.execute(_SQL["grow"], {"many": documents, "words": kilobytes * 100})
        world.drain()
        rows.append(_row(world, kilobytes, documents))
        world.connection.execute(_SQL["grow"], {"many": documents, "words": 10})
        world.drain()
    head = ("kB", "documents/s", "MB/s", "of Solr alone", "95 %")
    note = "Replayed by key; Solr alone has the bodies built beforehand, posted by two connections."
    return Outcome([], [Table("Document size", head, rows, note)])


def _row(world: World, kilobytes: int, documents: int) -> tuple[str, ...]:
    keys = [row[0] for row in world.connection.execute(_SQL["keys"], {"many": documents})]
    together = min(50, BODY_KB // kilobytes)
    chunks = [keys[at : at + together] for at in range(0, len(keys), together)]
    rows = [read(world.connection, world, chunk) for chunk in chunks]
    ways: dict[str, Callable[[], float]] = {
        "replay": lambda: _replayed(world, keys),
        "raw": lambda: post(world.endpoints.solr_url, world.collection, bodies(world.connection, world, rows)),
    }
    seen = in_turns(world, f"sizes: {kilobytes} kB", ways, documents, min(ROUNDS, world.scale.rounds))
    ratio = of_pairs("size", list(zip(seen["replay"], seen["raw"], strict=True)))
    rate = median(seen["replay"])
    say(f"sizes: {kilobytes} kB: {rate:.0f} documents/s, {ratio.value:.2f} of Solr alone")
    interval = f"{ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}"
    return (f"{kilobytes}", f"{rate:,.0f}", f"{rate * kilobytes / 1000:.1f}", f"{ratio.value:.2f}", interval)


def _replayed(world: World, keys: list[str]) -> float:
    began = time.monotonic()
    replay.documents(world.connection, "layers", keys)
    world.drain()
    return time.monotonic() - began
