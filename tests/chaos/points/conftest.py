"""One shop for all points: one database, one collection, one fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from outbox.solr.client import Address, Solr
from services.endpoints import Endpoints
from services.stack import Stack
from tests.chaos.points.fleet import Fleet
from tests.chaos.points.shop import SQL, Shop
from tests.conftest import cloned, remove_collections, remove_queues
from tests.pipeline import ROOT, Pipeline

CONFIG = Path(__file__).with_name("outbox.toml")


@pytest.fixture(scope="package")
def shop(stack: Stack, endpoints: Endpoints, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, applied, its fleet at work, and a recorder that looks at Solr all the while."""
    with cloned(endpoints.database_url, template) as url, psycopg.connect(url, autocommit=True) as connection:
        folder = tmp_path_factory.mktemp("points")
        (folder / "trace").touch()
        environment = {
            "OUTBOX_DATABASE_URL": url,
            "OUTBOX_BROKER_URL": endpoints.broker_url,
            "OUTBOX_SOLR_URL": endpoints.solr_url,
            "OUTBOX_CONFIG": str(CONFIG),
            "PYTHONPATH": str(ROOT),
        }
        connection.execute(SQL["tables"])
        fleet = Fleet(Pipeline(environment, folder))
        fleet.pipeline.run("apply")
        connection.execute(SQL["checked"])
        found = Shop(url, stack, connection, Solr(Address(endpoints.solr_url)), fleet)
        ((found.collection,),) = found.run("collection")
        try:
            with fleet.running():
                found.ready()
                found.drained()
                with found.recorded():
                    yield found
        finally:
            remove_queues(endpoints.broker_url)
            remove_collections(endpoints.solr_url)


@pytest.fixture
def calm(shop: Shop) -> Iterator[Shop]:
    """The shop at rest; whatever a failed walk left frozen or armed holds up no other."""
    shop.ready()
    shop.judge()
    yield shop
    shop.disarm()
    shop.fleet.thaw()
    shop.backwards.clear()
    shop.run("mend")
    shop.run("move", collection=shop.collection)
    if shop.differences():
        shop.run("replay")
