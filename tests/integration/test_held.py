"""What claims in flight hold is not claimed again: neither the index is locked for it, nor the WAL flushed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outbox.connection import Connection
from outbox.sql import queries
from outbox.store import claims, targets
from outbox.store.claims import Lane
from relay.claiming import Claimer
from relay.policy import Wish
from relay.publish import Publisher
from tests.integration.desk import settings
from tests.integration.hand_made import Place, add, make_index, take


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index."""
    return make_index(outbox)


def free(connection: Connection, place: Place, lane: Lane = Lane.LIVE) -> bool:
    """Whether something of the lane can be taken."""
    return claims.free(connection, index=place.index, target=place.target, queue=0, lane=lane)


def test_only_what_can_be_taken_is_free(outbox: Connection, place: Place) -> None:
    assert not free(outbox, place)
    add(outbox, place, "a")
    assert free(outbox, place)
    assert not free(outbox, place, Lane.REPLAY)
    claim = take(outbox, place)
    assert claim is not None
    add(outbox, place, "a")
    add(outbox, place, "b", delay=timedelta(hours=1))
    (suspect,) = add(outbox, place, "c")
    outbox.execute("UPDATE outbox.event SET suspect = 1 WHERE id = %s", [suspect])
    add(outbox, place, "c")
    assert not free(outbox, place)
    add(outbox, place, "d")
    assert free(outbox, place)


@pytest.mark.parametrize("more", [False, True], ids=["all held", "one more"])
def test_the_index_is_locked_only_where_something_is_free(
    outbox: Connection, place: Place, outbox_url: str, more: bool
) -> None:
    add(outbox, place, "a")
    assert take(outbox, place) is not None
    add(outbox, place, *("a", "b")[: 1 + more])
    assert _locks(outbox, outbox_url) == more


def test_a_bulk_claim_that_nobody_has_begun_is_ended_though_it_holds_all(
    outbox: Connection, place: Place, outbox_url: str
) -> None:
    add(outbox, place, "a", lane=Lane.REPLAY)
    assert take(outbox, place, lane=Lane.REPLAY) is not None
    add(outbox, place, "a")
    assert _locks(outbox, outbox_url)
    ((outcome,),) = outbox.execute("SELECT outcome FROM outbox.claim ORDER BY number LIMIT 1").fetchall()
    assert outcome == "pre-empted"


def test_a_change_of_a_dead_suspect_has_it_tried_again_though_all_else_is_held(
    outbox: Connection, place: Place, outbox_url: str
) -> None:
    (dead,) = add(outbox, place, "bad")
    outbox.execute("UPDATE outbox.event SET suspect = 6, dead_at = now() WHERE id = %s", [dead])
    add(outbox, place, "a")
    assert take(outbox, place) is not None
    (again,) = add(outbox, place, "bad")
    assert _locks(outbox, outbox_url)
    ((suspect,),) = outbox.execute("SELECT suspect FROM outbox.event WHERE id = %s", [again]).fetchall()
    assert suspect > 0


def test_after_a_full_claim_the_index_is_locked_in_vain_once(
    outbox: Connection, place: Place, outbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was full has most likely left more: nobody asks first. If it has not, the next look asks again."""
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    claimer, wish = Claimer(settings(outbox_url, "http://nowhere/solr")), Wish(Lane.LIVE, 2)
    add(outbox, place, "a", "b")

    def locks() -> tuple[bool, bool]:
        (survey,) = targets.survey(outbox)
        before = _locker(outbox)
        return claimer.claim(outbox, survey, wish), _locker(outbox) != before

    assert locks() == (True, True)
    add(outbox, place, "a")
    assert [locks(), locks()] == [(False, True), (False, False)]


def test_the_oldest_free_one_is_found_by_the_index_though_nearly_all_wait(outbox: Connection, place: Place) -> None:
    outbox.execute("INSERT INTO outbox.event (index, key, op) SELECT 1, n, 'U' FROM generate_series(1, 60000) AS n")
    outbox.execute("ANALYZE outbox.event")
    query = queries("outbox.store", "claims.sql")["free"]
    parameters = {"index": place.index, "target": place.target, "queue": 0, "lane": "live"}
    plan = "\n".join(row[0] for row in outbox.execute(b"EXPLAIN " + query.encode(), parameters))
    assert "Index Scan using event_pending" in plan and "Seq Scan on event" not in plan


def _locks(connection: Connection, database_url: str) -> bool:
    """Whether a relay that wishes for live documents locks the index; there is no broker: what it claims is undone."""
    (survey,) = targets.survey(connection)
    before = _locker(connection)
    claimer = Claimer(settings(database_url, "http://nowhere/solr"))
    assert not claimer.claim(connection, survey, Wish(Lane.LIVE, 500))
    return _locker(connection) != before


def _locker(connection: Connection) -> str:
    """The transaction that locked the index's row last."""
    ((found,),) = connection.execute("SELECT xmax::text FROM outbox.index").fetchall()
    return str(found)
