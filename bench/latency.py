"""From COMMIT to Solr under a steady load, by the number of live claims that may be in flight at once.

    python -m bench.latency [--seconds 60] [--rate 200] [--limits 1,2,4,1000] [--rounds 2] [--dir FOLDER]

Open loop: the edits, of one document each, are due at fixed times whether or not the ones before were quick. Measured
is from just before the client sends COMMIT until the worker marks the event done, one statement after Solr's
acknowledgement; both clocks are this machine's. The limits take turns, forwards and backwards, over private services
of the folder. Prints a table in Markdown; the ratios compare with the default limit.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles

import click

from bench.world import FULL, ROOT, World, catalogue, say
from outbox.connection import Connection, connect
from outbox.settings import RelaySettings
from outbox.sql import queries

_SQL = queries("bench", "latency.sql")
FOLDER = ROOT / ".services" / "latency"
LAYERS = 2000
WRITERS = 4
WARM_S = 5.0  # before each measurement, not counted: processes that have just started are slow
DRAIN_S = 120.0
DEFAULT = RelaySettings().max_in_flight


@dataclass(slots=True)
class Load:
    """Writers that commit `rate` edits a second together for `seconds`; `commits`: event and time of each COMMIT."""

    url: str
    rate: float
    seconds: float
    commits: list[tuple[int, float]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        """Return when all is written; raises what a writer died of."""
        threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _write(self, writer: int) -> None:
        try:
            with connect(self.url, application="bench writer", autocommit=True) as connection:
                self._edits(connection, writer)
        except BaseException as error:  # of a thread: `run` raises it
            self.errors.append(error)

    def _edits(self, connection: Connection, writer: int) -> None:
        choice, began = random.Random(), time.monotonic()  # noqa: S311 - a choice of layers, no secret
        for turn in range(int(self.seconds * self.rate / WRITERS)):
            due = began + (turn + writer / WRITERS) * WRITERS / self.rate
            time.sleep(max(0.0, due - time.monotonic()))  # an open loop: each edit has its time
            with connection.transaction():
                connection.execute(_SQL["edit"], {"title": f"{time.time()}", "layer": choice.randint(1, LAYERS)})
                event = event_of(connection)
                at = time.time()
            self.commits.append((event, at))


@dataclass(slots=True)
class Measured:
    """What was seen with one limit, over all rounds."""

    limit: int
    milliseconds: list[float] = field(default_factory=list)
    claims: int = 0
    documents: int = 0
    seconds: float = 0.0

    def percentile(self, percent: int) -> float:
        """Of the latencies, in milliseconds."""
        return quantiles(self.milliseconds, n=100)[percent - 1]

    def line(self, default: Measured) -> str:
        """One row of the table."""
        p50, p95, p99 = (self.percentile(percent) for percent in (50, 95, 99))
        ratio = p99 / default.percentile(99)
        rate, batch = len(self.milliseconds) / self.seconds, self.documents / max(1, self.claims)
        name = "no limit" if self.limit >= 1000 else str(self.limit)
        return (
            f"| {name} | {rate:.0f} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {ratio:.2f} "
            f"| {batch:.1f} | {self.claims / self.seconds:.0f} |"
        )


HEAD = """| claims in flight | edits/s | p50 ms | p95 ms | p99 ms | p99, ratio | documents/claim | claims/s |
|---|---|---|---|---|---|---|---|"""


def measure(world: World, measured: Measured, *, rate: float, seconds: float) -> None:
    """One round of one limit; its pipeline runs."""
    connection, url = world.connection, world.endpoints.database_url
    Load(url, rate, WARM_S).run()
    world.drain(DRAIN_S)
    newest = world.number("newest_claim")
    load, began = Load(url, rate, seconds), time.monotonic()
    load.run()
    measured.seconds += time.monotonic() - began
    world.drain(DRAIN_S)
    events = [event for event, _ in load.commits]
    done: dict[int, float] = dict(connection.execute(_SQL["done"], {"events": events}).fetchall())
    measured.milliseconds += [1000 * (done[event] - at) for event, at in load.commits]
    claims, documents = connection.execute(_SQL["claims"], {"after": newest}).fetchone() or (0, 0)
    measured.claims += claims
    measured.documents += documents


def event_of(connection: Connection) -> int:
    """The event that the trigger wrote in this session's transaction."""
    row = connection.execute(_SQL["event"]).fetchone()
    if row is None:
        raise RuntimeError("no event")  # a SELECT without FROM gives one row
    return int(row[0])


def configuration(folder: Path, limit: int) -> Path:
    """An outbox.toml of the sample's index with that limit."""
    path = folder / f"outbox-{limit}.toml"
    index = (ROOT / "examples" / "catalogue" / "outbox.toml").read_text("utf-8")
    path.write_text(f"{index}\n[relay]\nmax_in_flight = {limit}\n", "utf-8")
    return path


def rounds(limits: Sequence[int], count: int) -> Iterator[int]:
    """The limits forwards, then backwards, and so on: what drifts meets all of them."""
    for turn in range(count):
        yield from limits if turn % 2 == 0 else reversed(limits)


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="for each limit, over all rounds")
@click.option("--rate", default=200.0, show_default=True, help="edits a second, of all writers together")
@click.option("--limits", default="1,2,4,1000", show_default=True, help="of claims in flight; 1000 is none")
@click.option("--rounds", "count", default=2, show_default=True, help="in which the limits take turns")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=FOLDER, help="of the services; emptied first")
def main(seconds: float, rate: float, limits: str, count: int, folder: Path) -> None:
    """Measure the time from COMMIT to Solr with several limits of claims in flight."""
    chosen = [int(limit) for limit in limits.split(",")]
    found = {limit: Measured(limit) for limit in [*chosen, DEFAULT]}
    with catalogue(folder, replace(FULL, layers=LAYERS)) as world:
        stack = world.stack
        for limit in rounds(chosen if DEFAULT in chosen else [*chosen, DEFAULT], count):
            stack.start_pipeline(configuration(folder, limit))
            measure(world, found[limit], rate=rate, seconds=seconds / count)
            stack.stop_pipeline()
            say(found[limit].line(found[limit]))
    print(HEAD)
    for limit in chosen:
        print(found[limit].line(found[DEFAULT]))


if __name__ == "__main__":
    main()
