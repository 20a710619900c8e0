"""`make demo`, or `python -m examples.demo [--keep]`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from examples.catalogue import generate
from examples.demo import edits, outage, queries, screen
from outbox.solr.client import Address, Solr
from services.endpoints import Endpoints
from services.errors import StackError
from services.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".services" / "demo"
CONFIG = ROOT / "examples" / "catalogue" / "outbox.toml"
LAYERS = 2000
ALIAS = "layers"


def main() -> int:
    """Run the demo; returns the exit code. Unless it is kept, nothing is left running."""
    parser = argparse.ArgumentParser(prog="demo", description="Show the whole pipeline at work.")
    parser.add_argument("--keep", action="store_true", help="leave everything running, and print the addresses")
    parser.add_argument("--dir", type=Path, default=FOLDER, help="where data and logs go; emptied first")
    given = parser.parse_args()
    keep: bool = given.keep
    stack = Stack(given.dir)
    began = time.monotonic()
    complete = False
    try:
        stack.stop()  # one that was kept; the demo starts from nothing
        shutil.rmtree(given.dir, ignore_errors=True)
        show(stack)
        complete = True
    except (StackError, TimeoutError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        if keep and complete:
            _addresses(stack.endpoints(), given.dir)
        else:
            stack.stop(screen.line)
    screen.line(f"\nThe demo took {time.monotonic() - began:.0f} s.")
    return 0


def show(stack: Stack) -> None:
    """All chapters."""
    screen.chapter("1. Real services, on free ports of this machine")
    endpoints = stack.start(screen.line)
    environment = {**endpoints.environment(), "OUTBOX_CONFIG": str(CONFIG)}
    solr = Solr(Address(endpoints.solr_url))
    with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
        _fill(connection, environment, stack)
        collection = _collection(connection)
        screen.chapter("3. Edits, by SQL as anybody may write them; milliseconds from COMMIT")
        _edits(connection, solr, collection, environment)
        screen.chapter("4. The tutorial's queries")
        for query in queries.QUERIES:
            queries.ask(solr, ALIAS, query)
        screen.chapter("5. Solr is down")
        outage.run(
            stack,
            edit=lambda: _edit_while_down(connection),
            arrived=lambda key: solr.get(collection, [key])[key].get("title") == "Edited while Solr was down",
            drained=lambda: _outbox(environment, "wait", "--timeout", "120", quiet=True),
        )
        screen.chapter("6. Where everything stands")
        _outbox(environment, "status")


def _fill(connection: edits.Connection, environment: dict[str, str], stack: Stack) -> None:
    screen.chapter(f"2. A catalogue of {LAYERS:,} layers, and one view that is the search document")
    _outbox(environment, "migrate")
    generate.load(connection, layers=LAYERS)
    _outbox(environment, "apply")
    started = time.perf_counter()
    stack.start_pipeline(CONFIG, screen.line)
    _outbox(environment, "wait", "--searchable", "--timeout", "300")
    screen.line(
        f"{LAYERS:,} layers are indexed, {time.perf_counter() - started:.1f} s after relay and workers started."
    )


def _edits(connection: edits.Connection, solr: Solr, collection: str, environment: dict[str, str]) -> None:
    def drained() -> None:
        _outbox(environment, "wait", "--timeout", "60", quiet=True)

    measured = [edits.run(connection, solr, collection, edit, drained) for edit in edits.EDITS]
    screen.table(
        ("edit", "documents", "event rows", "in Solr, ms", "searchable, ms", "for example"),
        [
            (m.name, m.changed, m.events, m.in_solr_ms, m.searchable_ms, screen.shortened(m.sample, 50))
            for m in measured
        ],
    )
    screen.line("Searchable is the soft commit: commit_within, one second by default.")


def _edit_while_down(connection: edits.Connection) -> str:
    row = connection.execute(edits.SQL["while_down"]).fetchone()
    if row is None:
        raise RuntimeError("the catalogue has no layer to edit")
    return str(row[0])


def _collection(connection: edits.Connection) -> str:
    row = connection.execute(edits.SQL["collection"]).fetchone()
    if row is None:
        raise RuntimeError("no collection serves the index")
    return str(row[0])


def _outbox(environment: dict[str, str], *arguments: str, quiet: bool = False) -> None:
    """Run the real command."""
    if not quiet:
        screen.command(f"outbox {' '.join(arguments)}")
    done = subprocess.run(
        [sys.executable, "-m", "outbox", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stderr + done.stdout).rstrip()
    if said and not quiet:
        screen.line(said)
    if done.returncode:
        raise StackError(f"`outbox {' '.join(arguments)}` ended with {done.returncode}: {done.stderr.strip()}")


def _addresses(endpoints: Endpoints, folder: Path) -> None:
    screen.chapter("It all runs on")
    for name, value in endpoints.environment().items():
        screen.line(f"{name}={value}")
    screen.line(f"OUTBOX_CONFIG={CONFIG}")
    screen.line(f"The first of these stand in {folder / 'env'} as well; `make services-stop` ends it all.")


if __name__ == "__main__":
    sys.exit(main())
