"""Everything breaks while an application writes; then all is well again by itself.

One test is one seed, with a database, a collection and processes of its own, on servers that all seeds share.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from examples.catalogue import generate
from outbox import replay
from outbox.connection import connect
from outbox.solr.client import Address, Solr
from services.stack import Stack
from tests.chaos import locks
from tests.chaos.conftest import seeds
from tests.chaos.crew import Member, crew
from tests.chaos.faults import Faults
from tests.chaos.judge import Judge, Verdict, objections
from tests.chaos.locks import watching
from tests.chaos.proxy import Network
from tests.chaos.recorder import look_again, recording
from tests.chaos.schedule import Fault, schedule
from tests.chaos.writer import BUSY, LAYERS, SQL, Deeds, writing
from tests.pipeline import ROOT, Pipeline, until

REPLAY_S = 11.0  # after the documents of a dead worker came late: until then the bulk worker has to be free for them
CONFIG = Path(__file__).with_name("outbox.toml")
SERVING = "SELECT collection FROM outbox.target WHERE state = 'serving'"
KEYS = "SELECT uuid::text FROM catalogue.layer WHERE id <= %s ORDER BY id"
AT_REST = "SELECT NOT EXISTS (SELECT FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL)"


@dataclass(frozen=True, slots=True)
class World:
    """A catalogue that is applied, with its processes at work. Addresses are the servers' own."""

    database_url: str
    solr_url: str
    collection: str
    keys: list[str]
    poison: str
    crew: dict[str, Member]
    stack: Stack

    def connect(self) -> psycopg.Connection[TupleRow]:
        """A plain connection, not by a proxy."""
        return psycopg.connect(self.database_url, autocommit=True, application_name="chaos judge")

    @property
    def judge(self) -> Judge:
        """Who looks at the end."""
        return Judge(self.connect, Solr(Address(self.solr_url)), self.collection, self.poison)


@pytest.fixture
def world(database_url: str, broker_url: str, solr_url: str, stack: Stack, tmp_path: Path) -> Iterator[World]:
    """All at work and at rest, before anything breaks."""
    environment = {
        "OUTBOX_DATABASE_URL": database_url,
        "OUTBOX_BROKER_URL": broker_url,
        "OUTBOX_SOLR_URL": solr_url,
        "OUTBOX_CONFIG": str(CONFIG),
        "PYTHONPATH": str(ROOT),
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        generate.load(connection, layers=LAYERS)
        psycopg.ClientCursor(connection).execute(SQL["prepare"], {"busy": BUSY})
        Pipeline(environment, tmp_path).run("apply")
        collection, keys = _scalar(connection, SERVING), [row[0] for row in connection.execute(KEYS, [LAYERS])]
        poison = _scalar(connection, SQL["poison"])
    with Network() as network, crew(network, environment, tmp_path) as members:
        made = World(database_url, solr_url, collection, keys, poison, members, stack)
        with made.connect() as connection:
            until(lambda: connection.execute(AT_REST).fetchone() == (True,), "the first replay is done", 120)
        yield made


def _scalar(connection: psycopg.Connection[TupleRow], query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None, query
    return str(row[0])


# A server that is killed in the middle of an answer leaves the client's socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(900)  # a busy machine is slow to start servers again
@pytest.mark.parametrize("seed", seeds())
def test_all_is_well_after_everything_broke(world: World, verdicts: list[Verdict], seed: int) -> None:
    faults = schedule(seed)
    print(f"OUTBOX_CHAOS_SEED={seed}", *faults, sep="\n")
    verdict = broken(world, seed, faults)
    verdicts.append(verdict)
    print(verdict.line(), *verdict.wrong, sep="\n")
    assert not verdict.wrong, "\n".join(verdict.wrong)


def broken(world: World, seed: int, faults: tuple[Fault, ...]) -> Verdict:
    """Write, break, stop writing, wait, and judge."""
    log = world.stack.folder.log("postgres")
    offset = log.stat().st_size
    with (
        watching(world.database_url) as looks,
        recording(world.solr_url, world.collection, world.keys, seed) as seen,
    ):
        with writing(world.database_url, seed) as deeds:
            replaying = threading.Timer(REPLAY_S, _replay, [world])
            replaying.start()
            Faults(world.crew, world.stack, world.database_url, seen.killed).run(faults)
            replaying.join()
        judge = world.judge
        recovery_s, left = judge.recovered()
    look_again(judge.solr, world.collection, seen)
    lost, stale = judge.differences()
    events, claims, outcomes = judge.sums()
    fallen = sum(len(member.fallen) for member in world.crew.values())
    print(f"claims: {outcomes}; {fallen} processes ended by themselves")
    print(f"{looks.looks} looks: {looks.among_writers} waits among writers, {looks.notifying} of a NOTIFY for another")
    wrong = objections(
        {
            "rest": left,
            "lost": lost,
            "stale": stale,
            "backwards": seen.backwards,
            "dead": judge.dead(),
            "writer": _failures(deeds, faults),
            "lock": looks.waits,
            "log": locks.said(locks.tail(log, offset), looks.names),
            "relay": [
                said for name, member in world.crew.items() if name.startswith("relay") for said in member.fallen
            ],
        }
    )
    return Verdict(seed, faults, deeds, looks, seen, events, claims, recovery_s, len(lost), len(stale), wrong)


def _replay(world: World) -> None:
    """The bulk queue shall have something to do as well."""
    with connect(world.database_url, application="chaos replay", autocommit=True) as connection:
        replay.all_documents(connection, "layers")


def _failures(deeds: Deeds, faults: tuple[Fault, ...]) -> list[str]:
    """Only a server that was taken away from the writers may cost them a statement."""
    gone = any(fault.target == "postgres" for fault in faults)
    lost = [] if gone or not deeds.lost else [f"{deeds.lost} connections lost, though Postgres ran all the time"]
    return deeds.failures + lost
