"""What the parts of `make bench` share: private services, an applied catalogue, its pipeline, and how large all is."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.catalogue import generate
from outbox.connection import Connection, connect
from outbox.index import Definition
from outbox.solr.client import Address, Solr
from outbox.sql import queries
from outbox.store import indexes
from services.command import succeed
from services.endpoints import Endpoints
from services.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".services" / "bench"
CONFIG = ROOT / "examples" / "catalogue" / "outbox.toml"
_SQL = queries("bench", "latency.sql")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. `QUICK` is for a look, `FULL` for figures."""

    layers: int
    rounds: int
    passes: int  # over all layers, in one round of a replay
    tutorial: int
    edits: int
    load_s: float
    writers_s: float
    waiting: int
    shown_on: int
    warm: int  # documents at the most that warm a collection's schema


QUICK = Scale(
    layers=4000,
    rounds=2,
    passes=1,
    tutorial=150,
    edits=50,
    load_s=2,
    writers_s=1,
    waiting=200_000,
    shown_on=20_000,
    warm=40_000,
)
FULL = Scale(
    layers=20_000,
    rounds=7,
    passes=3,
    tutorial=1000,
    edits=600,
    load_s=45,
    writers_s=8,
    waiting=1_000_000,
    shown_on=100_000,
    warm=400_000,
)


@dataclass(frozen=True, slots=True)
class World:
    """The services, a connection to the catalogue, its Solr, and the scale.

    `definition` is that of the index `layers`, as applied, and `collection` the one that serves it: known beforehand,
    so that no step that is timed has to ask for them.
    """

    stack: Stack
    endpoints: Endpoints
    connection: Connection
    solr: Solr
    scale: Scale
    definition: Definition
    collection: str

    def number(self, query: str) -> int:
        """What one of the statements that give a number says."""
        row = self.connection.execute(_SQL[query]).fetchone()
        if row is None:
            raise RuntimeError(f"{query} gave no row")
        return int(row[0])

    def drain(self, patience_s: float = 1800.0) -> None:
        """Wait until nothing waits."""
        deadline = time.monotonic() + patience_s
        while self.connection.execute(_SQL["waiting"]).fetchone() != (False,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"events still wait after {patience_s:.0f} s")
            time.sleep(0.05)  # the condition is in the database, which has nothing to wake us by


@contextmanager
def catalogue(folder: Path, scale: Scale) -> Iterator[World]:
    """Private services, started from nothing and stopped in the end, with a catalogue that is applied; nothing runs."""
    stack = Stack(folder, with_flower=False)
    stack.stop()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        endpoints = stack.start(say)
        environment = {**endpoints.environment(), "OUTBOX_CONFIG": str(CONFIG)}
        outbox(environment, "migrate")
        with connect(endpoints.database_url, application="bench", autocommit=True, statement_timeout_s=0) as connection:
            generate.load(connection, layers=scale.layers)
            outbox(environment, "apply")
            applied, definition = indexes.demand(connection, "layers")
            if applied.collection is None:
                raise RuntimeError("layers has no collection")  # apply made one
            solr = Solr(Address(endpoints.solr_url))
            yield World(stack, endpoints, connection, solr, scale, definition, applied.collection)
    finally:
        stack.stop(say)


@contextmanager
def world(folder: Path, scale: Scale) -> Iterator[World]:
    """The same, with its pipeline at work, and every document in Solr."""
    with catalogue(folder, scale) as found:
        found.stack.start_pipeline(CONFIG, say)
        found.drain()
        yield found


def outbox(environment: dict[str, str], *arguments: str) -> None:
    """Run `outbox` with these arguments."""
    succeed([sys.executable, "-m", "outbox", *arguments], extra=environment, cwd=ROOT)


def say(text: str) -> None:
    """Tell who waits what goes on."""
    print(text, file=sys.stderr, flush=True)
