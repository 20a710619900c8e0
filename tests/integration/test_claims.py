"""The ledger of claims: what is claimed, begun, finished, given back and revoked."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from outbox.connection import Connection, connect
from outbox.store import claims
from outbox.store import dead as dead_events
from outbox.store.claims import Ended, Lane, Outcome
from outbox.store.dead import Chosen
from services.stack import Stack
from tests.integration.hand_made import SQL, Place, add, begun, keys_of, make_index, states, take

NOW = timedelta(0)


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def test_nothing_waits(outbox: Connection, place: Place) -> None:
    assert take(outbox, place) is None


def test_many_events_of_a_key_are_one_document(outbox: Connection, place: Place) -> None:
    events = add(outbox, place, "a", "b", "a", "a")
    claim = take(outbox, place)
    assert claim is not None and claim.keys == 2
    row = outbox.execute(SQL["claim_row"], {"number": claim.number}).fetchone()
    assert row is not None and (row[0], sorted(row[1])) == (["a", "b"], sorted(events))


def test_keys_in_flight_are_left_out(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a", "b")
    first = take(outbox, place)
    add(outbox, place, "a", "c")
    add(outbox, place, "b", "d", lane=Lane.REPLAY)
    second, third = take(outbox, place), take(outbox, place, lane=Lane.REPLAY)
    assert first and second and third and first.number < second.number < third.number
    assert [keys_of(outbox, each.number) for each in (first, second, third)] == [["a", "b"], ["c"], ["d"]]
    assert take(outbox, place) is None
    assert claims.end(outbox, first.number, Outcome.GIVEN_BACK)
    again = take(outbox, place)
    assert again and keys_of(outbox, again.number) == ["a", "b"]


def test_the_oldest_are_taken_first_and_no_more_than_asked_for(outbox: Connection, place: Place) -> None:
    add(outbox, place, *"cbabc")
    claim = take(outbox, place, keys=2)
    assert claim and keys_of(outbox, claim.number) == ["c", "b"]


@pytest.mark.parametrize("hidden", [{"lane": Lane.FANOUT}, {"delay": timedelta(hours=1)}, {"target": 7}])
def test_what_is_not_taken(outbox: Connection, place: Place, hidden: dict[str, object]) -> None:
    add(outbox, place, "a", **hidden)  # type: ignore[arg-type] # each case gives one argument of its own type
    assert take(outbox, place) is None


def test_a_paused_index_is_not_claimed(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    outbox.execute("UPDATE outbox.index SET paused = true")
    assert take(outbox, place) is None


def test_a_hot_key_costs_a_bounded_number_of_events_a_claim(outbox: Connection, place: Place) -> None:
    outbox.execute(
        "INSERT INTO outbox.event (index, key, op) SELECT %s, 'hot', 'U' FROM generate_series(1, %s)",
        [place.index, claims.WINDOW + 10],
    )
    add(outbox, place, "cold")
    first = begun(outbox, place)
    assert (first.keys, keys_of(outbox, first.number)) == (1, ["hot"])
    other = begun(outbox, place)  # the hot key is in flight
    assert keys_of(outbox, other.number) == ["cold"]
    assert claims.finish(outbox, first, bad={}, back=[])
    assert states(outbox)["hot"].count("waits") == 10


def test_begin_succeeds_once_for_ever(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    claim = begun(outbox, place)
    assert (claim.index, claim.target, claim.collection, claim.serving) == (place.index, place.target, "items_1", True)
    assert claims.begin(outbox, claim.number, worker="another") is None
    assert claims.begin(outbox, claim.number + 1, worker="another") is None


def test_a_claim_that_has_ended_cannot_be_begun(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    claim = take(outbox, place, dispatch=NOW)
    assert claim
    assert claims.revoke(outbox) == [Ended(claim.number, Outcome.NOT_BEGUN, None)]
    assert claims.begin(outbox, claim.number, worker="late") is None
    assert claims.keys(outbox, claim.number) == []


def test_finish_marks_done_dead_and_given_back(outbox: Connection, place: Place) -> None:
    add(outbox, place, "good", "bad", "back", "good")
    claim = begun(outbox, place)
    add(outbox, place, "good")  # after the read: none of this claim's business
    assert claims.finish(outbox, claim, bad={"bad": "not a number"}, back=["back"])
    assert states(outbox) == {"good": ["done", "done", "waits"], "bad": ["dead"], "back": ["waits"]}
    row = outbox.execute(SQL["claim_row"], {"number": claim.number}).fetchone()
    assert row is not None and row[2:] == (True, "done", 1, "1 refused")
    said = outbox.execute("SELECT last_error, claim FROM outbox.event WHERE key = 'bad'").fetchone()
    assert said == ("not a number", claim.number)
    again = take(outbox, place)
    assert again and sorted(keys_of(outbox, again.number)) == ["back", "good"]


def test_finish_after_the_claim_was_revoked_marks_nothing(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a", "b")
    claim = begun(outbox, place, work=NOW)
    assert claims.revoke(outbox) == [Ended(claim.number, Outcome.LOST, "w@test")]
    assert not claims.finish(outbox, claim, bad={"b": "no"}, back=[])
    assert states(outbox) == {"a": ["waits"], "b": ["waits"]}


def test_finish_waits_for_a_revoke_that_is_under_way_and_then_marks_nothing(
    outbox: Connection, place: Place, outbox_url: str
) -> None:
    add(outbox, place, "a")
    claim = begun(outbox, place, work=NOW)
    with connect(outbox_url, application="revoker") as revoker, ThreadPoolExecutor(1) as pool:
        assert claims.revoke(revoker)
        finishing = pool.submit(claims.finish, outbox, claim, bad={}, back=[])
        revoker.commit()
        assert finishing.result(timeout=10) is False
    assert states(outbox) == {"a": ["waits"]}


def test_a_later_change_of_a_dead_key_resolves_it(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a", "b")
    assert claims.finish(outbox, begun(outbox, place), bad={"a": "no", "b": "no"}, back=[])
    add(outbox, place, "a")
    assert claims.finish(outbox, begun(outbox, place), bad={}, back=[])
    assert states(outbox) == {"a": ["done", "done"], "b": ["dead"]}


def test_a_key_that_dies_again_has_one_dead_event(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    assert claims.finish(outbox, begun(outbox, place), bad={"a": "no"}, back=[])
    add(outbox, place, "a")
    assert claims.finish(outbox, begun(outbox, place), bad={"a": "still no"}, back=[])
    assert states(outbox) == {"a": ["done", "dead"]}


def test_of_several_events_of_a_refused_key_the_newest_is_dead_and_stands_for_the_others(
    outbox: Connection, place: Place
) -> None:
    add(outbox, place, "a", "b", "a")
    assert claims.finish(outbox, begun(outbox, place), bad={"a": "no"}, back=[])
    assert states(outbox) == {"a": ["done", "dead"], "b": ["done"]}
    (dead,) = dead_events.unresolved(outbox, Chosen())
    reasons = outbox.execute("SELECT last_error FROM outbox.event WHERE key = 'a' ORDER BY id").fetchall()
    assert reasons == [(f"dead as event {dead.id}",), ("no",)]


def test_a_key_that_is_given_back_stays_dead(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    assert claims.finish(outbox, begun(outbox, place), bad={"a": "no"}, back=[])
    add(outbox, place, "a")
    assert claims.finish(outbox, begun(outbox, place), bad={}, back=["a"])
    assert states(outbox) == {"a": ["dead", "waits"]}


def test_a_claim_ends_once(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    claim = begun(outbox, place)
    assert claims.end(outbox, claim.number, Outcome.GIVEN_BACK, "x" * 5000)
    assert not claims.end(outbox, claim.number, Outcome.REDELIVERED)
    assert not claims.finish(outbox, claim, bad={}, back=[])
    row = outbox.execute(SQL["claim_row"], {"number": claim.number}).fetchone()
    assert row is not None and (row[3], len(row[5])) == ("given back", 2000)


def test_revoke_takes_only_what_is_over(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    over = take(outbox, place, dispatch=NOW)
    add(outbox, place, "b")
    fresh = take(outbox, place)
    assert over and fresh
    assert [ended.number for ended in claims.revoke(outbox)] == [over.number]
    assert claims.revoke(outbox) == []


def test_a_new_leader_revokes_what_was_never_published(outbox: Connection, place: Place) -> None:
    numbers = []
    for key in ("unpublished", "published", "begun"):
        add(outbox, place, key)
        claim = take(outbox, place)
        assert claim
        numbers.append(claim.number)
    claims.published(outbox, numbers[1], timedelta(0))
    assert claims.begin(outbox, numbers[2], worker="w")
    assert claims.revoke_unpublished(outbox) == [Ended(numbers[0], Outcome.NOT_PUBLISHED, None)]


def test_two_claimers_never_hold_one_key(outbox: Connection, place: Place, outbox_url: str) -> None:
    """Four relays claim and finish side by side, of eight keys with many events each."""
    add(outbox, place, *(str(n % 8) for n in range(400)))
    held: set[str] = set()
    twice: set[str] = set()
    lock = threading.Lock()
    numbers: list[int] = []

    def claimer(seed: int) -> int:
        chance = random.Random(seed)  # noqa: S311 - a schedule has to be repeatable, not secret
        with connect(outbox_url, application=f"claimer {seed}", autocommit=True) as own:
            while not twice and not _all_done(own):
                claim = take(own, place, keys=chance.randint(1, 5))
                if claim is None:
                    continue
                keys = set(keys_of(own, claim.number))
                with lock:
                    twice.update(held & keys)
                    held.update(keys)
                    numbers.append(claim.number)
                found = claims.begin(own, claim.number, worker=str(seed))
                assert found
                with lock:
                    held.difference_update(keys)  # before the finish: from its commit on others may hold them
                if chance.random() < 0.7:
                    claims.finish(own, found, bad={}, back=[])
                else:
                    claims.end(own, claim.number, Outcome.GIVEN_BACK)
        return seed

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(claimer, range(4))) == [0, 1, 2, 3]
    assert twice == set()
    assert len(set(numbers)) == len(numbers)


def _all_done(connection: Connection) -> bool:
    row = connection.execute("SELECT count(*) FROM outbox.event WHERE done_at IS NULL").fetchone()
    return row == (0,)


def test_a_restart_of_the_server_ends_what_was_in_flight(stack: Stack, server_name: str, outbox_url: str) -> None:
    with connect(outbox_url, application="before", autocommit=True) as before:
        place = make_index(before)
        add(before, place, "not begun")
        waiting = take(before, place)
        add(before, place, "begun")
        working = begun(before, place)
        assert waiting
    stack.service(server_name).stop()
    stack.service(server_name).start()
    with connect(outbox_url, application="after", autocommit=True) as after:
        assert claims.begin(after, waiting.number, worker="late") is None
        assert after.execute(SQL["read"], {"number": working.number, "only": None}).fetchall() == []
        assert not claims.finish(after, working, bad={}, back=[])
        assert {ended.number for ended in claims.revoke(after)} == {waiting.number, working.number}
        again = take(after, place)
        assert again and sorted(keys_of(after, again.number)) == ["begun", "not begun"]
        assert again.number > working.number


def test_waking_reaches_the_listener_at_the_commit(outbox: Connection, outbox_url: str) -> None:
    with psycopg.connect(outbox_url) as writer:
        outbox.execute("LISTEN outbox")
        claims.wake(writer)
        assert list(outbox.notifies(timeout=0.1, stop_after=1)) == []
        writer.commit()
        assert [note.payload for note in outbox.notifies(timeout=5, stop_after=1)] == [claims.WORK]


def test_an_outbox_that_grows_quickly_is_never_read_as_a_whole(outbox: Connection, place: Place) -> None:
    """A plan that was made while it was small would do so, until somebody analyses the table."""
    outbox.execute("ALTER TABLE outbox.event SET (autovacuum_enabled = off)")
    for number in range(12):  # psycopg prepares at the fifth, Postgres may keep a plan from the sixth on
        add(outbox, place, str(number))
        assert claims.finish(outbox, begun(outbox, place), bad={}, back=[])
    grown = "INSERT INTO outbox.event (index, key, op) SELECT %s, 'hot', 'U' FROM generate_series(1, 20000)"
    outbox.execute(grown, [place.index])
    claim = begun(outbox, place)
    before = _whole_reads(outbox)
    assert claims.finish(outbox, claim, bad={}, back=[])
    assert _whole_reads(outbox) == before


def _whole_reads(connection: Connection) -> int:
    """How often outbox.event was read from end to end."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    (row,) = connection.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'event'").fetchall()
    return int(row[0])
