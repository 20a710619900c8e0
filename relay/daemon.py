"""The relay's loop: survey, revoke, have fan-outs expanded, old rows pruned and Solr compared, claim, publish, rest."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from functools import partial
from types import FrameType

import structlog

from outbox import plans
from outbox.connection import Connection, connect, where
from outbox.errors import PostgresUnavailable
from outbox.index import Definition
from outbox.migrate import head
from outbox.settings import Settings
from outbox.solr.client import Address, Solr
from outbox.sqlstate import LOST, loggable
from outbox.store import claims, indexes, suspects, targets
from outbox.store.claims import Lane
from outbox.store.targets import Survey
from relay.claiming import Claimer
from relay.comparer import Comparer
from relay.definitions import Definitions
from relay.expander import AGAIN_S, Expander
from relay.leadership import Leadership
from relay.look import Look
from relay.pruner import Pruner
from relay.restarts import Restarts
from relay.wakeup import SLICE_S, Wakeup

log = structlog.get_logger("relay")
_RECONNECT_S = (0.2, 5.0)
_GRACE_S = 5.0
IDLE_IN_TRANSACTION_S = 2  # a leader that is frozen or cut off in a transaction keeps no lock longer than its lead


class Relay:
    """One relay. `run` returns after SIGTERM or SIGINT, or raises SchemaOutOfDate."""

    def __init__(self, settings: Settings) -> None:
        self._poll_s = settings.relay.poll.total_seconds()
        self._url = settings.database_url
        self._leadership = Leadership()
        self._claimer = Claimer(settings)
        self._expander = Expander(settings)
        self._pruner = Pruner(settings)
        self._comparer = Comparer(settings)
        solr = Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))
        self._restarts = Restarts(solr, settings.relay.work_lease)
        self._definitions = Definitions()
        self._look = Look()
        self._due_at = math.inf
        self._seen: list[Survey] = []
        self._hears = False
        self._stopping = False
        self._reconnect_s = _RECONNECT_S[0]

    def run(self) -> None:
        """Work until told to stop; outages of Postgres are waited for, with growing pauses."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        log.info("started", relay=self._leadership.holder, database=where(self._url))
        besides = (self._pruner.beside, self._comparer.beside, self._expander.beside)
        for beside in besides:
            beside.start()
        while not self._stopping:
            try:
                self._session()
            except (PostgresUnavailable, *LOST) as error:
                log.warning("Postgres unavailable", reason=loggable(error), again_in_s=self._reconnect_s)
                self._pause(self._reconnect_s)
                self._reconnect_s = min(self._reconnect_s * 2, _RECONNECT_S[1])
        for beside in besides:
            beside.stop(_GRACE_S)
        self._claimer.close()
        log.info("stopped", relay=self._leadership.holder)

    def _session(self) -> None:
        """One connection's life: it listens from its first moment on, and also does the work."""
        with connect(
            self._url, application="outbox relay", autocommit=True, idle_in_transaction_s=IDLE_IN_TRANSACTION_S
        ) as connection:
            indexes.demand_schema(connection, head())
            plans.keep(connection)
            scan, ahead = partial(self._step, connection), partial(self._ahead, connection)
            idle = partial(self._goes_on, connection)
            leads, still = partial(self._leadership.renew, connection), partial(self._leadership.still, connection)
            wakeup = Wakeup(connection, scan, ahead, idle, self._poll_s, self._due_s, still)
            self._hears = wakeup.hears
            led = False
            while not self._stopping:
                was, led = led, leads()
                if led and not was:
                    self._take_over(connection)
                self._reconnect_s = _RECONNECT_S[0]
                if not led:
                    self._claimer.note(connection)
                    wakeup.notified(SLICE_S)
                    continue
                if self._look.due():
                    self._look.at_all(connection, self._readable(connection))
                if self._pruner.due():
                    self._pruner.beside.ask()
                if self._comparer.due():
                    self._comparer.beside.ask()
                if not self._step(connection):
                    wakeup.rest()
            self._claimer.note(connection)
            self._leadership.resign(connection)

    def _goes_on(self, connection: Connection) -> bool:
        leads = self._leadership.renew(connection)
        self._claimer.note(connection)
        if leads and self._claimer.look_ahead():
            self._due_at = 0.0  # now: what waited for a consumer may be claimed
        return leads and not self._stopping

    def _due_s(self) -> float:
        """Seconds until something that waits for its time may be taken: a delayed event, a probe, a fan-out."""
        return max(0.0, self._due_at - time.monotonic())

    def _take_over(self, connection: Connection) -> None:
        log.info("leading", relay=self._leadership.holder)
        self._look.soon()
        self._comparer.soon()
        self._claimer.note(connection)
        for ended in claims.revoke_unpublished(connection):
            log.warning("claim revoked", claim=ended.number, outcome=ended.outcome.value)

    def _step(self, connection: Connection) -> bool:
        """Do what there is to do once; true if there was anything but a bulk claim, whose worker wakes us if it can."""
        did = waits = False
        self._seen = []
        for survey, definition in self._readable(connection):
            self._seen.append(survey)
            if (survey.unchecked or survey.recheck) and not survey.resting:
                self._restarts.look(connection, survey, definition.target)
                did = True
                continue
            if survey.over:
                did = self._revoke(connection) or did
            if survey.unexpanded and not survey.paused:
                self._expander.ask(survey)
                waits = True
            for wish in self._claimer.wishes(survey):
                claimed = self._claimer.claim(connection, survey, wish)
                did = (claimed and (wish.lane is Lane.LIVE or not self._hears)) or did
                if claimed and wish.alone:
                    break
        if waits:
            self._due_at = min(self._due_at, time.monotonic() + AGAIN_S)
        return did

    def _ahead(self, connection: Connection) -> bool:
        """Claim what woke us by what the last step saw; with several targets a look tells first which it is for."""
        return len(self._seen) == 1 and self._claimer.ahead(connection, self._seen[0])

    def _readable(self, connection: Connection) -> Iterator[tuple[Survey, Definition]]:
        """The targets with their definitions; one that another version of this program wrote holds up no other."""
        surveys = targets.survey(connection)
        now = time.monotonic()
        self._due_at = min((now + survey.due_s for survey in surveys if survey.due_s is not None), default=math.inf)
        for survey in surveys:
            if (definition := self._definitions.of(connection, survey)) is not None:
                yield survey, definition

    def _revoke(self, connection: Connection) -> bool:
        with connection.transaction():
            revoked = claims.revoke(connection)
            marked = suspects.mark(connection, [ended.number for ended in revoked]) if revoked else []
        for ended in revoked:
            log.warning("claim revoked", claim=ended.number, outcome=ended.outcome.value, worker=ended.worker)
        if marked:
            log.warning("suspects", events=len(marked), dead=sum(one.dead for one in marked))
        return bool(revoked)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))  # a back-off with nothing to wait for; cut short by a signal

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self._stopping:
            raise SystemExit(128 + number)
        self._stopping = True
        log.info("stopping", relay=self._leadership.holder)
