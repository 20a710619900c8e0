"""From COMMIT to Solr for one edit in an idle system, beside its floor; and under 200 and 500 edits a second.

The floor is what nobody can do without, added up: the COMMIT of an INSERT, a NOTIFY that arrives, a confirmed message
that is consumed, the view read for one document by a plan that is kept, one POST. One program does them one after the
other, after a pause as long as that between two edits: that is the floor. Each again and again, without a pause, they
take half of that, for caches and processors are warm; that is printed beside, and has no target.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from kombu import Connection as Broker
from kombu import Queue

from bench import replay_latency
from bench.figures import of_samples, of_two, percentile
from bench.latency import Load, event_of
from bench.outcome import Outcome, Plot, Table, spread
from bench.replay import bodies, read
from bench.world import World, say
from outbox import plans, replay
from outbox.connection import Connection, connect
from outbox.solr.client import Address, Solr
from outbox.sql import queries

_SQL = queries("bench", "idle.sql")
_CLAIM = queries("bench", "replay.sql")["claim"]
STEPS = 100
PAUSE_S = (0.25, 0.35)  # between two edits: the relay falls asleep after 0.15 s
RATES = (50.0, 200.0, 500.0)
NOTE = (
    "Idle: one edit at a time, with a pause in which the relay falls asleep. Under a rate: open loop, until the worker "
    "marks the event done, one statement after Solr's acknowledgement. Solr's soft commit makes it searchable. The "
    "first edit after ten seconds without any also waits for its plans, some milliseconds."
)
_PATIENCE_S = 30.0


def measure(world: World) -> Outcome:
    """Idle edits, the floor's steps, three rates, and edits beside a replay."""
    busy, steps, floor = _floor(world, max(10, world.scale.edits // 4))
    warm = sum(busy.values())
    edits, searchable = _edits(world, world.scale.edits)
    say(f"idle: p50 {median(edits):.1f} ms, p99 {percentile(99)(edits):.1f} ms")
    say(f"floor: {floor:.1f} ms, again and again {warm:.1f} ms")
    loads = {rate: _loaded(world, rate) for rate in RATES}
    beside = _beside_replay(world)
    figures = [
        of_samples("idle_p50_vs_floor", [one / floor for one in edits]),
        of_samples("idle_p99_vs_floor", [one / floor for one in edits], percentile(99)),
        of_samples("idle_p50_vs_warm_floor", [one / warm for one in edits]),
        of_two("p99_200_vs_idle_p50", loads[200.0], edits, percentile(99)),
        of_samples("p99_500_ms", loads[500.0], percentile(99)),
    ]
    rows = [("idle, until done", edits), ("idle, until a search finds it", searchable)]
    rows += [(f"{rate:.0f} edits/s, until done", samples) for rate, samples in loads.items()]
    rows.append((f"{RATES[0]:.0f} edits/s beside a replay", beside))
    head = ("from COMMIT", "p50 ms", "p95 ms", "p99 ms")
    tables = [
        Table("Latency", head, [(name, *spread(samples)) for name, samples in rows], NOTE),
        Table("The floor", ("step", "in a row, after a pause, ms", "again and again, ms"), _rows(steps, busy, floor)),
    ]
    points = {
        name: [(rate, value(samples)) for rate, samples in loads.items()]
        for name, value in (("p50", median), ("p95", percentile(95)), ("p99", percentile(99)))
    }
    return Outcome(figures, tables, [Plot("latency", "COMMIT to Solr by load", "edits a second", "ms", points)])


def _edits(world: World, many: int) -> tuple[list[float], list[float]]:
    """Milliseconds from just before COMMIT until the worker marks it done; of every tenth, until a search finds it.

    It is marked done one statement after Solr's acknowledgement, from which on /get shows it: asked each time, but
    afterwards. Asking again and again meanwhile would take one of the processors, and be what is measured. Between two
    edits the relay falls asleep.
    """
    draw = random.Random(7)  # noqa: S311 - pauses, no secret
    found: list[float] = []
    searchable: list[float] = []
    with connect(world.endpoints.database_url, application="bench writer") as connection:
        for turn in range(-5, many):
            row = connection.execute(_SQL["edit"], {"title": f"idle {turn}", "layer": turn + 10}).fetchone()
            if row is None:
                raise RuntimeError("no such layer")
            event, at = event_of(connection), time.time()
            connection.commit()
            if turn >= 0 and turn % 10 == 0:
                _until_found(world, str(row[0]), f"idle {turn}")
                searchable.append(1000 * (time.time() - at))
            else:
                time.sleep(draw.uniform(*PAUSE_S))  # an idle system is what is measured
                done = _done(world, str(row[0]), f"idle {turn}", event)
                found += [1000 * (done - at)] if turn >= 0 else []
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


def _rows(steps: dict[str, float], busy: dict[str, float], floor: float) -> list[tuple[str, ...]]:
    rows = [*((name, steps[name], busy[name]) for name in steps), ("together", floor, sum(busy.values()))]
    return [(name, f"{paused:.2f}", f"{again:.2f}") for name, paused, again in rows]


def _floor(world: World, turns: int) -> tuple[dict[str, float], dict[str, float], float]:
    """The steps' medians, in milliseconds: each again and again, and in so many rows; and the median of the rows."""
    with (
        connect(world.endpoints.database_url, application="bench", autocommit=True) as connection,
        connect(world.endpoints.database_url, application="bench listener", autocommit=True) as listener,
        Broker(world.endpoints.broker_url, transport_options={"confirm_publish": True}) as broker,
    ):
        connection.execute(_SQL["table"])
        listener.execute(_SQL["listen"])
        channel: Any = broker.channel()
        queue = Queue("bench.floor", durable=True)(channel)
        queue.declare()
        producer = broker.Producer(channel)
        solr = Solr(Address(world.endpoints.solr_url))
        (key,) = (row[0] for row in connection.execute(_SQL["key"]))
        rows = read(connection, world, [key])
        claim = (connection.execute(_CLAIM, {"keys": [key]}).fetchone() or (0,))[0]
        plans.keep(connection)
        connection.execute(plans.beginning(connection, "SELECT", {"number": claim}), prepare=False)
        plans.begun(connection, claim)
        view, statement = {"number": claim, "only": None}, world.definition.read
        built = iter([bodies(connection, world, [rows])[0] for _ in range(STEPS + turns)])
        steps: dict[str, Callable[[], object]] = {
            "commit": lambda: connection.execute("COMMIT"),
            "notify": lambda: _notified(connection, listener),
            "publish and consume": lambda: _consumed(producer, queue),
            "read": lambda: connection.execute(*plans.kept(connection, statement, view)).fetchall(),
            "post": lambda: solr.update(world.collection, next(built), commit_within_ms=1000),
        }
        # Not timed, as the UPDATE of an edit is not.
        before: dict[str, Callable[[], object]] = {"commit": lambda: connection.execute(_SQL["insert"])}
        busy = {name: median(_took(step, before.get(name)) for _ in range(STEPS)) for name, step in steps.items()}
        paused, floor = _in_rows(steps, before, turns)
        queue.delete()
        connection.execute(_SQL["end"], {"number": claim})
        connection.execute(_SQL["drop"])
    say("floor: " + ", ".join(f"{name} {took:.2f} ({busy[name]:.2f}) ms" for name, took in paused.items()))
    return busy, paused, floor


def _in_rows(
    steps: dict[str, Callable[[], object]], before: dict[str, Callable[[], object]], turns: int
) -> tuple[dict[str, float], float]:
    """One step after the other, after a pause as long as that between two edits; and how long all of a row took."""
    draw, seen = random.Random(7), {name: list[float]() for name in steps}  # noqa: S311 - pauses, no secret
    for _ in range(turns):
        time.sleep(draw.uniform(*PAUSE_S))  # an idle system is what is measured
        for name, step in steps.items():
            seen[name].append(_took(step, before.get(name)))
    together = median(sum(row) for row in zip(*seen.values(), strict=True))
    return {name: median(samples) for name, samples in seen.items()}, together


def _notified(connection: Connection, listener: Connection) -> None:
    connection.execute(_SQL["notify"])
    for _ in listener.notifies(timeout=_PATIENCE_S, stop_after=1):
        return
    raise TimeoutError("no notification came")


def _consumed(producer: Any, queue: Any) -> None:
    producer.publish({"claim": 1}, routing_key=queue.name, delivery_mode=2)
    deadline = time.monotonic() + _PATIENCE_S
    while (message := queue.get(no_ack=False)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError("no message came")
    message.ack()


def _took(step: Callable[[], object], before: Callable[[], object] | None) -> float:
    if before is not None:
        before()
    at = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - at)


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
