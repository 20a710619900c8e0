"""Dead events: what Solr or Postgres refuses for a reason that trying again cannot mend. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("outbox.store", "dead.sql")


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """A dead event that nothing has resolved, with the server's words; `key` is None for a fan-out."""

    id: int
    index: str
    key: str | None
    source: str | None
    op: str
    created_at: datetime
    dead_at: datetime
    claim: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead events are meant: those with these ids (None: any) of this index (None: any)."""

    ids: Sequence[int] | None = None
    index: str | None = None

    def parameters(self) -> dict[str, Any]:
        """As the statements take it."""
        return {"ids": None if self.ids is None else list(self.ids), "index": self.index}


def unresolved(connection: Connection, chosen: Chosen, *, most: int = 1000) -> list[DeadEvent]:
    """The oldest first."""
    return [DeadEvent(*row) for row in connection.execute(_SQL["list"], {**chosen.parameters(), "most": most})]


def story(connection: Connection, event: int) -> dict[str, Any] | None:
    """Everything about one event, dead or not; None if there is none of that id."""
    cursor = connection.execute(_SQL["story"], {"id": event})
    row = cursor.fetchone()
    if row is None:
        return None
    return dict(zip([column.name for column in cursor.description or ()], row, strict=True))


def retry(connection: Connection, chosen: Chosen) -> list[int]:
    """Append an event for each dead one; the ids of the new ones."""
    return [row[0] for row in connection.execute(_SQL["retry"], chosen.parameters())]


def discard(connection: Connection, chosen: Chosen) -> list[int]:
    """Resolve them as they are: their documents stay as they stand in Solr. Their ids."""
    return [row[0] for row in connection.execute(_SQL["discard"], chosen.parameters())]
