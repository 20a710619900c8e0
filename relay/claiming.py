"""Claim, commit, publish: one wish of the policy becomes one Celery task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from outbox.connection import Connection
from outbox.errors import BrokerUnavailable
from outbox.settings import Settings
from outbox.store import claims, suspects
from outbox.store.claims import Claim, Lane, Outcome
from outbox.store.targets import Survey
from relay.policy import Pace, Wish, wishes
from relay.publish import Publisher

log = structlog.get_logger("relay")
LOOK_BACK_S = 1.0
"""So long claims of a bulk lane begin where one began that left more. What was given back, or committed late, waits as
long at the most."""


@dataclass(frozen=True, slots=True)
class _Full:
    """A claim that left more, as it seems: since when its oldest event could be taken, and until when that is used."""

    since: datetime | None
    until: float


class Claimer:
    """The relay's way from events to tasks. Not to be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.relay
        self._publisher = Publisher(settings)
        self._replay_first: dict[int, bool] = {}
        self._confirmed: tuple[int, float] | None = None  # the claim whose publish is not noted yet, and since when
        self._pace = Pace()
        self._full: dict[tuple[int, Lane], _Full] = {}  # targets and lanes whose last claim left more, as it seems

    def wishes(self, survey: Survey) -> Iterator[Wish]:
        """What to claim for one target, by `relay.policy`; nothing for a queue without a consumer."""
        replay_first = self._replay_first.get(survey.index, False)
        quick = self._pace.quick(survey, time.monotonic())
        return wishes(survey, self._settings, self._has_consumer, replay_first=replay_first, quick=quick)

    def ahead(self, connection: Connection, survey: Survey) -> bool:
        """Claim a live change that was written since the survey, without another one; false if there was none.

        Only where the survey found nothing at all: then no worker can have changed what it says since. Whether claiming
        is allowed, and of what keys, the claim looks at itself.
        """
        if not survey.quiet:
            return False
        live = [wish for wish in self.wishes(replace(survey, live=True)) if wish.lane is Lane.LIVE]
        return any(self.claim(connection, survey, wish) for wish in live)

    def note(self, connection: Connection) -> None:
        """Note what the broker has confirmed: a new leader revokes what is not noted and not begun.

        Later than it was published, since just then the worker and its backend need the processors.
        """
        if self._confirmed:
            number, at = self._confirmed
            claims.published(connection, number, timedelta(seconds=time.monotonic() - at))
            self._confirmed = None

    def look_ahead(self) -> bool:
        """Ask the broker between two claims what a claim would have to wait for; true if a queue can be used again."""
        return self._publisher.look_ahead()

    def close(self) -> None:
        """Throw the broker's connection away."""
        self._publisher.close()

    def claim(self, connection: Connection, survey: Survey, wish: Wish) -> bool:
        """Make the claim that is wished for, and publish it; false if nothing was available, or not published.

        A claim that the broker does not confirm is undone at once.
        """
        self.note(connection)
        place = (survey.target, wish.lane)
        full = self._full.pop(place, None)
        if full is None and self._all_held(connection, survey, wish):
            return False
        claim, full = self._from(connection, survey, wish, full)
        if claim is None:
            return False
        if claim.keys == wish.keys > 1:
            self._full[place] = full
        if wish.lane is not Lane.LIVE and not wish.suspects:
            self._replay_first[survey.index] = wish.lane is Lane.FANOUT
        try:
            self._publisher.publish(claim.number, wish.lane.queue, self._settings.dispatch_lease)
        except BrokerUnavailable as error:
            claims.end(connection, claim.number, Outcome.NOT_PUBLISHED, str(error))
            return False
        self._confirmed = claim.number, time.monotonic()
        if wish.lane is not Lane.LIVE:
            self._pace.note(survey, time.monotonic(), full=claim.keys >= self._settings.batch)
        log.info(
            "claimed",
            index=survey.name,
            claim=claim.number,
            lane=wish.lane.value,
            documents=claim.keys,
            suspects=wish.suspects,
        )
        return True

    def _from(
        self, connection: Connection, survey: Survey, wish: Wish, full: _Full | None
    ) -> tuple[Claim | None, _Full]:
        """The claim, from where one began that left more, or from the oldest event on; and where it began."""
        if full and wish.lane is not Lane.LIVE and time.monotonic() < full.until:
            claim = self._take(connection, survey, wish, full.since)
            if claim is not None:
                return claim, full
        claim = self._take(connection, survey, wish)
        return claim, _Full(claim.since if claim else None, time.monotonic() + LOOK_BACK_S)

    def _all_held(self, connection: Connection, survey: Survey, wish: Wish) -> bool:
        """Whether claims in flight hold all that waits, and a claim would do nothing else either.

        What is at work still waits, by its events: else most looks until it is done would lock the index for nothing.
        """
        if _does_more(survey, wish) or survey.live_in_flight + survey.bulk_in_flight == 0:
            return False
        index, target, queue = survey.index, survey.target, survey.queue
        return not claims.free(connection, index=index, target=target, queue=queue, lane=wish.lane)

    def _has_consumer(self, lane: Lane) -> bool:
        return self._publisher.consumers(lane.queue) > 0

    def _take(self, connection: Connection, survey: Survey, wish: Wish, since: datetime | None = None) -> Claim | None:
        """The claim in the database, committed: None if nothing was available, or the index was paused since."""
        if not _does_more(survey, wish):
            return self._claimed(connection, survey, wish, since)
        with connection.transaction():
            if not claims.lock_index(connection, survey.index):
                return None
            if wish.suspects:
                return self._suspects(connection, survey, wish)
            if survey.dead_suspects and suspects.again(connection, index=survey.index, queue=survey.queue):
                log.info("dead suspects come again", index=survey.name)
                claims.wake(connection)  # this survey does not know of them
            if wish.lane is Lane.LIVE and survey.bulk_unbegun:
                self._preempt(connection, survey)
            return self._claimed(connection, survey, wish, since)

    def _preempt(self, connection: Connection, survey: Survey) -> None:
        for ended in claims.preempt(connection, index=survey.index, target=survey.target, queue=survey.queue):
            self._pace.forget(survey.target)
            log.info("claim pre-empted", claim=ended.number)

    def _suspects(self, connection: Connection, survey: Survey, wish: Wish) -> Claim | None:
        return suspects.claim(
            connection,
            index=survey.index,
            target=survey.target,
            queue=survey.queue,
            keys=wish.keys,
            dispatch_lease=self._settings.dispatch_lease,
            work_lease=self._settings.work_lease,
        )

    def _claimed(self, connection: Connection, survey: Survey, wish: Wish, since: datetime | None) -> Claim | None:
        return claims.claim(
            connection,
            index=survey.index,
            target=survey.target,
            queue=survey.queue,
            lane=wish.lane,
            keys=wish.keys,
            dispatch_lease=self._settings.dispatch_lease,
            work_lease=self._settings.work_lease,
            avoid=wish.avoid,
            since=since,
        )


def _does_more(survey: Survey, wish: Wish) -> bool:
    """Whether there may be something to do before the claim, or in its place, under the index's lock."""
    return wish.suspects or survey.dead_suspects or (wish.lane is Lane.LIVE and survey.bulk_unbegun > 0)
