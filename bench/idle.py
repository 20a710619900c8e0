"""From COMMIT to /get for one edit in an idle system, beside its floor; and under 200 and 500 edits a second.

The floor is what nobody can do without, each alone in the same run, its medians added up: INSERT and COMMIT, a NOTIFY
that arrives, a confirmed message that is consumed, the view read for one document, one POST.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from kombu import Connection as Broker
from kombu import Queue

from bench.figures import Figure, of_samples, of_two, percentile
from bench.latency import Load
from bench.replay import bodies, read
from bench.world import World, say
from outbox.connection import Connection, connect
from outbox.solr.client import Address, Solr
from outbox.sql import queries

_SQL = queries("bench", "idle.sql")
STEPS = 100
_PATIENCE_S = 30.0


def measure(world: World) -> list[Figure]:
    """Idle edits, the floor's steps, and two rates."""
    floor = _floor(world)
    edits = _edits(world, world.scale.edits)
    p50, p99 = median(edits), percentile(99)(edits)
    say(f"idle: p50 {p50:.1f} ms, p99 {p99:.1f} ms; floor {floor:.1f} ms")
    at_200, at_500 = (_loaded(world, rate) for rate in (200.0, 500.0))
    return [
        of_samples("idle_p50_vs_floor", [one / floor for one in edits]),
        of_samples("idle_p99_vs_floor", [one / floor for one in edits], percentile(99)),
        of_two("p99_200_vs_idle_p50", at_200, edits, percentile(99)),
        of_samples("p99_500_ms", at_500, percentile(99)),
    ]


def _edits(world: World, many: int) -> list[float]:
    """Milliseconds from just before COMMIT until /get shows it; after each a pause, in which the relay falls asleep."""
    draw, found = random.Random(7), []  # noqa: S311 - pauses, no secret
    with connect(world.endpoints.database_url, application="bench writer") as connection:
        for turn in range(-5, many):
            row = connection.execute(_SQL["edit"], {"title": f"idle {turn}", "layer": turn + 10}).fetchone()
            if row is None:
                raise RuntimeError("no such layer")
            at = time.perf_counter()
            connection.commit()
            _until_shown(world, str(row[0]), f"idle {turn}")
            if turn >= 0:
                found.append(1000 * (time.perf_counter() - at))
            time.sleep(draw.uniform(0.05, 0.15))  # an idle system is what is measured
    return found


def _until_shown(world: World, key: str, title: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while world.solr.get(world.collection, [key], fields="id,title").get(key, {}).get("title") != title:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{key} is not in Solr after {_PATIENCE_S:.0f} s")


def _floor(world: World) -> float:
    """The sum of the steps' medians, in milliseconds."""
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
        steps: dict[str, Callable[[], object]] = {
            "insert and commit": lambda: connection.execute(_SQL["insert"]),
            "notify": lambda: _notified(connection, listener),
            "publish and consume": lambda: _consumed(producer, queue),
            "read": lambda: read(connection, world, [key]),
            "post": lambda: solr.update(world.collection, bodies(connection, world, [rows])[0], commit_within_ms=1000),
        }
        medians = {name: median(_took(step) for _ in range(STEPS)) for name, step in steps.items()}
        queue.delete()
        connection.execute(_SQL["drop"])
    say("floor: " + ", ".join(f"{name} {took:.2f} ms" for name, took in medians.items()))
    return sum(medians.values())


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


def _took(step: Callable[[], object]) -> float:
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
