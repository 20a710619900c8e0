"""What the relay's loop does of itself: it revokes, and claims nothing before Solr was compared with the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr

from outbox.connection import Connection
from outbox.settings import Settings
from outbox.store import targets
from relay.claiming import Claimer
from relay.daemon import Relay
from relay.policy import Wish
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
