"""The tutorial's way of a full sync: one Celery task for each layer, five queries as an ORM makes them, one POST each.

As in docs/09_solr.md and docs/11_celery.md of github.com/capooti/foss4g_2017_geonode_solr, but into our own collection,
whose schema costs Solr less than the tutorial's: what the schemas differ by is another figure's. Two worker processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
import requests
from celery import Celery

from bench.world import ROOT, World
from outbox.sql import queries

_SQL = queries("bench", "replay.sql")
QUEUE = "bench.tutorial"
_PATIENCE_S = 600.0

app = Celery("tutorial", broker=os.environ.get("OUTBOX_BROKER_URL"))
app.conf.task_default_queue = QUEUE
app.conf.task_ignore_result = True
_connections: dict[int, psycopg.Connection[Any]] = {}


@app.task(name="bench.tutorial.index")
def index(layer: int) -> None:
    """Read one layer and post it."""
    document = as_document(_connection(), layer)
    answer = requests.post(
        f"{os.environ['OUTBOX_SOLR_URL']}/{os.environ['BENCH_COLLECTION']}/update/json/docs",
        data=orjson.dumps(document),
        params={"commitWithin": 1500},
        headers={"content-type": "application/json"},
        timeout=60,
    )
    answer.raise_for_status()


def _connection() -> psycopg.Connection[Any]:
    pid = os.getpid()
    if pid not in _connections:
        _connections[pid] = psycopg.connect(os.environ["OUTBOX_DATABASE_URL"], autocommit=True)
    return _connections[pid]


def as_document(connection: psycopg.Connection[Any], layer: int) -> dict[str, Any]:
    """One query for the layer, one for each related thing. The version is drawn so that Solr takes the write."""

    def ask(query: str, **parameters: object) -> list[Any]:
        return [row[0] for row in connection.execute(_SQL[query], parameters)]

    row = connection.execute(_SQL["layer"], {"id": layer}).fetchone()
    if row is None:
        raise LookupError(f"no layer {layer}")
    number, uuid, name, title, abstract, x0, x1, y0, y1, category, owner, date = row
    box = ask("envelope", x0=x0, x1=x1, y0=y0, y1=y1)[0]
    return {
        "id": uuid,
        "name": name,
        "title": title,
        "abstract": abstract,
        "category": (ask("category", id=category) or [""])[0],
        "modified_date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": ask("person", id=owner)[0],
        "keywords": ask("keywords", id=number),
        "regions": ask("regions", id=number),
        "src_version": ask("number")[0],
        **({"bbox": box} if box else {}),
    }


def rate(world: World, layers: int) -> float:
    """Layers a second, from the first task that is sent until the last has drawn its version.

    The one or two that then still post are not waited for.
    """
    ids = [row[0] for row in world.connection.execute(_SQL["plain_ids"], {"most": layers})]
    app.conf.update(broker_url=world.endpoints.broker_url)
    with _worker(world):
        index.apply_async(args=(ids[0],))
        _wait(world, _drawn(world) + 1)  # both processes are up
        before, began = _drawn(world), time.monotonic()
        for number in ids:
            index.apply_async(args=(number,))
        _wait(world, before + len(ids))
        return len(ids) / (time.monotonic() - began)


@contextmanager
def _worker(world: World) -> Iterator[None]:
    """Two worker processes, until the end."""
    environment = {**os.environ, **world.endpoints.environment(), "BENCH_COLLECTION": world.collection}
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "bench.tutorial",
        "worker",
        "-Q",
        QUEUE,
        "-c",
        "2",
        "-l",
        "WARNING",
    ]
    with (world.stack.folder.path / "logs" / "tutorial.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - ours
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _drawn(world: World) -> int:
    row = world.connection.execute(_SQL["drawn"]).fetchone()
    return int(row[0]) if row else 0


def _wait(world: World, drawn: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while _drawn(world) < drawn:
        if time.monotonic() > deadline:
            raise TimeoutError("the tutorial's tasks are not done: see logs/tutorial.log")
        time.sleep(0.01)  # the condition is in the database, which has nothing to wake us by
