"""From COMMIT to Solr for one edit in an idle system, beside its floor; and under 200 and 500 edits a second."""

from __future__ import annotations

import random
import time
from statistics import median

from bench import floor, replay_latency
from bench.figures import of_samples, of_two, percentile
from bench.floor import PAUSE_S
from bench.latency import Load, event_of
from bench.outcome import Outcome, Plot, Table, spread
from bench.world import World, say
from outbox import replay
from outbox.connection import connect
from outbox.sql import queries

_SQL = queries("bench", "idle.sql")
BLOCKS = 5
"""Of edits, in turns with as many of the floor and one more: Solr's POST takes less from minute to minute."""
_FIRST = 5  # edits of a block, after what went on before it, that are not counted
RATES = (50.0, 200.0, 500.0)
NOTE = (
    "Idle: one edit at a time, with a pause in which the relay falls asleep. Under a rate: open loop, until the worker "
    "marks the event done, one statement after Solr's acknowledgement. Solr's soft commit makes it searchable. The "
    "first edit after ten seconds without any also waits for its plans, some milliseconds."
)
_PATIENCE_S = 30.0


def measure(world: World) -> Outcome:
    """Idle edits, the floor's steps, three rates, and edits beside a replay."""
    busy = floor.again_and_again(world)
    edits, searchable, rows = _in_turns(world)
    floors, warm = [floor.together(row) for row in rows], floor.together(busy)
    say(f"idle: p50 {median(edits):.1f} ms, p99 {percentile(99)(edits):.1f} ms")
    say(f"floor: {median(floors):.1f} ms, again and again {warm:.1f} ms")
    loads = {rate: _loaded(world, rate) for rate in RATES}
    beside = _beside_replay(world)
    figures = [
        of_two("idle_p50_vs_floor", edits, floors),
        of_two("idle_p99_vs_floor", edits, floors, percentile(99)),
        of_samples("idle_p50_vs_warm_floor", [one / warm for one in edits]),
        of_two("p99_200_vs_idle_p50", loads[200.0], edits, percentile(99)),
        of_samples("p99_500_ms", loads[500.0], percentile(99)),
    ]
    shown = [("idle, until done", edits), ("idle, until a search finds it", searchable)]
    shown += [(f"{rate:.0f} edits/s, until done", samples) for rate, samples in loads.items()]
    shown.append((f"{RATES[0]:.0f} edits/s beside a replay", beside))
    head = ("from COMMIT", "p50 ms", "p95 ms", "p99 ms")
    tables = [
        Table("Latency", head, [(name, *spread(samples)) for name, samples in shown], NOTE),
        floor.table(rows, busy),
    ]
    points = {
        name: [(rate, value(samples)) for rate, samples in loads.items()]
        for name, value in (("p50", median), ("p95", percentile(95)), ("p99", percentile(99)))
    }
    return Outcome(figures, tables, [Plot("latency", "COMMIT to Solr by load", "edits a second", "ms", points)])


def _in_turns(world: World) -> tuple[list[float], list[float], list[floor.Row]]:
    """Milliseconds of edits until done, of some until a search finds them, and the floor's rows between them."""
    many, turns = max(1, world.scale.edits // BLOCKS), max(5, world.scale.edits // (4 * BLOCKS))
    edits: list[float] = []
    searchable: list[float] = []
    rows = floor.rows(world, turns)
    for block in range(BLOCKS):
        done, found = _edits(world, block * (many + _FIRST), many)
        edits, searchable, rows = edits + done, searchable + found, rows + floor.rows(world, turns)
    return edits, searchable, rows


def _edits(world: World, first: int, many: int) -> tuple[list[float], list[float]]:
    """Milliseconds from just before COMMIT until the worker marks it done; of every tenth, until a search finds it.

    It is marked done one statement after Solr's acknowledgement, from which on /get shows it: asked each time, but
    afterwards. Asking again and again meanwhile would take one of the processors, and be what is measured. Between two
    edits the relay falls asleep.
    """
    draw = random.Random(7)  # noqa: S311 - pauses, no secret
    found: list[float] = []
    searchable: list[float] = []
    with connect(world.endpoints.database_url, application="bench writer") as connection:
        for turn in range(first, first + _FIRST + many):
            counted = turn >= first + _FIRST
            row = connection.execute(_SQL["edit"], {"title": f"idle {turn}", "layer": turn + 10}).fetchone()
            if row is None:
                raise RuntimeError("no such layer")
            event, at = event_of(connection), time.time()
            connection.commit()
            if counted and turn % 10 == 0:
                _until_found(world, str(row[0]), f"idle {turn}")
                searchable.append(1000 * (time.time() - at))
            else:
                time.sleep(draw.uniform(*PAUSE_S))  # an idle system is what is measured
                done = _done(world, str(row[0]), f"idle {turn}", event)
                found += [1000 * (done - at)] if counted else []
    return found, searchable


def _done(world: World, key: str, title: str, event: int) -> float:
    """When the event was marked done, by the clock of Postgres, which is this machine's; Solr shows the edit."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (seen := world.connection.execute(_SQL["done"], {"events": [event]}).fetchall()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{key} is not in Solr after {_PATIENCE_S:.0f} s")
        time.sleep(0.05)  # the condition is in the database, which has nothing to wake us by
    if world.solr.get(world.collection, [key], fields="id,title").get(key, {}).get("title") != title:
        raise RuntimeError(f"{key} is marked done, and Solr does not show it")
    return float(seen[0][1])


def _until_found(world: World, key: str, title: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    wanted = {"q": f"id:{key}", "fl": "title"}
    while [each.get("title") for each in world.solr.select("layers", wanted)["response"]["docs"]] != [title]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{key} is not found in Solr after {_PATIENCE_S:.0f} s")
        time.sleep(0.002)  # Solr tells nobody when a searcher is open: it has to be asked


def _loaded(world: World, rate: float) -> list[float]:
    """Milliseconds of each edit at that rate, until the worker marks it done."""
    Load(world.endpoints.database_url, rate, 3.0).run()
    world.drain()
    load = Load(world.endpoints.database_url, rate, world.scale.load_s)
    load.run()
    world.drain()
    events = [event for event, _ in load.commits]
    done: dict[int, float] = dict(world.connection.execute(_SQL["done"], {"events": events}).fetchall())
    found = [1000 * (done[event] - at) for event, at in load.commits]
    say(f"{rate:.0f} edits/s: p50 {median(found):.0f} ms, p99 {percentile(99)(found):.0f} ms")
    return found


def _beside_replay(world: World) -> list[float]:
    """Milliseconds of the edits that were made while a replay of all documents ran."""
    seen = replay_latency.Measured("beside a replay")
    replay.all_documents(world.connection, "layers")
    replay_latency.during_bulk(world.connection, world.endpoints.database_url, seen, rate=RATES[0])
    return seen.milliseconds
