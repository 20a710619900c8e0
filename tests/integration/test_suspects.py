"""Keys that something may have died of: marked, left out, tried in ever smaller claims, dead when alone and guilty."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outbox.connection import Connection
from outbox.store import claims, suspects, targets
from outbox.store.claims import Begun, Claim, Lane, Outcome
from tests.integration.hand_made import MINUTE, Place, add, begun, keys_of, make_index, states, take

SOON = "UPDATE outbox.event SET available_at = clock_timestamp() WHERE done_at IS NULL"


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def lose(connection: Connection, claim: Begun) -> list[suspects.Suspect]:
    """What the relay does with a begun claim whose lease is over."""
    connection.execute("UPDATE outbox.claim SET leased_until = '-infinity' WHERE number = %s", [claim.number])
    with connection.transaction():
        assert [ended.outcome for ended in claims.revoke(connection)] == [Outcome.LOST]
        return suspects.mark(connection, [claim.number])


def succeed(connection: Connection, place: Place, key: str = "well") -> None:
    """Some other claim of the target is done."""
    add(connection, place, key)
    assert claims.finish(connection, begun(connection, place), bad={}, back=[])


def take_suspects(connection: Connection, place: Place, *, keys: int = 500) -> Claim | None:
    """One claim of suspects, as the relay makes it, when their time has come."""
    connection.execute(SOON)
    with connection.transaction():
        assert claims.lock_index(connection, place.index)
        return suspects.claim(
            connection,
            index=place.index,
            target=place.target,
            queue=0,
            keys=keys,
            dispatch_lease=MINUTE,
            work_lease=MINUTE,
        )


def begun_suspects(connection: Connection, place: Place) -> Begun:
    """A claim of suspects that was begun."""
    claim = take_suspects(connection, place)
    assert claim is not None
    found = claims.begin(connection, claim.number, worker="w@test")
    assert found is not None
    return found


def levels(connection: Connection) -> dict[str, int]:
    """How suspect each key is that waits."""
    return dict(
        connection.execute(
            "SELECT key, max(suspect) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL GROUP BY key"
        ).fetchall()
    )


def test_a_lost_claim_makes_suspects_which_normal_claims_leave_out(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a", "b")
    assert {(one.key, one.level, one.dead) for one in lose(outbox, begun(outbox, place))} == {
        ("a", 1, False),
        ("b", 1, False),
    }
    add(outbox, place, "a", "c")
    claim = take(outbox, place)
    assert claim and keys_of(outbox, claim.number) == ["c"]
    (survey,) = targets.survey(outbox)
    assert survey.suspects


def test_a_claim_that_nobody_began_makes_none(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    claim = take(outbox, place, dispatch=timedelta(0))
    assert claim is not None
    assert [ended.outcome for ended in claims.revoke(outbox)] == [Outcome.NOT_BEGUN]
    assert suspects.mark(outbox, [claim.number]) == []


def test_a_claim_of_another_start_of_the_server_makes_none(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    claim = begun(outbox, place)
    outbox.execute("UPDATE outbox.claim SET server = '-infinity'")
    assert lose(outbox, claim) == []


def test_an_outage_counts_once(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    lose(outbox, begun(outbox, place))
    for _ in range(3):
        assert lose(outbox, begun_suspects(outbox, place)) == []
    assert levels(outbox) == {"a": 1}
    succeed(outbox, place)
    assert [one.level for one in lose(outbox, begun_suspects(outbox, place))] == [2]


def test_one_claim_of_suspects_at_a_time(outbox: Connection, place: Place) -> None:
    add(outbox, place, *(f"k{number}" for number in range(100)))
    lose(outbox, begun(outbox, place))
    assert take_suspects(outbox, place) is not None
    assert take_suspects(outbox, place) is None
    (survey,) = targets.survey(outbox)
    assert survey.suspects_in_flight == 1


def test_claims_get_smaller_until_each_key_is_alone(outbox: Connection, place: Place) -> None:
    add(outbox, place, *(f"k{number:03}" for number in range(500)))
    lose(outbox, begun(outbox, place))
    sizes = []
    for _ in range(3):
        succeed(outbox, place)
        claim = begun_suspects(outbox, place)
        sizes.append(claim.keys)
        lose(outbox, claim)
        outbox.execute(
            "DELETE FROM outbox.event WHERE suspect = (SELECT min(suspect) FROM outbox.event WHERE suspect > 0)"
        )
    assert sizes == [62, 7, 1]


def test_the_least_suspect_first(outbox: Connection, place: Place) -> None:
    add(outbox, place, "often")
    lose(outbox, begun(outbox, place))
    succeed(outbox, place)
    lose(outbox, begun_suspects(outbox, place))
    add(outbox, place, "once", "too")
    lose(outbox, begun(outbox, place))
    assert keys_of(outbox, begun_suspects(outbox, place).number) == ["once", "too"]


def test_the_guilty_one_is_dead_and_the_innocent_are_done(outbox: Connection, place: Place) -> None:
    keys = [f"k{number:03}" for number in range(40)]
    add(outbox, place, *keys, "k007")
    guilty, claim, lost = "k007", begun(outbox, place), 0
    while True:
        held = keys_of(outbox, claim.number)
        if guilty in held:
            lost += 1
            lose(outbox, claim)
        else:
            assert claims.finish(outbox, claim, bad={}, back=[])
        if states(outbox)[guilty][-1] == "dead":
            break
        succeed(outbox, place)
        claim = begun_suspects(outbox, place)
    assert lost == suspects.GUILTY
    found = states(outbox)
    assert found.pop(guilty) == ["done", "dead"]  # one dead event stands for the key
    outbox.execute("DELETE FROM outbox.event WHERE key = 'well'")
    while (left := take_suspects(outbox, place)) is not None:
        begin = claims.begin(outbox, left.number, worker="w@test")
        assert begin and claims.finish(outbox, begin, bad={}, back=[])
    assert {state for key, each in states(outbox).items() for state in each if key != guilty} == {"done"}


def test_a_dead_suspect_starts_again_alone_when_a_new_event_of_it_comes(outbox: Connection, place: Place) -> None:
    add(outbox, place, "bad")
    lose(outbox, begun(outbox, place))
    outbox.execute("UPDATE outbox.event SET suspect = 6, dead_at = clock_timestamp()")
    add(outbox, place, "bad", "good")
    (survey,) = targets.survey(outbox)
    assert (survey.suspects, survey.dead_suspects) == (False, True)
    claim = take(outbox, place)
    assert claim and keys_of(outbox, claim.number) == ["good"]
    assert suspects.again(outbox, index=place.index, queue=0) == 1
    assert levels(outbox) == {"bad": suspects.ALONE, "good": 0}
    alone = begun_suspects(outbox, place)
    assert keys_of(outbox, alone.number) == ["bad"]
    assert claims.finish(outbox, alone, bad={}, back=[])
    assert states(outbox)["bad"] == ["done", "done"]


def test_a_live_change_takes_its_key_out_of_a_bulk_claim_that_nobody_has_begun(
    outbox: Connection, place: Place
) -> None:
    add(outbox, place, "a", "b", lane=Lane.REPLAY)
    waiting = take(outbox, place, lane=Lane.REPLAY)
    add(outbox, place, "c", lane=Lane.REPLAY)
    working = begun(outbox, place, lane=Lane.REPLAY)
    assert waiting is not None
    assert preempt(outbox, place) == []
    add(outbox, place, "a", "c")
    assert preempt(outbox, place) == [waiting.number]
    claim = take(outbox, place)
    assert claim and keys_of(outbox, claim.number) == ["a"]  # c is being worked on
    assert claims.finish(outbox, working, bad={}, back=[])


def preempt(connection: Connection, place: Place) -> list[int]:
    """The numbers of the claims that are ended for the live lane."""
    ended = claims.preempt(connection, index=place.index, target=place.target, queue=0)
    assert {each.outcome for each in ended} <= {Outcome.PREEMPTED}
    return [each.number for each in ended]


def test_a_probe_takes_no_key_of_the_claim_that_failed_last(outbox: Connection, place: Place) -> None:
    add(outbox, place, "bad", "good")
    failed = take(outbox, place, keys=1)
    assert failed and keys_of(outbox, failed.number) == ["bad"]
    assert claims.end(outbox, failed.number, Outcome.GIVEN_BACK)
    probe = take(outbox, place, keys=1, avoid=failed.number)
    assert probe and keys_of(outbox, probe.number) == ["good"]
    assert take(outbox, place, keys=1, avoid=failed.number) is None
