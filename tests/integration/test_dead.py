"""Dead events: tried again, resolved, discarded."""

from __future__ import annotations

import threading

import pytest

from outbox.connection import Connection, connect
from outbox.store import claims, dead, events
from outbox.store.dead import Chosen
from tests.integration.hand_made import Place, add, begun, make_index, states

ALL = Chosen()


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def die(connection: Connection, place: Place, *keys: str) -> list[int]:
    """These keys are refused; the ids of their dead events."""
    add(connection, place, *keys)
    assert claims.finish(connection, begun(connection, place), bad=dict.fromkeys(keys, "no"), back=[])
    return [event.id for event in dead.unresolved(connection, ALL) if event.key in keys]


def test_tried_again_it_is_resolved_when_it_is_indexed(outbox: Connection, place: Place) -> None:
    (event,) = die(outbox, place, "a")
    (again,) = dead.retry(outbox, ALL)
    assert states(outbox) == {"a": ["dead", "waits"]}
    row = outbox.execute("SELECT key, op::text, lane::text, cause FROM outbox.event WHERE id = %s", [again]).fetchone()
    assert row == ("a", "R", "replay", event)
    assert claims.finish(outbox, begun(outbox, place, lane=claims.Lane.REPLAY), bad={}, back=[])
    assert states(outbox) == {"a": ["done", "done"]}


def test_refused_again_one_dead_event_stands_for_it(outbox: Connection, place: Place) -> None:
    die(outbox, place, "a")
    (again,) = dead.retry(outbox, ALL)
    assert claims.finish(outbox, begun(outbox, place, lane=claims.Lane.REPLAY), bad={"a": "still no"}, back=[])
    (left,) = dead.unresolved(outbox, ALL)
    assert (left.id, left.error) == (again, "still no")


def test_a_fan_out_is_resolved_by_its_copy(outbox: Connection, place: Place) -> None:
    outbox.execute("INSERT INTO outbox.event (index, op, way, route) VALUES (%s, 'U', 3, '[[\"7\"]]')", [place.index])
    (fanout,) = events.fanouts(outbox, place.index, most=1)
    events.bury(outbox, fanout.id, "no such number")
    (again,) = dead.retry(outbox, ALL)
    assert dead.unresolved(outbox, ALL) == []
    (copy,) = events.fanouts(outbox, place.index, most=2)
    assert (copy.id, copy.way, copy.route, copy.op) == (again, 3, [["7"]], "U")


def test_some_are_chosen(outbox: Connection, place: Place) -> None:
    first, second, third = die(outbox, place, "a", "b", "c")
    assert dead.discard(outbox, Chosen(ids=[second])) == [second]
    assert states(outbox) == {"a": ["dead"], "b": ["done"], "c": ["dead"]}
    assert dead.discard(outbox, Chosen(index="others")) == dead.retry(outbox, Chosen(ids=[second])) == []
    assert dead.discard(outbox, Chosen(index="items")) == [first, third]


def test_its_story(outbox: Connection, place: Place) -> None:
    (event,) = die(outbox, place, "a")
    story = dead.story(outbox, event)
    assert story is not None
    assert (story["index"], story["key"], story["outcome"], story["worker"]) == ("items", "a", "done", "w@test")
    assert story["last_error"] == "no"
    assert dead.story(outbox, event + 1000) is None


def test_two_commands_at_once_share_them(outbox: Connection, outbox_url: str, place: Place) -> None:
    die(outbox, place, *(f"k{number}" for number in range(50)))
    appended: list[int] = []

    def retry() -> None:
        with connect(outbox_url, application="test", autocommit=True) as own:
            appended.extend(dead.retry(own, ALL))

    with outbox.transaction():
        outbox.execute("SELECT FROM outbox.event WHERE key = 'k7' FOR UPDATE")
        beside = threading.Thread(target=retry)
        beside.start()
        beside.join(30)
    assert len(appended) == 49
