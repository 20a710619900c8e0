"""The one enumerator: the keys of a large fan-out, or of all documents, become events chunk by chunk, in key order.

All documents are those that the view returns, and those of ours that Solr still has though the view does not (deleted
while nothing captured). Of those only what no claim has indexed that was drawn since the enumeration began is listed,
which leaves few where many are. After a TRUNCATE, which names no rows, also every key that an event ever named: a
document that was indexed since the last soft commit is not yet in Solr's searcher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb

from outbox.connection import Connection
from outbox.index import Definition
from outbox.solr.client import Solr
from outbox.solr.listing import list_ids
from outbox.store import claims, events
from outbox.store.claims import Lane
from outbox.store.events import FanOut
from outbox.store.shown import shown

CHUNK = 1000
WAY = "way"
"""The phase of a fan-out that leads to its documents by a way."""
EVERYTHING: Final[dict[str, Any]] = {"phase": "view"}
"""The progress of one whose way cannot be computed: all documents, then."""
ALL: Final[dict[str, Any]] = {}
"""The progress of an enumeration that is complete; compared by identity."""


@dataclass(frozen=True, slots=True)
class Enumerator:
    """Enumerates keys of one index. `collection` is where the serving target's documents are."""

    index: int
    definition: Definition
    solr: Solr
    collection: str

    def chunk(self, connection: Connection, fanout: FanOut, lane: Lane) -> tuple[int, dict[str, Any]]:
        """Append the events of the next keys: how many, and the progress to store with them; ALL when it is over."""
        progress = fanout.progress or {}
        phases = self._phases(fanout, progress.get("phase", WAY))
        phase = progress.get("phase", phases[0])
        after = progress.get("after")
        to = progress.get("to") or claims.last_number(connection)
        if phase in (WAY, "view"):
            count, after = self._listed(connection, fanout, phase, after, lane)
        else:
            keys, after = self._solr(connection, after, to) if phase == "solr" else self._known(connection, after)
            events.add_keys(connection, [(fanout.id, key) for key in keys], lane)
            count = len(keys)
        if after is not None:
            return count, {"phase": phase, "after": after, "to": to}
        following = phases[phases.index(phase) + 1 :]
        return count, {"phase": following[0], "after": None, "to": to} if following else ALL

    def _phases(self, fanout: FanOut, phase: str) -> list[str]:
        known = fanout.way is not None and any(way.number == fanout.way for way in self.definition.ways)
        if known and phase == WAY:
            return [WAY]
        return ["view", "solr", "events"] if fanout.op == "T" else ["view", "solr"]

    def _listed(
        self, connection: Connection, fanout: FanOut, phase: str, after: str | None, lane: Lane
    ) -> tuple[int, str | None]:
        """A chunk that a statement of the definition lists, and where it ended: None when the phase is over."""
        parameters: dict[str, object] = {"after": after, "most": CHUNK}
        if phase == "view":
            return events.add_listed(connection, fanout.id, self.definition.enumerate, parameters, lane)
        way, route = self.definition.way(fanout.way or 0), Jsonb(fanout.route)
        return events.add_listed(connection, fanout.id, way.enumerate, {**parameters, "route": route}, lane)

    def _known(self, connection: Connection, after: str | None) -> tuple[list[str], str | None]:
        keys = events.known_keys(connection, self.index, after=after, most=CHUNK)
        return keys, keys[-1] if len(keys) == CHUNK else None

    def _solr(self, connection: Connection, after: str | None, to: int) -> tuple[list[str], str | None]:
        if after is None:
            self.solr.commit(self.collection)  # so that the searcher has what was indexed until now
        target = self.definition.target
        own, scope = target.own_fields, target.scope
        found, after = list_ids(self.solr, self.collection, own, scope=scope, to=to, mark=after, rows=CHUNK)
        viewed = shown(connection, self.definition, found)  # those are enumerated, and may wait to be indexed
        return [key for key in found if key not in viewed], after
