"""After a start of the server: Solr is compared with the ledger before anything is claimed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from outbox.solr import collections
from outbox.solr.client import Address, Solr
from outbox.store import restarts, targets
from outbox.store.claims import Lane, Outcome
from outbox.store.targets import Survey
from relay.restarts import Restarts
from tests.integration.desk import COLLECTION, Desk
from tests.integration.hand_made import DEFINITION, add, begun, insert_items, states, take

LEASE = timedelta(seconds=60)


def seen(desk: Desk) -> Survey:
    """The one target, as the relay sees it."""
    (survey,) = targets.survey(desk.connection)
    return survey


def look(desk: Desk, solr: Solr | None = None) -> None:
    """What the relay does first."""
    Restarts(solr or desk.solr, LEASE).look(desk.connection, seen(desk), DEFINITION.target)


def put(desk: Desk, key: str, version: int, *, deleted: bool = False) -> None:
    """A document of a lost time-line."""
    document = {"id": key, "src_version": version, "deleted": deleted}
    desk.solr.call("POST", f"/{COLLECTION}/update", {"softCommit": True}, body=orjson.dumps([document]))


def replayed(desk: Desk) -> set[str]:
    """The keys that are enqueued as replays."""
    return {key for (key,) in desk.connection.execute("SELECT key FROM outbox.event WHERE op = 'R'").fetchall()}


def drawn(desk: Desk) -> int:
    """What the sequence gave last."""
    (row,) = desk.connection.execute("SELECT last_value FROM outbox.claim_number").fetchall()
    return int(row[0])


def test_nothing_to_mend_after_a_plain_start(desk: Desk) -> None:
    insert_items(desk.connection, [1])
    look(desk)
    number = desk.indexed("1")
    desk.connection.execute("UPDATE outbox.target SET checked_server = '-infinity'")
    assert seen(desk).unchecked
    look(desk)
    assert (seen(desk).unchecked, replayed(desk)) == (False, set())
    assert drawn(desk) >= number + restarts.GAP


def test_a_collection_of_another_database_is_left_alone(desk: Desk) -> None:
    """A copy of a production database, started elsewhere, does not write to production's search."""
    insert_items(desk.connection, [1])
    add(desk.connection, desk.place, "1")
    collections.write_stamp(desk.solr, COLLECTION, "postgres 1/1/items")
    look(desk)
    survey = seen(desk)
    assert (survey.unchecked, survey.failing) == (True, True)
    (reason,) = desk.connection.execute("SELECT reason FROM outbox.target").fetchone() or ("",)
    assert f"the Solr collection {COLLECTION} is that of postgres 1/1/items" in reason
    adopted = replace(DEFINITION.target, adopt=True)
    Restarts(desk.solr, LEASE).look(desk.connection, survey, adopted)
    assert not seen(desk).unchecked


def test_what_the_ledger_does_not_know_is_indexed_again(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    known = desk.indexed("1")
    put(desk, "2", known + 7)
    put(desk, "3", known + 20, deleted=True)
    look(desk)
    assert replayed(desk) == {"2", "3"}
    assert drawn(desk) == known + 20 + restarts.GAP
    claim = take(desk.connection, desk.place, lane=Lane.REPLAY)
    assert claim is not None and claim.number > known + 20
    desk.indexer.index(claim.number, worker="w@test")
    assert {key: found["src_version"] for key, found in desk.solr.get(COLLECTION, ["2", "3"]).items()} == {
        "2": claim.number,
        "3": claim.number,
    }


def test_a_late_worker_of_a_lost_time_line_is_mended(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    known = desk.indexed("1")
    put(desk, "1", known + 5)
    look(desk)
    put(desk, "2", known + 9)  # posts after the listing
    assert not seen(desk).recheck
    assert 60 < (seen(desk).due_s or 0) <= 60 + 60
    desk.connection.execute("UPDATE outbox.target SET recheck_at = clock_timestamp()")
    look(desk)
    assert replayed(desk) == {"1", "2"}
    assert (seen(desk).recheck, seen(desk).due_s) == (False, None)


def test_what_is_written_since_is_not_listed_again(desk: Desk) -> None:
    insert_items(desk.connection, [1, 2])
    look(desk)
    desk.indexed("1")
    desk.connection.execute("UPDATE outbox.target SET recheck_at = clock_timestamp()")
    look(desk)
    assert replayed(desk) == set()


def test_claims_of_another_start_end_and_make_no_suspects(desk: Desk) -> None:
    add(desk.connection, desk.place, "1", "2")
    begun(desk.connection, desk.place)
    desk.connection.execute("UPDATE outbox.claim SET server = '-infinity'")
    assert [ended.outcome for ended in restarts.revoke_all(desk.connection)] == [Outcome.LOST]
    assert states(desk.connection) == {"1": ["waits"], "2": ["waits"]}
    assert not seen(desk).suspects


def test_while_solr_is_away_nothing_is_claimed(desk: Desk) -> None:
    look(desk, Solr(Address("http://127.0.0.1:9/solr")))
    survey = seen(desk)
    assert (survey.unchecked, survey.failing, survey.resting) == (True, True, True)
    (said,) = desk.connection.execute("SELECT reason FROM outbox.target").fetchall()
    assert "Connection refused" in said[0]


def test_more_than_one_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.restarts._PAGE", 2)
    for key in "abcde":
        put(desk, key, 7)
    look(desk)
    assert replayed(desk) == set("abcde")


def test_what_another_target_claimed_since_says_nothing_of_this_one(desk: Desk) -> None:
    """Another index's claim may have survived though it was drawn later."""
    insert_items(desk.connection, [1])
    known = desk.indexed("1")
    desk.connection.execute(
        "INSERT INTO outbox.claim (number, leased_until, work_lease, lane, index, target, keys, events)"
        " VALUES (%s, now(), '1 h', 'live', %s, 77, '{x}', '{}')",
        [known + 50, desk.place.index],
    )
    put(desk, "1", known + 7)
    look(desk)
    assert replayed(desk) == {"1"}
