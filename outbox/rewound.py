"""Has Solr what the ledger says? Where it has not, it was restored from a backup, or emptied, and is mended.

A claim that is done has left its number on its documents in Solr, or a later one has left a higher one. So the claims
that were done last, and some before them, are looked for: by the relay each minute, and by a worker when Solr was away,
before it writes, since what is written then would cover up what lacks. A document that is older than its claim, or that
is not there though the view has it, is lost, and with it whatever was done since the newest claim that is found as it
was written: those keys are enqueued again, or all documents where there is no such claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from outbox.connection import Connection
from outbox.index import Definition
from outbox.solr.client import Solr
from outbox.store import claims, rewinds
from outbox.store.rewinds import Place
from outbox.store.shown import shown

log = structlog.get_logger("rewound")


def look(connection: Connection, solr: Solr, place: Place, definition: Definition) -> bool:
    """Compare one target with its Solr, and mend it; whether there was anything to mend.

    Raises SolrUnavailable or IndexRefused where Solr cannot say.
    """
    if not definition.target.own_fields.version or rewinds.busy(connection, place):
        return False
    return _Look(connection, solr, place, definition).mended()


@dataclass(frozen=True, slots=True)
class _Look:
    connection: Connection
    solr: Solr
    place: Place
    definition: Definition

    def mended(self) -> bool:
        witnesses = rewinds.witnesses(self.connection, self.place.target)
        versions = self._versions([key for _, keys in witnesses for key in keys])
        lost = self._lost(witnesses, versions)
        if not lost or lost[-1] <= rewinds.answered(self.connection, self.place.target):
            return False
        as_written = [n for n, keys in witnesses if n < lost[0] and any(versions.get(key) == n for key in keys)]
        with self.connection.transaction():
            if not rewinds.still(self.connection, self.place):
                return False
            intact = as_written[-1] if as_written else None
            since, documents = rewinds.mend(self.connection, self.place, newest=lost[-1], intact=intact)
            claims.wake(self.connection)
        log.warning(
            "Solr lacks what was written to it: restored from a backup, or emptied",
            collection=self.place.collection,
            claims=lost,
            since=since and since.isoformat(),
            documents="all" if documents is None else documents,
        )
        return True

    def _lost(self, witnesses: Sequence[tuple[int, list[str]]], versions: dict[str, int]) -> list[int]:
        """The claims that Solr lacks, in order. What seems so is looked at twice, each key by itself.

        Solr's answer for several ids may show the past of one where a commit comes between.
        """
        seeming = {key for number, keys in witnesses for key in keys if versions.get(key, 0) < number}
        again = {key: self._versions([key]).get(key) for key in sorted(seeming)}
        missing = self._missing([key for key, version in again.items() if version is None])
        return [
            number
            for number, keys in witnesses
            if any(
                key in again and (key in missing if (version := again[key]) is None else version < number)
                for key in keys
            )
        ]

    def _missing(self, absent: Sequence[str]) -> set[str]:
        """Of those that Solr has nothing of, tombstones neither: the ones that the view has, and that nobody writes."""
        if not absent:
            return set()
        found = shown(self.connection, self.definition, absent)
        return found - rewinds.on_their_way(self.connection, self.place, absent)

    def _versions(self, keys: Sequence[str]) -> dict[str, int]:
        field = self.definition.target.own_fields.version
        found = self.solr.get(self.place.collection, keys, fields=f"id,{field}") if keys else {}
        return {key: int(document[field]) for key, document in found.items() if field in document}
