"""The memory of relay and workers is bounded, whatever waits: the most that each process ever held, in bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import TupleRow

from outbox.solr.client import Address, Solr
from outbox.sql import queries
from services import process
from tests import oracle
from tests.pipeline import ROOT, Pipeline, until

SQL = queries("tests.chaos.memory", "memory.sql")
CONFIG = Path(__file__).with_name("outbox.toml")
MB = 1024 * 1024
RELAY_MB, WORKER_MB = 120, 200
PAGES, PAGE_MB = 12, 10
MANY = 200_000
EVENTS, EDITS = 1_000_000, 25
PATIENCE_S = 900.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@dataclass(frozen=True, slots=True)
class Library:
    """The applied library."""

    connection: psycopg.Connection[TupleRow]
    pipeline: Pipeline
    solr: Solr

    def run(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        """One of our statements; its rows, if it gives any."""
        cursor = self.connection.execute(SQL[query], parameters or None)
        return cursor.fetchall() if cursor.description else []

    def fill(self, pages: int) -> None:
        """So many pages on the second shelf, of which no event tells."""
        self.connection.execute("SET session_replication_role = replica")
        self.run("many", pages=pages)
        self.connection.execute("RESET session_replication_role")

    def drained(self) -> None:
        """Wait until nothing waits and nothing is dead."""
        until(lambda: self.run("left") == [(0,)], "nothing waits", PATIENCE_S)

    def peaks(self) -> dict[str, list[float]]:
        """By program: the megabytes that each of its processes held at the most."""
        found = {name: [running.pid] for name, running in self.pipeline.processes.items()}
        for entry in process.table().values():
            for pids in found.values():
                if entry.parent == pids[0]:
                    pids.append(entry.pid)
        return {name: [peak_mb(pid) for pid in pids] for name, pids in found.items()}


def peak_mb(pid: int) -> float:
    """VmHWM, of proc(5)."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    assert match is not None
    return int(match[1]) / 1024


@pytest.fixture
def library(database_url: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Library]:
    """The library, applied; no process runs yet."""
    environment = {
        "OUTBOX_DATABASE_URL": database_url,
        "OUTBOX_BROKER_URL": broker_url,
        "OUTBOX_SOLR_URL": solr_url,
        "OUTBOX_CONFIG": str(CONFIG),
        "PYTHONPATH": str(ROOT),
    }
    pipeline = Pipeline(environment, tmp_path)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SQL["tables"])
        pipeline.run("apply")
        try:
            yield Library(connection, pipeline, Solr(Address(solr_url)))
        finally:
            pipeline.stop_all()


def test_documents_of_ten_megabytes(library: Library) -> None:
    library.run("large", pages=PAGES, words=PAGE_MB * MB // 4)
    library.pipeline.start(live=1, bulk=1)
    library.drained()
    bounded(library, f"{PAGES} documents of {PAGE_MB} MB")
    equal(library)


def test_a_fan_out_of_two_hundred_thousand(library: Library) -> None:
    library.fill(MANY)
    library.run("fan_out")
    library.pipeline.start(live=1, bulk=1)
    library.drained()
    bounded(library, f"a fan-out of {MANY:,}")
    equal(library)


def test_a_million_events_wait(library: Library) -> None:
    library.fill(EVENTS // EDITS)
    library.run("waiting", events=EVENTS, edits=EDITS)
    library.pipeline.start(live=1, bulk=1)
    library.drained()
    bounded(library, f"{EVENTS:,} events waiting")
    ((largest,),) = library.run("largest_claim")
    assert largest <= 2000  # what a claim looks at
    equal(library)


def bounded(library: Library, what: str) -> None:
    """Every process stayed below its bound, and the figures are printed."""
    peaks = library.peaks()
    shown = "; ".join(f"{name} {', '.join(f'{each:.0f}' for each in most)} MB" for name, most in peaks.items())
    print(f"{what}: {shown}")
    for name, most in peaks.items():
        assert max(most) <= (RELAY_MB if name.startswith("relay") else WORKER_MB), shown


def equal(library: Library) -> None:
    """Solr equals the view."""
    row = library.connection.execute("SELECT collection FROM outbox.target").fetchone()
    assert row is not None
    assert oracle.differences(library.connection, library.solr, row[0], "library.page_document") == []
