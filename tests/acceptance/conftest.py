"""The catalogue, applied and piped, as a user has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from examples.catalogue import generate
from outbox.solr.client import Address, Solr
from tests import oracle
from tests.pipeline import ROOT, Pipeline

LAYERS = 300
MANY = 10_000
CONFIG = ROOT / "examples" / "catalogue" / "outbox.toml"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue in its own database, with commands and processes that belong to it."""

    connection: psycopg.Connection[TupleRow]
    pipeline: Pipeline
    solr: Solr

    @property
    def collection(self) -> str:
        """The collection that serves."""
        row = self.connection.execute("SELECT collection FROM outbox.target WHERE state = 'serving'").fetchone()
        assert row is not None
        return str(row[0])

    def drained(self) -> None:
        """Wait until nothing waits."""
        self.pipeline.run("wait", "--timeout", "120")

    def differences(self) -> list[str]:
        """What in Solr is otherwise than in the view."""
        return oracle.differences(self.connection, self.solr, self.collection, "catalogue.layer_document")


@pytest.fixture
def catalogue(database_url: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Catalogue]:
    """A filled catalogue; nothing is applied and no process runs yet."""
    with filled(database_url, broker_url, solr_url, tmp_path, layers=LAYERS) as found:
        yield found


@pytest.fixture
def large(database_url: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Catalogue]:
    """As `catalogue`, with as many layers as a replay needs to last."""
    with filled(database_url, broker_url, solr_url, tmp_path, layers=MANY) as found:
        yield found


@contextmanager
def filled(
    database_url: str, broker_url: str, solr_url: str, folder: Path, *, layers: int, config: Path = CONFIG
) -> Iterator[Catalogue]:
    """A catalogue of so many layers, whose processes end with it."""
    environment = {
        "OUTBOX_DATABASE_URL": database_url,
        "OUTBOX_BROKER_URL": broker_url,
        "OUTBOX_SOLR_URL": solr_url,
        "OUTBOX_CONFIG": str(config),
        "PYTHONPATH": str(ROOT),
    }
    pipeline = Pipeline(environment, folder)
    with psycopg.connect(database_url, autocommit=True) as connection:
        generate.load(connection, layers=layers)
        try:
            yield Catalogue(connection, pipeline, Solr(Address(solr_url)))
        finally:
            pipeline.stop_all()
