"""An application that edits and deletes, and a reader that searches, while an index is made anew."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from outbox.solr.client import Address, Solr
from tests.alongside import Alongside

PATIENCE_S = 3000.0
"""Of a reindex beside the application: Solr writes each edit twice meanwhile, and has a part of a busy machine."""
EDIT = "UPDATE catalogue.layer SET title = %s WHERE id = %s"
DELETE = """WITH gone AS (SELECT id FROM catalogue.layer WHERE id = %s),
    keywords AS (DELETE FROM catalogue.layer_keyword USING gone WHERE layer_id = gone.id),
    regions AS (DELETE FROM catalogue.layer_region USING gone WHERE layer_id = gone.id)
    DELETE FROM catalogue.layer USING gone WHERE layer.id = gone.id"""


@dataclass(slots=True)
class Application(Alongside):
    """Ten edits to one delete, at the rate; open loop. `deletes`: committed, and the one that is begun."""

    database_url: str
    layers: int
    rate: float
    statements: int = 0
    deletes: int = 0

    def run(self) -> None:
        """As told above."""
        choice, began = random.Random(), time.monotonic()  # noqa: S311 - a choice of layers, no secret
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            while not self.stop.wait(max(0.0, began + self.statements / self.rate - time.monotonic())):
                layer = choice.randint(1, self.layers)
                if self.statements % 11 == 10:
                    self.deletes += 1
                    self.deletes -= 1 - connection.execute(DELETE, [layer]).rowcount  # it was deleted before
                else:
                    connection.execute(EDIT, [f"edit {self.statements}", layer])
                self.statements += 1


@dataclass(slots=True)
class Reader(Alongside):
    """Searches again and again; `short`: those that found fewer than were there at the start and are not deleted."""

    solr_url: str
    alias: str
    application: Application
    searches: int = 0
    short: list[str] = field(default_factory=list)

    def run(self) -> None:
        """As told above; a search that fails ends it."""
        solr = Solr(Address(self.solr_url))
        while not self.stop.wait(0.02):
            found = solr.select(self.alias, {"q": "*:*", "rows": 0})["response"]["numFound"]
            self.searches += 1
            least = self.application.layers - self.application.deletes
            if found < least:
                self.short.append(f"search {self.searches} found {found}, not {least}")


@contextmanager
def traffic(database_url: str, solr_url: str, alias: str, *, layers: int, rate: float) -> Iterator[Reader]:
    """Both at work inside; at the end no search has failed or found too few."""
    with Application(database_url, layers, rate) as application, Reader(solr_url, alias, application) as reader:
        yield reader
    assert reader.short == [] and reader.searches > 20 and application.statements > 100
    print(f"{application.statements} statements, {application.deletes} deletes, {reader.searches} searches")
