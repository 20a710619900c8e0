"""What a fixed piece of work costs in things that can be counted, whatever the machine.

Statements, WAL records, NOTIFYs, events, tasks, Solr requests; relay and worker are run in this process, step by step.

    python -m bench.counters [--store]     compare with bench/counters.json, or write it
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from kombu import Connection as Broker
from pydantic import SecretStr

from examples.catalogue import generate
from outbox import migrate, replay
from outbox.apply import apply
from outbox.connection import Connection, connect
from outbox.settings import IndexSettings, Settings
from outbox.solr.answer import Verdict
from outbox.solr.client import READ_TIMEOUT_S, Address, Solr
from outbox.sql import queries
from outbox.store import indexes, targets
from outbox.worker.app import make_indexer
from outbox.worker.configuration import configuration
from relay.claiming import Claimer
from relay.enumerate import Enumerator
from relay.expand import Backlog, expand
from relay.restarts import Restarts
from services.endpoints import Endpoints
from services.stack import Stack

_SQL = queries("bench", "counters.sql")
BASELINE = Path(__file__).with_name("counters.json")
LAYERS = 600
MANY = 100
TOLERANCE = 0.1  # of WAL records: pages split where they happen to be full


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one piece of work."""

    statements: int
    wal_records: int
    notifies: int
    events: int
    tasks: int
    solr_requests: int

    def differs(self, other: Counts) -> list[str]:
        """What is otherwise than in the other, one sentence each; WAL records within the tolerance."""
        found = []
        for name, value in asdict(self).items():
            was = getattr(other, name)
            near = name == "wal_records" and abs(value - was) <= max(3, TOLERANCE * was)
            if value != was and not near:
                found.append(f"{name}: {value}, not {was}")
        return found


def settings_of(endpoints: Endpoints) -> Settings:
    """Those of one index over the catalogue's view."""
    return Settings(
        database=SecretStr(endpoints.database_url),
        broker=SecretStr(endpoints.broker_url),
        solr=SecretStr(endpoints.solr_url),
        index={"layers": IndexSettings(view="catalogue.layer_document", collection="layers")},
        source="bench",
    )


class CountedSolr(Solr):
    """A client that counts its requests."""

    requests = 0

    def update(
        self, collection: str, body: bytes, *, commit_within_ms: int, timeout_s: float = READ_TIMEOUT_S
    ) -> Verdict:
        """As a plain client's."""
        self.requests += 1
        return super().update(collection, body, commit_within_ms=commit_within_ms, timeout_s=timeout_s)

    def call(self, *given: Any, **named: Any) -> dict[str, Any]:
        """As a plain client's, which makes all requests but updates by it."""
        self.requests += 1
        return super().call(*given, **named)


class Bench:
    """An applied catalogue, and the steps of relay and worker over it."""

    def __init__(self, settings: Settings, connection: Connection, watcher: Connection) -> None:
        self._settings, self._connection, self._watcher = settings, connection, watcher
        self._claimer = Claimer(settings)
        self._indexer = make_indexer(settings)
        self._indexer.solr = self._solr = CountedSolr(Address(settings.solr_url))
        self._database = urlsplit(settings.database_url).path.strip("/")

    def close(self) -> None:
        """Give back what it holds."""
        self._claimer.close()
        self._indexer.engine.dispose()

    def work(self) -> Mapping[str, Callable[[], object]]:
        """The pieces, in their order: each goes on from what the one before left."""
        return {
            "100 edits": lambda: self._edit("edit", first=1),
            "100 edits that no document shows": lambda: self._edit("untracked", first=1),
            "one claim of them": self.claim,
            "its 100 documents": self.index,
            "100 edits while the relay sleeps": self._asleep,
            "one claim of those": self.claim,
            "their 100 documents": self.index,
            "a category renamed": lambda: self._connection.execute(_SQL["rename"]),
            "its fan-out": self.expand,
            "one claim of that": self.claim,
            "the documents that show it": self.index,
            "100 documents enqueued for a replay": self._replay,
            "one claim of the replay": self.claim,
            "its documents": self.index,
            "one look of the relay": lambda: targets.survey(self._connection),
        }

    def count(self, work: Callable[[], object]) -> Counts:
        """Do it, and count."""
        self._notifies()
        tasks, requests, events = self._tasks(), self._solr.requests, self._events()
        self._watcher.execute(_SQL["reset"])
        work()
        row = self._watcher.execute(_SQL["statements"], {"database": self._database}).fetchone()
        if row is None:
            raise RuntimeError("there are no statistics of statements")
        return Counts(
            statements=row[0],
            wal_records=row[1],
            notifies=self._notifies(),
            events=self._events() - events,
            tasks=self._tasks() - tasks,
            solr_requests=self._solr.requests - requests,
        )

    def claim(self) -> None:
        """What the relay wishes for first, claimed and published."""
        (survey,) = targets.survey(self._connection)
        wish = next(self._claimer.wishes(survey), None)
        if wish is None or not self._claimer.claim(self._connection, survey, wish):
            raise RuntimeError("nothing was claimed")
        self._claimer.note(self._connection)

    def index(self) -> None:
        """The newest claim, as a worker indexes it."""
        row = self._connection.execute(_SQL["newest"]).fetchone()
        if row is None or row[0] is None:
            raise RuntimeError("there is no claim")
        self._indexer.index(int(row[0]), worker="bench")

    def expand(self) -> bool:
        """What the expander does once; whether there was anything."""
        (survey,) = targets.survey(self._connection)
        _, definition = indexes.demand(self._connection, "layers")
        enumerator = Enumerator(survey.index, definition, self._indexer.solr, survey.collection)
        return expand(self._connection, definition, enumerator, Backlog(survey.index))

    def drain(self) -> None:
        """Solr is compared, and all that waits is indexed, uncounted."""
        (survey,), (_, definition) = targets.survey(self._connection), indexes.demand(self._connection, "layers")
        lease = self._settings.relay.work_lease
        Restarts(self._indexer.solr, lease).look(self._connection, survey, definition.target)
        while self.expand():
            pass
        while targets.survey(self._connection)[0].replay:
            self.claim()
            self.index()

    def _edit(self, query: str, *, first: int) -> None:
        for layer in range(first, first + MANY):
            self._connection.execute(_SQL[query], {"layer": layer})

    def _replay(self) -> None:
        keys = [row[0] for row in self._connection.execute(_SQL["keys"], {"most": MANY})]
        replay.documents(self._connection, "layers", keys)

    def _asleep(self) -> None:
        self._connection.execute(_SQL["asleep"])
        self._edit("edit", first=1 + MANY)
        self._connection.execute(_SQL["awake"])

    def _notifies(self) -> int:
        return sum(1 for _ in self._watcher.notifies(timeout=0.5))

    def _events(self) -> int:
        row = self._watcher.execute(_SQL["events"]).fetchone()
        return int(row[0]) if row else 0

    def _tasks(self) -> int:
        row = self._watcher.execute(_SQL["published"]).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def bench(endpoints: Endpoints) -> Iterator[Bench]:
    """Over an empty database; its collection `layers` is new."""
    settings = settings_of(endpoints)
    migrate.upgrade(endpoints.database_url)
    with connect(endpoints.database_url, application="bench", autocommit=True) as first:
        first.execute(_SQL["extension"])
        first.execute(_SQL["nested"])
    with (
        connect(endpoints.database_url, application="bench", autocommit=True) as connection,
        connect(endpoints.database_url, application="bench watcher", autocommit=True) as watcher,
        Broker(endpoints.broker_url) as broker,
    ):
        generate.load(connection, layers=LAYERS)
        apply(settings, "layers", lambda _: None)
        with _consumed(broker, settings):
            watcher.execute(_SQL["listen"])
            found = Bench(settings, connection, watcher)
            try:
                found.drain()
                yield found
            finally:
                found.close()


@contextmanager
def _consumed(broker: Broker, settings: Settings) -> Iterator[None]:
    """Both queues with a consumer that takes nothing, since none is claimed for that has no consumer."""
    channel: Any = broker.channel()
    channel.basic_qos(0, 1, False)
    names: list[str] = []
    for queue in configuration(settings)["task_queues"]:
        bound = queue(channel)
        bound.declare()
        bound.purge()
        bound.consume(consumer_tag=queue.name, callback=_ignored)
        names.append(queue.name)
    try:
        yield
    finally:
        for name in names:
            channel.basic_cancel(name)
        channel.close()


def _ignored(_: object) -> None:
    """A message that stays unacknowledged, and goes back when the channel is closed."""


def measured(endpoints: Endpoints) -> dict[str, Counts]:
    """Every piece of work, counted."""
    with bench(endpoints) as found:
        return {name: found.count(work) for name, work in found.work().items()}


def baseline() -> dict[str, Counts]:
    """What was counted when it was stored last."""
    return {name: Counts(**counts) for name, counts in json.loads(BASELINE.read_text("utf-8")).items()}


def differences(found: Mapping[str, Counts], stored: Mapping[str, Counts]) -> list[str]:
    """What is otherwise than the baseline, one sentence each."""
    if found.keys() != stored.keys():
        return [f"other pieces of work: {sorted(found.keys() ^ stored.keys())}; store the baseline anew"]
    return [f"{name}: {one}" for name, counts in found.items() for one in counts.differs(stored[name])]


@click.command(help=__doc__.partition("\n")[0])
@click.option("--store", is_flag=True, help="Write the baseline instead of comparing with it.")
def main(*, store: bool) -> None:
    """The command; exits with 1 where a count is otherwise than the baseline."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), with_flower=False) as stack:
        found = measured(stack.endpoints())
    heads = list(asdict(next(iter(found.values()))))
    click.echo("| |" + "|".join(heads) + "|\n|" + "---|" * (len(heads) + 1))
    for name, counts in found.items():
        click.echo(f"| {name} |" + "|".join(str(value) for value in asdict(counts).values()) + "|")
    if store:
        BASELINE.write_text(json.dumps({name: asdict(counts) for name, counts in found.items()}, indent=2) + "\n")
        return
    if wrong := differences(found, baseline()):
        click.echo("\n".join(["", "otherwise than bench/counters.json:", *wrong]))
        sys.exit(1)


if __name__ == "__main__":
    main()
