"""What the relay's loop does of itself: it revokes, and claims nothing before Solr was compared with the ledger."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import LiteralString

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


def test_what_wakes_an_idle_relay_is_claimed_by_what_it_saw_last(
    outbox: Connection, place: Place, relay: Relay, published: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.execute(CHECKED)
    assert not relay._step(outbox)
    with monkeypatch.context() as looking:
        looking.delattr(targets, "survey")
        assert not relay._ahead(outbox)  # nothing was written
        add(outbox, place, "a")
        assert relay._ahead(outbox)
    assert outbox.execute("SELECT lane::text, keys FROM outbox.claim").fetchall() == [("live", ["a"])]
    assert relay._step(outbox) is False  # it sees that claim, and from now on is not idle
    add(outbox, place, "b")
    assert not relay._ahead(outbox)


PAUSED = "UPDATE outbox.index SET paused = true"
AWAY = "UPDATE outbox.target SET retry_at = now() + interval '1 hour', failing_since = now()"


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        pytest.param("UPDATE outbox.target SET batch = 1", None, id="recovering"),
        pytest.param(AWAY, None, id="failing"),
        pytest.param("UPDATE outbox.target SET checked_server = NULL", None, id="unchecked"),
        pytest.param(PAUSED, None, id="paused"),
        pytest.param(None, PAUSED, id="paused-since"),
        pytest.param(None, "UPDATE outbox.index SET detached_at = now()", id="detached-since"),
    ],
)
def test_nothing_is_claimed_without_a_look_where_a_look_would_not_claim(
    outbox: Connection,
    place: Place,
    relay: Relay,
    published: None,
    seen: LiteralString | None,
    since: LiteralString | None,
) -> None:
    outbox.execute(CHECKED)
    outbox.execute(seen or CHECKED)
    (survey,) = targets.survey(outbox)
    outbox.execute(since or CHECKED)
    add(outbox, place, "a")
    assert not relay._claimer.ahead(outbox, survey)
    assert outbox.execute(OUTCOMES).fetchall() == []


def test_nothing_is_claimed_without_a_look_beside_what_was_claimed_after_the_last_one(
    outbox: Connection, place: Place, relay: Relay, published: None
) -> None:
    """Its worker may have found Solr away since."""
    outbox.execute(CHECKED)
    add(outbox, place, "a", lane=Lane.REPLAY)
    relay._hears = True
    assert not relay._step(outbox)
    add(outbox, place, "b")
    assert not relay._ahead(outbox)


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
