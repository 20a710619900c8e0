"""The relay's loop: survey, revoke, expand, claim, publish, rest; and each minute a look at what stands beneath."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from types import FrameType

import psycopg
import structlog

from outbox.connection import Connection, connect, where
from outbox.errors import BrokerUnavailable, IndexRefused, PostgresUnavailable
from outbox.index import Definition
from outbox.migrate import head
from outbox.settings import Settings
from outbox.solr.client import Address, Solr
from outbox.sqlstate import first_line
from outbox.store import claims, indexes, targets
from outbox.store.claims import Lane, Outcome
from outbox.store.targets import Survey
from relay.enumerate import Enumerator
from relay.expand import expand
from relay.leadership import Leadership
from relay.look import Look
from relay.policy import Wish, wishes
from relay.publish import Publisher
from relay.wakeup import SLICE_S, Wakeup

log = structlog.get_logger("relay")
_RECONNECT_S = (0.2, 5.0)


class Relay:
    """One relay. `run` returns after SIGTERM or SIGINT, or raises SchemaOutOfDate."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.database_url
        self._leadership = Leadership()
        self._publisher = Publisher(settings)
        self._solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._definitions: dict[int, tuple[datetime, Definition]] = {}
        self._replay_first: dict[int, bool] = {}
        self._unreadable: dict[int, datetime] = {}
        self._look = Look()
        self._stopping = False
        self._reconnect_s = _RECONNECT_S[0]

    def run(self) -> None:
        """Work until told to stop; outages of Postgres are waited for, with growing pauses."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("started", relay=self._leadership.holder, database=where(self._url))
        while not self._stopping:
            try:
                self._session()
            except (PostgresUnavailable, psycopg.OperationalError) as error:
                log.warning("Postgres unavailable", reason=first_line(error), again_in_s=self._reconnect_s)
                self._pause(self._reconnect_s)
                self._reconnect_s = min(self._reconnect_s * 2, _RECONNECT_S[1])
        self._publisher.close()
        log.info("stopped", relay=self._leadership.holder)

    def _session(self) -> None:
        """One connection's life: it listens from its first moment on, and also does the work."""
        with connect(self._url, application="outbox relay", autocommit=True) as connection:
            indexes.demand_schema(connection, head())
            poll_s = self._settings.relay.poll.total_seconds()
            wakeup = Wakeup(connection, lambda: self._step(connection), lambda: self._goes_on(connection), poll_s)
            led = False
            while not self._stopping:
                leads = self._leadership.renew(connection)
                if leads and not led:
                    self._take_over(connection)
                led = leads
                self._reconnect_s = _RECONNECT_S[0]
                if not leads:
                    wakeup.notified(SLICE_S)
                    continue
                if self._look.due():
                    self._look.at_all(connection, self._readable(connection))
                if not self._step(connection):
                    wakeup.rest()
            self._leadership.resign(connection)

    def _goes_on(self, connection: Connection) -> bool:
        return self._leadership.renew(connection) and not self._stopping

    def _take_over(self, connection: Connection) -> None:
        log.info("leading", relay=self._leadership.holder)
        self._look.soon()
        for ended in claims.revoke_unpublished(connection):
            log.warning("claim revoked", claim=ended.number, outcome=ended.outcome.value)

    def _step(self, connection: Connection) -> bool:
        """Do what there is to do once; true if there was anything."""
        did = False
        for survey, definition in self._readable(connection):
            if survey.over:
                did = self._revoke(connection) or did
            if survey.unexpanded and not survey.paused:
                did = self._expand(connection, survey, definition) or did
            for wish in wishes(survey, self._settings.relay, self._has_consumer, replay_first=self._turn(survey)):
                claimed = self._claim(connection, survey, wish)
                did = claimed or did
                if claimed and wish.lane is not Lane.LIVE:
                    break  # one that nobody has begun at the most
        return did

    def _revoke(self, connection: Connection) -> bool:
        revoked = claims.revoke(connection)
        for ended in revoked:
            log.warning("claim revoked", claim=ended.number, outcome=ended.outcome.value, worker=ended.worker)
        return bool(revoked)

    def _readable(self, connection: Connection) -> Iterator[tuple[Survey, Definition]]:
        """The targets with their definitions; one that another version of this program wrote holds up no other."""
        for survey in targets.survey(connection):
            if self._unreadable.get(survey.index) == survey.applied_at:
                continue
            try:
                definition = self._definition(connection, survey)
            except IndexRefused as error:
                log.error("index left alone", index=survey.name, reason=str(error))
                self._unreadable[survey.index] = survey.applied_at
            else:
                yield survey, definition

    def _expand(self, connection: Connection, survey: Survey, definition: Definition) -> bool:
        enumerator = Enumerator(survey.index, definition, self._solr, survey.collection)
        return expand(connection, survey.index, definition, enumerator)

    def _claim(self, connection: Connection, survey: Survey, wish: Wish) -> bool:
        """Claim, commit, publish; a claim that the broker does not confirm is undone at once."""
        settings = self._settings.relay
        with connection.transaction():
            if not claims.lock_index(connection, survey.index):
                return False
            claim = claims.claim(
                connection,
                index=survey.index,
                target=survey.target,
                queue=survey.queue,
                lane=wish.lane,
                keys=wish.keys,
                dispatch_lease=settings.dispatch_lease,
                work_lease=settings.work_lease,
            )
        if claim is None:
            return False
        if wish.lane is not Lane.LIVE:
            self._replay_first[survey.index] = wish.lane is Lane.FANOUT
        try:
            self._publisher.publish(claim.number, wish.lane.queue, settings.dispatch_lease)
        except BrokerUnavailable as error:
            claims.end(connection, claim.number, Outcome.NOT_PUBLISHED, str(error))
            return False
        claims.published(connection, claim.number)
        log.info("claimed", index=survey.name, claim=claim.number, lane=wish.lane.value, documents=claim.keys)
        return True

    def _definition(self, connection: Connection, survey: Survey) -> Definition:
        known = self._definitions.get(survey.index)
        if known is not None and known[0] == survey.applied_at:
            return known[1]
        definition = targets.definition(connection, survey.index)
        if definition is None:
            raise RuntimeError(f"index {survey.name} was surveyed, and has no definition")
        self._definitions[survey.index] = (survey.applied_at, definition)
        return definition

    def _turn(self, survey: Survey) -> bool:
        return self._replay_first.get(survey.index, False)

    def _has_consumer(self, lane: Lane) -> bool:
        return self._publisher.consumers(lane.queue) > 0

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))  # a back-off with nothing to wait for; cut short by a signal

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self._stopping:
            raise SystemExit(128 + number)
        self._stopping = True
