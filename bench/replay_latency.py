"""From COMMIT to Solr under a steady load, while a replay of every document runs, beside the same without it.

    python -m bench.replay_latency [--documents 50000] [--rate 50] [--rounds 3] [--dir FOLDER]

Open loop, and measured as in `bench.latency`. Each round edits without a replay for as long as the replay of the round
before took, then with one. The edits are of documents that the replay holds too. Prints a table in Markdown; the ratios
compare with what was measured without a replay in the same run.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles

import click

from bench.latency import DEFAULT, FOLDER, Load, configuration
from bench.world import FULL, catalogue
from outbox import replay
from outbox.connection import Connection, connect
from outbox.sql import queries

_SQL = queries("bench", "latency.sql")
FIRST_S = 20.0  # of edits without a replay, before it is known how long one takes
SLICE_S = 2.0  # edits between two looks at whether the replay is over
HEAD = """| | edits | p50 ms | p95 ms | p99 ms | p99, ratio | documents/s replayed |
|---|---|---|---|---|---|---|"""


@dataclass(slots=True)
class Measured:
    """The latencies of edits, and what was replayed meanwhile."""

    name: str
    milliseconds: list[float] = field(default_factory=list)
    replayed: int = 0
    seconds: float = 0.0

    def percentile(self, percent: int) -> float:
        """Of the latencies, in milliseconds."""
        return quantiles(self.milliseconds, n=100)[percent - 1]

    def line(self, other: Measured) -> str:
        """One row of the table."""
        p50, p95, p99 = (self.percentile(percent) for percent in (50, 95, 99))
        rate = f"{self.replayed / self.seconds:.0f}" if self.replayed else ""
        ratio = p99 / other.percentile(99)
        return f"| {self.name} | {len(self.milliseconds)} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {ratio:.2f} | {rate} |"


def edit(connection: Connection, url: str, measured: Measured, *, rate: float, seconds: float) -> None:
    """Edit for so long, and take down how long each edit took to Solr."""
    load = Load(url, rate, seconds)
    load.run()
    events = [event for event, _ in load.commits]
    deadline = time.monotonic() + 120
    done: dict[int, float] = {}
    while len(done := dict(connection.execute(_SQL["done"], {"events": events}).fetchall())) < len(events):
        if time.monotonic() > deadline:
            raise TimeoutError("live edits still wait after 120 s")
        time.sleep(0.05)  # the condition is in the database, which has nothing to wake us by
    measured.milliseconds += [1000 * (done[event] - at) for event, at in load.commits]


def during_bulk(connection: Connection, url: str, measured: Measured, *, rate: float) -> float:
    """Edit until what was just enqueued for the bulk lanes is done; the seconds that it took."""
    over = threading.Event()
    errors: list[BaseException] = []

    def watch() -> None:
        try:
            with connect(url, application="bench watcher", autocommit=True) as own:
                wait_for_bulk(own)
        except BaseException as error:  # of a thread: raised below
            errors.append(error)
        finally:
            over.set()

    began = time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    while not over.is_set():
        edit(connection, url, measured, rate=rate, seconds=SLICE_S)
    watcher.join()
    if errors:
        raise errors[0]
    return time.monotonic() - began


def wait_for_bulk(connection: Connection) -> None:
    """Wait until no event of the bulk lanes waits."""
    deadline = time.monotonic() + 1800
    while connection.execute(_SQL["replays"]).fetchone() != (False,):
        if time.monotonic() > deadline:
            raise TimeoutError("the bulk lanes are not empty after half an hour")
        time.sleep(0.2)  # the condition is in the database, which has nothing to wake us by


@click.command()
@click.option("--documents", default=50_000, show_default=True, help="of the replay")
@click.option("--rate", default=50.0, show_default=True, help="edits a second, of all writers together")
@click.option("--rounds", default=3, show_default=True, help="without a replay and with one, in turns")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=FOLDER, help="of the services; emptied first")
def main(documents: int, rate: float, rounds: int, folder: Path) -> None:
    """Measure the time from COMMIT to Solr beside a replay."""
    without, beside = Measured("no replay"), Measured(f"replay of {documents:,}")
    with catalogue(folder, replace(FULL, layers=documents)) as world:
        connection, url = world.connection, world.endpoints.database_url
        world.stack.start_pipeline(configuration(folder, DEFAULT))
        world.drain()  # the replay that follows the first apply, which also warms all up
        seconds = FIRST_S
        for _ in range(rounds):
            edit(connection, url, without, rate=rate, seconds=seconds)
            replay.all_documents(connection, "layers")
            seconds = during_bulk(connection, url, beside, rate=rate)
            world.drain()
            beside.replayed += documents
            beside.seconds += seconds
        world.stack.stop_pipeline()
    print(HEAD)
    for one in (without, beside):
        print(one.line(without))


if __name__ == "__main__":
    main()
