"""The tutorial's way of a full sync: one Celery task for each layer, five queries, one POST each, two worker processes.

Into our own collection, whose schema costs Solr less than the tutorial's: what the schemas differ by is another
figure's. Once as it stands there, with Django (`bench.django_catalogue.tutorial`), and once tuned, by the task in this
module: the queries written in SQL, over a connection that is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
from celery import Celery

from bench.single_post import post
from bench.world import ROOT, World
from outbox.sql import queries

_SQL = queries("bench", "replay.sql")
QUEUE = "bench.tutorial"
APPLICATIONS = {"bench.tutorial.orm": "bench.django_catalogue.tutorial", "bench.tutorial.tuned": "bench.tutorial"}
"""Of each task the module with its Celery application."""
_PATIENCE_S = 600.0

app = Celery("tutorial", broker=os.environ.get("OUTBOX_BROKER_URL"))
app.conf.task_ignore_result = True
_connections: dict[int, psycopg.Connection[Any]] = {}


@app.task(name="bench.tutorial.tuned")
def index(layer: int, version: int) -> None:
    """Read one layer and post it."""
    document = as_document(_connection(), layer) | {"src_version": version}
    post(orjson.dumps(document))


def _connection() -> psycopg.Connection[Any]:
    pid = os.getpid()
    if pid not in _connections:
        _connections[pid] = psycopg.connect(os.environ["OUTBOX_DATABASE_URL"], autocommit=True)
    return _connections[pid]


def as_document(connection: psycopg.Connection[Any], layer: int) -> dict[str, Any]:
    """One query for the layer, one for each related thing."""

    def ask(query: str, **parameters: object) -> list[Any]:
        return [row[0] for row in connection.execute(_SQL[query], parameters)]

    row = connection.execute(_SQL["layer"], {"id": layer}).fetchone()
    if row is None:
        raise LookupError(f"no layer {layer}")
    number, uuid, name, title, abstract, x0, x1, y0, y1, category, owner, date = row
    return {
        "id": uuid,
        "name": name,
        "title": title,
        "abstract": abstract,
        "bbox": f"ENVELOPE({x0},{x1},{y1},{y0})",
        "category": (ask("category", id=category) or [""])[0],
        "modified_date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": ask("person", id=owner)[0],
        "keywords": ask("keywords", id=number),
        "regions": ask("regions", id=number),
    }


def rate(world: World, task: str, layers: int) -> float:
    """Layers a second, from the first task that is sent until the last layer is in Solr."""
    plain = list(world.connection.execute(_SQL["plain"], {"most": layers + 1}))
    producer = Celery("producer", broker=world.endpoints.broker_url)
    done = world.stack.folder.path / "tutorial.done"  # each task appends a byte
    done.write_bytes(b"")

    def send(layer: int, version: int) -> None:
        producer.send_task(task, args=(layer, version), queue=QUEUE)

    with _worker(world, APPLICATIONS[task], done):
        send(*plain[0])
        _wait(done, 1)  # the processes are up
        began = time.monotonic()
        for each in plain[1:]:
            send(*each)
        _wait(done, len(plain))
        return (len(plain) - 1) / (time.monotonic() - began)


@contextmanager
def _worker(world: World, application: str, done: Path) -> Iterator[None]:
    """Two worker processes, until the end."""
    environment = {
        **os.environ,
        **world.endpoints.environment(),
        "BENCH_COLLECTION": world.collection,
        "BENCH_DONE": str(done),
    }
    command = [sys.executable, "-m", "celery", "-A", application, "worker", "-Q", QUEUE, "-c", "2", "-l", "WARNING"]
    with (world.stack.folder.path / "logs" / "tutorial.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - ours
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(done: Path, tasks: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while done.stat().st_size < tasks:
        if time.monotonic() > deadline:
            raise TimeoutError("the tutorial's tasks are not done: see logs/tutorial.log")
        time.sleep(0.01)  # the condition is in other processes, which have nothing to wake us by
