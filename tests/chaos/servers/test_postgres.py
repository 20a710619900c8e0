"""Postgres restarts, is set back to an older backup, and fails over to a standby that lags: mended without a hand.

After the last two Postgres has lost commits that Solr holds. The pipeline reaches its server by a proxy, as by a name
that moves.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from outbox import migrate
from outbox.sql import parse
from services.endpoints import Endpoints
from tests.acceptance.conftest import Catalogue
from tests.chaos.proxy import Network, Proxy
from tests.chaos.servers.application import Application
from tests.chaos.servers.cluster import FAST, IMMEDIATE, Cluster, Server, cluster
from tests.chaos.servers.piped import applied, arrives, database_url, said, settled, start
from tests.pipeline import until

SQL = parse(Path(__file__).with_name("lost.sql").read_text("utf-8"), "lost.sql")
EDITED = 100  # the layers that the application edits; those of lost.sql are others
STALLED = "ALTER SYSTEM SET primary_conninfo = ''"


@dataclass(slots=True)
class World:
    """The catalogue's pipeline, and the server that its address leads to now."""

    catalogue: Catalogue
    cluster: Cluster
    server: Server
    name: Proxy

    def move(self, to: Server) -> None:
        """From now on the address leads to that one."""
        self.server = to
        self.name.server = ("127.0.0.1", to.port)

    def title(self, key: str) -> str | None:
        """The title of a document in Solr, committed or not; None where there is none, or a tombstone."""
        found = self.catalogue.solr.get("layers", [key]).get(key, {})
        return found.get("title")

    def lose(self) -> dict[str, str]:
        """Commits of three kinds that come to Solr; their documents' keys by kind."""
        with psycopg.connect(self.server.unit.url, autocommit=True) as connection:
            rows = {kind: connection.execute(SQL[kind]).fetchone() for kind in ("update", "insert", "delete")}
        keys = {kind: str(row[0]) for kind, row in rows.items() if row is not None}
        arrives(self.catalogue)
        until(lambda: [self.title(keys[kind]) for kind in keys] == ["lost", "lost", None], "all three are in Solr")
        return keys

    def mended(self, keys: dict[str, str], since: int) -> None:
        """Postgres has lost them, the relay has noticed, and Solr has followed."""
        with psycopg.connect(self.server.unit.url) as connection:
            titles: dict[str, str] = dict(connection.execute(SQL["titles"], [list(keys.values())]).fetchall())
        assert keys["insert"] not in titles and keys["delete"] in titles and titles[keys["update"]] != "lost"
        settled(self.catalogue)
        assert {key: self.title(key) for key in keys.values()} == {**dict.fromkeys(keys.values()), **titles}
        compared = [line for line in said(self.catalogue)[since:] if "compared with the ledger" in line]
        assert compared and not compared[-1].endswith("replayed=0")


@pytest.fixture(scope="module")
def world(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One pipeline over a server of its own for all of these tests."""
    folder = tmp_path_factory.mktemp("servers")
    with Network() as network, cluster(folder) as servers:
        server = servers.primary()
        name = network.proxy("127.0.0.1", server.port)
        url = urlsplit(server.unit.url)
        address = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{name.port}").geturl()
        migrate.upgrade(address)
        with applied(address, endpoints, folder) as catalogue:
            start(catalogue)
            yield World(catalogue, servers, server, name)


@contextmanager
def written(world: World) -> Iterator[Application]:
    """The application writes before, during and after, by the address that moves; the server is away in between."""
    with Application(database_url(world.catalogue), EDITED) as application:
        until(lambda: application.commits > 10, "it writes")
        yield application
        commits = application.commits
        until(lambda: application.commits > commits + 10, "it writes again")
        arrives(world.catalogue)
    assert application.broken > 0
    settled(world.catalogue)


@pytest.mark.parametrize("how", [FAST, IMMEDIATE])
def test_a_restart(world: World, how: signal.Signals) -> None:
    with written(world):
        world.server.stop(how)
        world.server.start()


def test_an_older_backup(world: World) -> None:
    backup = world.cluster.folder / "backup"
    with written(world):
        world.server.backup(backup)
        keys, since = world.lose(), len(said(world.catalogue))
        world.server.stop(IMMEDIATE)
        world.server.restore(backup)
        world.server.start()
    world.mended(keys, since)


def test_a_standby_that_lags_takes_over(world: World) -> None:
    """While it is no primary yet, it answers at the primary's address, and takes no writes."""
    standby, primary = world.cluster.standby(of=world.server), world.server
    with written(world):
        standby.alter(STALLED)
        until(lambda: primary.ask("SELECT count(*) FROM pg_stat_replication") == 0, "it lags from now on")
        keys, since = world.lose(), len(said(world.catalogue))
        primary.stop(IMMEDIATE)
        world.move(standby)
        until(lambda: any("read-only" in line for line in said(world.catalogue)[since:]), "the relay sees a standby")
        assert standby.ask("SELECT pg_promote()") is True
    world.mended(keys, since)
