"""An index that is applied as `apply` does it, but without Solr."""

from __future__ import annotations

from dataclasses import dataclass

from outbox import watch
from outbox.capture.install import install
from outbox.connection import Connection
from outbox.index import Definition
from outbox.store import indexes, targets
from outbox.store.targets import Survey
from tests.integration.captured import definition_of


@dataclass(frozen=True, slots=True)
class Index:
    """The index `d` over the view s.d; `url` and `connection` are of its database."""

    connection: Connection
    url: str
    number: int

    @property
    def definition(self) -> Definition:
        """As it is applied."""
        return indexes.demand(self.connection, "d")[1]

    def apply(self, capture: str = "origin") -> None:
        """Again, with the view as it stands."""
        definition = definition_of(self.connection, capture=capture)
        install(self.url, self.number, definition, lambda _: None)
        indexes.save(self.connection, self.number, definition, watch.baseline(self.connection, definition))

    def survey(self) -> Survey:
        """The one target, as the relay sees it."""
        (found,) = targets.survey(self.connection)
        return found


def make(connection: Connection, url: str) -> Index:
    """Apply the view s.d for the first time."""
    number = indexes.register(connection, "d")
    indexes.serve(connection, number, "d_1")
    index = Index(connection, url, number)
    index.apply()
    return index
