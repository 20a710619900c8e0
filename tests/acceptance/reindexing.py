"""An application that edits and deletes, and a reader that searches, while an index is made anew."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from outbox.solr.client import Address, Solr

EDIT = "UPDATE catalogue.layer SET title = %s WHERE id = %s"
DELETE = """WITH gone AS (SELECT id FROM catalogue.layer WHERE id = %s),
    keywords AS (DELETE FROM catalogue.layer_keyword USING gone WHERE layer_id = gone.id),
    regions AS (DELETE FROM catalogue.layer_region USING gone WHERE layer_id = gone.id)
    DELETE FROM catalogue.layer USING gone WHERE layer.id = gone.id"""


@dataclass(slots=True)
class Traffic:
    """What is going on. `deletes`: begun, so no fewer than are committed. `short`: searches that found too few."""

    database_url: str
    solr_url: str
    alias: str
    layers: int
    rate: float
    statements: int = 0
    deletes: int = 0
    searches: int = 0
    short: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Ten edits to one delete, at the rate; open loop."""
        choice, began = random.Random(), time.monotonic()  # noqa: S311 - a choice of layers, no secret
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            while not self._stop.wait(max(0.0, began + self.statements / self.rate - time.monotonic())):
                layer = choice.randint(1, self.layers)
                if self.statements % 11 == 10:
                    self.deletes += 1
                    connection.execute(DELETE, [layer])
                else:
                    connection.execute(EDIT, [f"edit {self.statements}", layer])
                self.statements += 1

    def search(self) -> None:
        """Again and again; each finds at least what was there at the start and is not deleted."""
        solr = Solr(Address(self.solr_url))
        while not self._stop.wait(0.02):
            found = solr.select(self.alias, {"q": "*:*", "rows": 0})["response"]["numFound"]
            self.searches += 1
            if found < self.layers - self.deletes:
                self.short.append(f"search {self.searches} found {found} of {self.layers} less {self.deletes}")


@contextmanager
def traffic(database_url: str, solr_url: str, alias: str, *, layers: int, rate: float) -> Iterator[Traffic]:
    """Both at work inside; what they died of is raised at the end."""
    found = Traffic(database_url, solr_url, alias, layers, rate)

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # of a thread: raised below
            found.errors.append(error)

    threads = [threading.Thread(target=guarded, args=(run,)) for run in (found.write, found.search)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found._stop.set()
        for thread in threads:
            thread.join()
    if found.errors:
        raise found.errors[0]
