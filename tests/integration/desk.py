"""What a test of the worker needs at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from outbox.connection import Connection
from outbox.index import OwnFields
from outbox.settings import Settings
from outbox.solr.client import Solr
from outbox.store import targets
from outbox.worker.indexing import Indexer
from tests.integration.hand_made import SQL, Place, add, states, take

COLLECTION = "items_1"
OWN = OwnFields("src_version", "deleted", "src_hash")


@dataclass
class Desk:
    """What a test needs at hand: the database, Solr, and one worker's indexer."""

    connection: Connection
    place: Place
    solr: Solr
    indexer: Indexer

    def change(self, *keys: str) -> int:
        """One claim of these keys, its number; not begun."""
        add(self.connection, self.place, *keys)
        claim = take(self.connection, self.place)
        assert claim is not None
        return claim.number

    def indexed(self, *keys: str) -> int:
        """One claim of these keys, indexed."""
        number = self.change(*keys)
        self.indexer.index(number, worker="w@test")
        return number

    def document(self, key: str) -> dict[str, Any] | None:
        """What Solr has of a key, committed or not, tombstones too."""
        return self.solr.get(COLLECTION, [key]).get(key)

    def outcome(self, number: int) -> str | None:
        """How the claim ended; None while it is in flight."""
        row = self.connection.execute(SQL["claim_row"], {"number": number}).fetchone()
        assert row is not None
        return None if row[3] is None else str(row[3])


def settings(database_url: str, solr_url: str) -> Settings:
    """The settings of a worker."""
    return Settings(
        database=SecretStr(database_url), broker=SecretStr("amqp://nowhere"), solr=SecretStr(solr_url), source="test"
    )


def given_back(desk: Desk, number: int, reason: str) -> None:
    """The claim is given back, its event waits, the breaker is open and says why."""
    assert (desk.outcome(number), states(desk.connection)["1"]) == ("given back", ["waits"])
    (survey,) = targets.survey(desk.connection)
    (said,) = desk.connection.execute("SELECT reason FROM outbox.target").fetchall()
    assert survey.failing and reason in said[0]
