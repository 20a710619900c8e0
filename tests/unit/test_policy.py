"""What the relay claims next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from outbox.settings import RelaySettings
from outbox.store.claims import Lane
from outbox.store.targets import Survey
from relay.policy import Pace, Wish, wishes

IDLE = Survey(
    target=1,
    index=1,
    name="layers",
    collection="layers_1",
    serving=True,
    paused=False,
    applied_at=datetime(2026, 1, 1, tzinfo=UTC),
    failing=False,
    resting=False,
    unchecked=False,
    recheck=False,
    batch=None,
    failed=None,
    live=False,
    fanout=False,
    replay=False,
    unexpanded=False,
    newest_fanout=None,
    suspects=False,
    dead_suspects=False,
    due_s=None,
    live_in_flight=0,
    bulk_in_flight=0,
    bulk_unbegun=0,
    suspects_in_flight=0,
    over=0,
)
ALL = {"live": True, "fanout": True, "replay": True}
LIVE, FANOUT, REPLAY = (Wish(lane, 500) for lane in Lane)
SUSPECTS = Wish(Lane.REPLAY, 500, suspects=True)


def probe(lane: Lane, *, avoid: int | None = None, suspects: bool = False) -> Wish:
    """One document."""
    return Wish(lane, 1, suspects=suspects, avoid=avoid, probe=True)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, []),
        ({"live": True}, [LIVE]),
        ({"replay": True}, [REPLAY]),
        (ALL, [LIVE, FANOUT, REPLAY]),
        ({**ALL, "paused": True}, []),
        ({**ALL, "failing": True, "resting": True}, []),
        ({**ALL, "unchecked": True}, []),
        ({**ALL, "failing": True, "unchecked": True}, []),
        ({**ALL, "live_in_flight": 1}, [LIVE, FANOUT, REPLAY]),
        ({**ALL, "live_in_flight": 2}, [FANOUT, REPLAY]),
        ({**ALL, "bulk_unbegun": 1, "bulk_in_flight": 1}, [LIVE]),
        ({**ALL, "bulk_in_flight": 3}, [LIVE, FANOUT, REPLAY]),
        ({**ALL, "bulk_in_flight": 4}, [LIVE]),
        ({**ALL, "batch": 8}, [Wish(Lane.LIVE, 8), Wish(Lane.FANOUT, 8), Wish(Lane.REPLAY, 8)]),
        ({"live": True, "batch": 9000}, [LIVE]),
        ({**ALL, "failing": True}, [probe(lane) for lane in Lane]),
        ({**ALL, "failing": True, "batch": 1}, [probe(lane) for lane in Lane]),
        ({"replay": True, "failing": True}, [probe(Lane.REPLAY)]),
        ({"live": True, "failing": True, "failed": 7}, [probe(Lane.LIVE, avoid=7), probe(Lane.LIVE)]),
        ({"live": True, "failing": True, "suspects": True}, [probe(Lane.LIVE), probe(Lane.REPLAY, suspects=True)]),
        ({"suspects": True}, [SUSPECTS]),
        ({**ALL, "suspects": True}, [LIVE, SUSPECTS, FANOUT, REPLAY]),
        ({**ALL, "suspects": True, "suspects_in_flight": 1, "bulk_in_flight": 1}, [LIVE, FANOUT, REPLAY]),
        ({"suspects": True, "bulk_unbegun": 1, "bulk_in_flight": 1}, []),
        ({**ALL, "failing": True, "bulk_in_flight": 1}, []),
        ({**ALL, "failing": True, "live_in_flight": 1}, []),
    ],
)
def test_what_is_claimed(seen: dict[str, Any], expected: list[Wish]) -> None:
    assert (
        list(wishes(replace(IDLE, **seen), RelaySettings(), lambda _: True, replay_first=False, quick=False))
        == expected
    )


@pytest.mark.parametrize(
    ("batch", "seen", "expected"),
    [
        (500, {**ALL, "suspects": True}, [LIVE, SUSPECTS, Wish(Lane.FANOUT, 1000), Wish(Lane.REPLAY, 1000)]),
        (100, {"live": True, "replay": True}, [Wish(Lane.LIVE, 100), Wish(Lane.REPLAY, 200)]),
        (700, {"live": True, "replay": True}, [Wish(Lane.LIVE, 700), Wish(Lane.REPLAY, 1000)]),
        (4000, {"replay": True}, [Wish(Lane.REPLAY, 4000)]),
        (500, {"replay": True, "batch": 8}, [Wish(Lane.REPLAY, 8)]),
        (500, {"replay": True, "failing": True}, [probe(Lane.REPLAY)]),
    ],
)
def test_bulk_claims_that_are_done_quickly_are_larger(batch: int, seen: dict[str, Any], expected: list[Wish]) -> None:
    settings = RelaySettings(batch=batch)
    assert list(wishes(replace(IDLE, **seen), settings, lambda _: True, replay_first=False, quick=True)) == expected


def test_bulk_claims_are_done_quickly_if_more_were_made_lately_than_are_in_flight() -> None:
    pace, three = Pace(), replace(IDLE, bulk_in_flight=3)
    for at in (0.0, 0.1, 0.2):
        pace.note(IDLE, at, full=True)
        pace.note(IDLE, at, full=False)
        assert not pace.quick(three, at)
    assert pace.quick(replace(IDLE, bulk_in_flight=2), 0.3)
    pace.note(IDLE, 3.9, full=True)
    assert pace.quick(three, 3.95)
    assert not pace.quick(replace(three, target=2), 3.95)
    assert not pace.quick(three, 4.05), "the first was made too long ago"
    pace.forget(IDLE.target)
    assert not pace.quick(IDLE, 3.95)


@pytest.mark.parametrize("recovering", [{"batch": 64}, {"failing": True}])
def test_what_was_made_before_a_target_failed_is_no_sign_of_quick_claims(recovering: dict[str, Any]) -> None:
    pace = Pace()
    for at in (0.0, 0.1):
        pace.note(IDLE, at, full=True)
    assert pace.quick(IDLE, 0.2)
    pace.note(replace(IDLE, **recovering), 0.2, full=False)
    assert not pace.quick(IDLE, 0.3)


def test_replays_and_fanouts_take_turns() -> None:
    survey = replace(IDLE, fanout=True, replay=True)
    assert list(wishes(survey, RelaySettings(), lambda _: True, replay_first=True, quick=False)) == [REPLAY, FANOUT]


@pytest.mark.parametrize("failing", [False, True])
def test_nothing_is_claimed_for_a_queue_without_a_consumer(failing: bool) -> None:
    survey = replace(IDLE, live=True, fanout=True, failing=failing)
    only_bulk = list(
        wishes(survey, RelaySettings(), lambda lane: lane is not Lane.LIVE, replay_first=False, quick=False)
    )
    assert {wish.lane for wish in only_bulk} == {Lane.FANOUT}
    assert list(wishes(survey, RelaySettings(), lambda _: False, replay_first=False, quick=False)) == []


def test_the_broker_is_not_asked_about_what_does_not_wait() -> None:
    asked: list[Lane] = []

    def has_consumer(lane: Lane) -> bool:
        asked.append(lane)
        return True

    assert list(wishes(IDLE, RelaySettings(), has_consumer, replay_first=False, quick=False)) == []
    assert asked == []


@pytest.mark.parametrize(
    ("wish", "alone"),
    [(LIVE, False), (FANOUT, True), (REPLAY, True), (SUSPECTS, True), (probe(Lane.LIVE), True)],
)
def test_a_probe_and_an_unbegun_bulk_claim_stay_alone(wish: Wish, alone: bool) -> None:
    assert wish.alone is alone
