"""The leader is cut off from Postgres: a standby beyond the cut leads, and two that both believe to lead break nothing.

Only the way of one relay is cut: its connections stay open, and nothing passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from outbox.connection import Connection
from services.endpoints import Endpoints
from tests.acceptance.conftest import Catalogue
from tests.chaos.proxy import Kind, Network, Proxy, Trouble
from tests.chaos.servers.piped import applied, arrives, edited, settled
from tests.conftest import cloned
from tests.pipeline import Pipeline, until

LEADER = "SELECT holder, extract(epoch FROM greatest(renewed_at, 'epoch'))::float8 FROM outbox.leader"
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


@contextmanager
def cut_off(endpoints: Endpoints, template: str, folder: Path) -> Iterator[tuple[Catalogue, Proxy]]:
    """A pipeline whose first relay, the leader, reaches Postgres by a proxy, and the second one straight."""
    with (
        Network() as network,
        cloned(endpoints.database_url, template) as url,
        applied(url, endpoints, folder) as found,
    ):
        proxy = network.proxy("127.0.0.1", urlsplit(url).port or 5432)
        address = urlsplit(url)
        by_proxy = address._replace(netloc=f"{address.netloc.rpartition(':')[0]}:{proxy.port}").geturl()
        environment = {**found.pipeline.environment, "OUTBOX_DATABASE_URL": by_proxy}
        Pipeline(environment, folder, processes=found.pipeline.processes).spawn("relay-far", "relay")
        until(lambda: leads(found.connection, found.pipeline, "relay-far"), "the far one leads")
        found.pipeline.start()
        settled(found)
        yield found, proxy


def leads(connection: Connection, pipeline: Pipeline, name: str) -> float:
    """When this process last renewed its lead, in seconds of Postgres' clock; 0 if another leads."""
    ((holder, at),) = connection.execute(LEADER).fetchall()
    return float(at) if f":{pipeline.processes[name].pid}:" in (holder or "") else 0.0


@pytest.mark.parametrize("kind", [Kind.HOLD, pytest.param(Kind.DROP, marks=pytest.mark.long)])
def test_a_standby_beyond_the_cut_takes_over(endpoints: Endpoints, template: str, tmp_path: Path, kind: Kind) -> None:
    """HOLD: what was under way arrives when the network is back. DROP: it is lost, and the connections break."""
    with cut_off(endpoints, template, tmp_path) as (catalogue, proxy), edited(catalogue):
        connection, pipeline = catalogue.connection, catalogue.pipeline
        assert leads(connection, pipeline, "relay-far")
        with proxy.suffering(Trouble(kind)):
            ((cut,),) = connection.execute(NOW).fetchall()
            began = until(lambda: leads(connection, pipeline, "relay-0"), "the near one leads")
            assert began - cut < 3
            arrives(catalogue)
        arrives(catalogue)
        assert [process.poll() for process in pipeline.processes.values()] == [None] * 4
        assert leads(connection, pipeline, "relay-0")
