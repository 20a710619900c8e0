"""What the relay's loop does of itself: it revokes, and claims nothing before Solr was compared with the ledger."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from pydantic import SecretStr

from outbox import replay
from outbox.connection import Connection
from outbox.settings import Settings
from outbox.store import targets
from outbox.store.claims import Lane
from relay.claiming import Claimer
from relay.daemon import Relay
from relay.expander import AGAIN_S
from relay.policy import Wish
from relay.publish import Publisher
from tests.integration.hand_made import Place, add, begun, make_index, take

NOW = timedelta(0)
CHECKED = "UPDATE outbox.target SET checked_server = pg_postmaster_start_time()"
OUTCOMES = "SELECT outcome FROM outbox.claim ORDER BY number"


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


@pytest.fixture
def relay(outbox_url: str) -> Relay:
    """One that does not run; neither its broker nor its Solr can be reached."""
    broker, solr = SecretStr("amqp://nobody:nothing@127.0.0.1:1//"), SecretStr("http://127.0.0.1:1/solr")
    return Relay(Settings(database=SecretStr(outbox_url), broker=broker, solr=solr, source="test"))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is published arrives."""
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    monkeypatch.setattr(Claimer, "_has_consumer", lambda _, __: True)


def test_a_claim_whose_lease_is_over_is_revoked_and_makes_suspects(
    outbox: Connection, place: Place, relay: Relay
) -> None:
    outbox.execute(CHECKED)
    add(outbox, place, "a")
    begun(outbox, place, work=NOW)
    assert relay._step(outbox)
    assert outbox.execute(OUTCOMES).fetchall() == [("lost",)]
    (survey,) = targets.survey(outbox)
    assert (survey.suspects, survey.over) == (True, 0)


@pytest.mark.parametrize(
    ("lane", "hears", "stays_awake"), [(Lane.LIVE, True, True), (Lane.REPLAY, True, False), (Lane.REPLAY, False, True)]
)
def test_a_relay_that_hears_its_workers_need_not_stay_awake_for_bulk_claims(
    outbox: Connection, place: Place, relay: Relay, published: None, lane: Lane, hears: bool, stays_awake: bool
) -> None:
    outbox.execute(CHECKED)
    add(outbox, place, "a", lane=lane)
    relay._hears = hears
    assert relay._step(outbox) is stays_awake
    assert outbox.execute("SELECT lane::text FROM outbox.claim").fetchall() == [(lane,)]


def test_what_the_broker_confirmed_is_not_revoked_by_who_leads_again(
    outbox: Connection, place: Place, relay: Relay, published: None
) -> None:
    """Its own connection to Postgres was lost meanwhile, say."""
    outbox.execute(CHECKED)
    add(outbox, place, "a")
    assert relay._step(outbox)
    relay._take_over(outbox)
    assert outbox.execute(OUTCOMES).fetchall() == [(None,)]


def test_what_the_broker_confirmed_is_noted_in_the_next_wait(
    outbox: Connection, place: Place, relay: Relay, published: None
) -> None:
    outbox.execute(CHECKED)
    add(outbox, place, "a")
    assert relay._step(outbox)
    assert relay._goes_on(outbox)
    assert outbox.execute("SELECT published_at IS NOT NULL FROM outbox.claim").fetchall() == [(True,)]


def test_who_waits_for_fan_outs_looks_again_soon(outbox: Connection, place: Place, relay: Relay) -> None:
    outbox.execute(CHECKED)
    assert not relay._step(outbox)
    assert relay._due_s() == math.inf
    replay.all_documents(outbox, "items")
    relay._step(outbox)
    assert 0 < relay._due_s() <= AGAIN_S


def test_a_queue_that_can_be_used_again_is_looked_at_now(
    outbox: Connection, place: Place, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.execute(CHECKED)
    for found, due_s in ((False, math.inf), (True, 0.0)):
        monkeypatch.setattr(Publisher, "look_ahead", lambda _, found=found: found)
        assert relay._goes_on(outbox)
        assert relay._due_s() == due_s


def test_who_takes_over_revokes_what_was_never_published(outbox: Connection, place: Place, relay: Relay) -> None:
    add(outbox, place, "a")
    assert take(outbox, place)
    relay._take_over(outbox)
    assert outbox.execute(OUTCOMES).fetchall() == [("not published",)]


def test_nothing_is_claimed_before_solr_was_compared_with_the_ledger(
    outbox: Connection, place: Place, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    wished: list[Wish] = []
    monkeypatch.setattr(Claimer, "claim", lambda _, __, ___, wish: wished.append(wish))
    monkeypatch.setattr(Claimer, "_has_consumer", lambda _, __: True)
    add(outbox, place, "a")
    for _ in range(2):
        relay._step(outbox)
    (survey,) = targets.survey(outbox)
    assert (survey.unchecked, survey.failing, wished) == (True, True, [])  # Solr is away
    outbox.execute(CHECKED)
    outbox.execute("UPDATE outbox.target SET retry_at = NULL, batch = NULL")
    relay._step(outbox)
    assert len(wished) == 1
