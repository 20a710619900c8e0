"""What the relay does around a claim: commit, publish, undo, and end the bulk claim that is in a live change's way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr

from outbox import plans
from outbox.connection import Connection, connect
from outbox.settings import RelaySettings, Settings
from outbox.store import claims, targets
from outbox.store.claims import Lane, Outcome
from relay import claiming
from relay.claiming import Claimer
from relay.policy import Wish
from relay.publish import Publisher
from tests.integration.hand_made import MINUTE, Place, add, keys_of, make_index, states, take
from tests.pipeline import until

NOWHERE = "amqp://nobody:nothing@127.0.0.1:1//"
LIVE = Wish(Lane.LIVE, 500)
PAUSED = [
    "UPDATE outbox.index SET paused = true",
    "UPDATE outbox.index SET paused_until = now() + interval '1 h'",
    "UPDATE outbox.index SET detached_at = now()",
]


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


@pytest.fixture
def claimer(outbox_url: str) -> Iterator[Claimer]:
    """A relay's, whose broker cannot be reached."""
    found = claimer_of(outbox_url, RelaySettings())
    yield found
    found.close()


def claimer_of(outbox_url: str, relay: RelaySettings) -> Claimer:
    """One with these settings."""
    secrets = {"database": SecretStr(outbox_url), "broker": SecretStr(NOWHERE), "solr": SecretStr("")}
    return Claimer(Settings(**secrets, relay=relay, source="test"))


def claimed(connection: Connection, claimer: Claimer) -> bool:
    """One live claim, as the relay makes it."""
    (survey,) = targets.survey(connection)
    return claimer.claim(connection, survey, LIVE)


def keep_plans(connection: Connection, place: Place, *, dispatch: timedelta) -> None:
    """Make claims of a key of its own, until their plans are kept: two, of lock and claim."""
    plans.keep(connection)
    add(connection, place, "kept")
    while prepared(connection) < 2:
        taken = take(connection, place, dispatch=dispatch)
        assert taken
        assert claims.end(connection, taken.number, Outcome.GIVEN_BACK)
    connection.execute("UPDATE outbox.event SET done_at = clock_timestamp() WHERE key = 'kept'")


def prepared(connection: Connection) -> int:
    """How many statements the session has prepared."""
    row = connection.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False).fetchone()
    return int(row[0]) if row else 0


def outcomes(connection: Connection) -> list[str | None]:
    """How the claims ended, in their order; None for one in flight."""
    return [row[0] for row in connection.execute("SELECT outcome FROM outbox.claim ORDER BY number")]


def test_a_claim_that_is_not_published_is_undone_at_once(outbox: Connection, place: Place, claimer: Claimer) -> None:
    add(outbox, place, "a")
    assert not claimed(outbox, claimer)
    assert (outcomes(outbox), states(outbox)) == ([Outcome.NOT_PUBLISHED], {"a": ["waits"]})
    assert take(outbox, place) is not None  # its event is free


def test_a_claim_is_committed_before_it_is_published(
    outbox: Connection, outbox_url: str, place: Place, claimer: Claimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may have the message before the relay has the broker's confirm."""
    begun: list[int] = []

    def at_the_worker(_: Publisher, claim: int, queue: str, expiration: timedelta) -> None:
        with connect(outbox_url, application="worker", autocommit=True) as worker:
            begun.extend(one.number for one in [claims.begin(worker, claim, worker=queue)] if one)

    monkeypatch.setattr(Publisher, "publish", at_the_worker)
    add(outbox, place, "a")
    assert claimed(outbox, claimer)
    assert len(begun) == 1


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("mark", PAUSED, ids=["paused", "paused for a while", "detached"])
def test_an_index_that_was_paused_since_the_survey_is_not_claimed(
    outbox: Connection, place: Place, claimer: Claimer, mark: str, kept: bool
) -> None:
    add(outbox, place, "a")
    if kept:
        keep_plans(outbox, place, dispatch=RelaySettings().dispatch_lease)
    (survey,), before = targets.survey(outbox), outcomes(outbox)
    outbox.execute(mark.encode())
    assert not claimer.claim(outbox, survey, LIVE)
    assert (outcomes(outbox), states(outbox)["a"]) == (before, ["waits"])
    assert prepared(outbox) == (2 if kept else 0), "it was claimed by another plan than that which is kept"


def test_no_suspect_is_claimed_of_an_index_that_was_paused_since(
    outbox: Connection, place: Place, claimer: Claimer
) -> None:
    add(outbox, place, "a")
    outbox.execute("UPDATE outbox.event SET suspect = 1")
    (survey,) = targets.survey(outbox)
    assert survey.suspects
    outbox.execute("UPDATE outbox.index SET paused = true")
    assert not claimer.claim(outbox, survey, Wish(Lane.REPLAY, 500, suspects=True))
    assert outcomes(outbox) == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_claimer_waits_for_another_that_has_not_committed(
    outbox: Connection, outbox_url: str, place: Place, kept: bool
) -> None:
    with connect(outbox_url, application="other", autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        if kept:
            keep_plans(other, place, dispatch=MINUTE)
        add(outbox, place, "a")
        with outbox.transaction():
            assert take(outbox, place)
            taking = pool.submit(take, other, place)
            blocked = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
            until(
                lambda: taking.done() or outbox.execute(blocked, [other.info.backend_pid]).fetchone() == (True,),
                "the other waits, or has claimed",
            )
        assert taking.result(timeout=10) is None, "the key is in two claims"


def test_what_the_broker_confirmed_is_noted_before_the_next_claim(
    outbox: Connection, place: Place, claimer: Claimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the time at which it was confirmed."""
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    noted = "SELECT published_at BETWEEN created_at AND %s FROM outbox.claim ORDER BY number"
    add(outbox, place, "a")
    assert claimed(outbox, claimer)
    between = outbox.execute("SELECT clock_timestamp() FROM pg_sleep(0.2)").fetchone()  # a note's own way is shorter
    add(outbox, place, "b")
    assert claimed(outbox, claimer)
    assert outbox.execute(noted, between).fetchall() == [(True,), (None,)]
    claimer.note(outbox)
    assert outbox.execute(noted, between).fetchall() == [(True,), (False,)]


def test_the_disk_is_waited_for_by_begin_and_not_by_a_claim(outbox: Connection, place: Place) -> None:
    """A claim that a crash loses was never begun: nothing is in Solr under its number, which may be drawn again."""
    add(outbox, place, "a")
    with outbox.transaction():
        claim = take(outbox, place)
        assert claim and outbox.execute("SHOW synchronous_commit").fetchone() == ("off",)
    with outbox.transaction():
        assert claims.begin(outbox, claim.number, worker="test")
        assert outbox.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_dead_suspect_that_is_to_be_tried_again_is_looked_at_again(
    outbox: Connection, place: Place, claimer: Claimer
) -> None:
    """The survey that the claim was made by does not know of it."""
    add(outbox, place, "bad")
    outbox.execute("UPDATE outbox.event SET suspect = 6, dead_at = clock_timestamp()")
    add(outbox, place, "bad")
    outbox.execute("LISTEN outbox")
    assert not claimed(outbox, claimer)
    assert [note.payload for note in outbox.notifies(timeout=5, stop_after=1)] == [claims.WORK]


def test_a_live_change_takes_its_key_out_of_a_bulk_claim_that_waits(
    outbox: Connection, place: Place, claimer: Claimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(outbox, place, "a", "b", lane=Lane.REPLAY)
    assert take(outbox, place, lane=Lane.REPLAY)
    add(outbox, place, "a")
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    assert claimed(outbox, claimer)
    assert outcomes(outbox) == [Outcome.PREEMPTED, None]


@pytest.mark.parametrize(
    ("lane", "look_back_s", "taken"),
    [
        (Lane.REPLAY, 3600.0, [["a", "b"], ["c", "d"], ["e", "f"], ["old"]]),
        (Lane.REPLAY, 0.0, [["a", "b"], ["c", "old"], ["d", "e"], ["f"]]),
        (Lane.LIVE, 3600.0, [["a", "b"], ["c", "old"], ["d", "e"], ["f"]]),
    ],
)
def test_a_claim_of_a_bulk_lane_begins_where_the_last_began_for_a_while(
    outbox: Connection,
    place: Place,
    claimer: Claimer,
    monkeypatch: pytest.MonkeyPatch,
    lane: Lane,
    look_back_s: float,
    taken: list[list[str]],
) -> None:
    """What is given back waits as long at the most, and no longer than there is anything else."""
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    monkeypatch.setattr(claiming, "LOOK_BACK_S", look_back_s)
    add(outbox, place, "old", lane=lane)
    first = take(outbox, place, lane=lane)
    add(outbox, place, *"abcdef", lane=lane)
    (survey,) = targets.survey(outbox)
    found = []
    while claimer.claim(outbox, survey, Wish(lane, 2)):
        claims.end(outbox, first.number if first else 0, Outcome.GIVEN_BACK)
        (newest,) = outbox.execute("SELECT max(number) FROM outbox.claim").fetchone() or (0,)
        found.append(sorted(keys_of(outbox, newest)))
    assert found == taken


@pytest.mark.parametrize("batch", [1, 2])
def test_bulk_claims_are_larger_while_full_ones_are_done_quickly(
    outbox: Connection, outbox_url: str, place: Place, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """With a batch of two documents a claim of one is not full. One that is pre-empted is not done."""
    monkeypatch.setattr(Publisher, "publish", lambda *_: None)
    monkeypatch.setattr(Publisher, "consumers", lambda *_: 1)
    outbox.execute("UPDATE outbox.target SET checked_server = pg_postmaster_start_time()")
    claimer = claimer_of(outbox_url, RelaySettings(batch=batch))

    def claimed_in_bulk(key: str) -> int:
        add(outbox, place, key, lane=Lane.REPLAY)
        (survey,) = targets.survey(outbox)
        wish = next(each for each in claimer.wishes(survey) if each.lane is Lane.REPLAY)
        assert claimer.claim(outbox, survey, wish)
        return wish.keys

    assert claimed_in_bulk("a") == batch
    (number,) = outbox.execute("SELECT max(number) FROM outbox.claim").fetchone() or (0,)
    begun = claims.begin(outbox, number, worker="test")
    assert begun and claims.finish(outbox, begun, bad={}, back=[])
    assert claimed_in_bulk("b") == 2
    add(outbox, place, "b")
    assert claimed(outbox, claimer)
    assert outcomes(outbox) == [Outcome.DONE, Outcome.PREEMPTED, None]
    assert claimed_in_bulk("c") == batch
    claimer.close()
