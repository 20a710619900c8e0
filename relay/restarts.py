"""What has to be done before the first claim after a start of the Postgres server.

A restored or failed-over Postgres has lost commits that Solr may hold, and may draw their numbers again. Its sequence
is logged 32 ahead, so that comparing it alone notices nothing; and a claim in the surviving ledger may have read a
change that is lost. So after every start, whatever the reason: claims of other starts are revoked, the sequence goes
above everything that Solr has, with a gap, and the documents whose version the ledger does not know are indexed again.
Late workers of the lost time-line may still post: what they wrote is looked for when their leases are over.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from outbox.connection import Connection
from outbox.errors import CollectionRefused, IndexRefused, SolrUnavailable
from outbox.index import Target
from outbox.solr.client import READ_TIMEOUT_S, Solr
from outbox.solr.collections import refuse_others
from outbox.solr.listing import highest_version, list_versions
from outbox.store import indexes, restarts, targets
from outbox.store.targets import Survey

log = structlog.get_logger("relay")
_PAGE = 1000


class Restarts:
    """Compares Solr with the ledger; `work_lease` is that of the claims."""

    def __init__(self, solr: Solr, work_lease: timedelta) -> None:
        self._solr = solr
        self._again = work_lease + timedelta(seconds=READ_TIMEOUT_S)

    def look(self, connection: Connection, survey: Survey, target: Target) -> None:
        """Do what is due for one target. Until it succeeds nothing is claimed: Solr away opens the breaker."""
        try:
            if survey.unchecked:
                self._check(connection, survey, target)
            else:
                self._recheck(connection, survey, target)
        except (SolrUnavailable, IndexRefused, CollectionRefused) as error:
            targets.trip(connection, survey.target, str(error), number=None)
            log.warning("not compared with the ledger", index=survey.name, reason=str(error))

    def _check(self, connection: Connection, survey: Survey, target: Target) -> None:
        if not target.adopt:  # a copy of a production database must not write to production's search
            refuse_others(self._solr, survey.collection, indexes.owner(connection, survey.name))
        for ended in restarts.revoke_all(connection):
            log.warning("claim revoked", claim=ended.number, outcome=ended.outcome.value, worker=ended.worker)
        if not target.own_fields.version:  # nothing in Solr says what a document was made of
            restarts.checked(connection, survey.target, above=0, to=0, again=timedelta(0))
            return
        highest = highest_version(self._solr, survey.collection, target.own_fields, scope=target.scope)
        newest, top = restarts.fence(connection, survey.target, highest=highest)
        found = self._replay(connection, survey, target, newest, top) if highest > newest else 0
        restarts.checked(connection, survey.target, above=newest, to=top, again=self._again)
        log.info("compared with the ledger", index=survey.name, highest=highest, newest=newest, replayed=found)

    def _recheck(self, connection: Connection, survey: Survey, target: Target) -> None:
        above, to = restarts.recheck(connection, survey.target)
        found = self._replay(connection, survey, target, above, to) if to > above else 0
        restarts.rechecked(connection, survey.target)
        if found:
            log.warning("late workers of another start were mended", index=survey.name, replayed=found)

    def _replay(self, connection: Connection, survey: Survey, target: Target, above: int, to: int) -> int:
        """Enqueue every document with a version above `above`, at most `to`; how many."""
        mark: str | None = None
        count = 0
        while True:
            ids, mark = list_versions(
                self._solr,
                survey.collection,
                target.own_fields,
                scope=target.scope,
                above=above,
                to=to,
                mark=mark,
                rows=_PAGE,
            )
            restarts.replay(connection, index=survey.index, queue=survey.queue, keys=ids)
            count += len(ids)
            if mark is None:
                return count
