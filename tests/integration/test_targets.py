"""The targets: what the relay surveys, and the breaker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from outbox.connection import Connection, connect
from outbox.store import claims, targets
from outbox.store.claims import Lane
from outbox.store.targets import Survey
from tests.integration.hand_made import DEFINITION, MINUTE, Place, add, begun, make_index, take


@pytest.fixture
def outbox(database_url: str) -> Iterator[Connection]:
    """Our own kind of connection, to one version of Postgres: nothing here depends on it."""
    with connect(database_url, application="test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def seen(connection: Connection) -> Survey:
    """The one target."""
    (survey,) = targets.survey(connection)
    return survey


def breaker(connection: Connection) -> tuple[Any, ...]:
    """Seconds until the next probe, the batch, the reason."""
    row = connection.execute(
        "SELECT extract(epoch FROM retry_at - clock_timestamp())::float8, batch, reason FROM outbox.target"
    ).fetchone()
    assert row is not None
    return row


def test_an_idle_target(outbox: Connection, place: Place) -> None:
    survey = seen(outbox)
    assert (survey.target, survey.index, survey.name, survey.collection) == (1, 1, "items", "items_1")
    assert (survey.serving, survey.queue, survey.paused, survey.failing, survey.resting) == (
        True,
        0,
        False,
        False,
        False,
    )
    assert (survey.live, survey.fanout, survey.replay, survey.unexpanded) == (False, False, False, False)
    assert (survey.due_s, survey.batch, survey.live_in_flight, survey.bulk_in_flight) == (None, None, 0, 0)
    assert (survey.bulk_unbegun, survey.over) == (0, 0)


@pytest.mark.parametrize("lane", Lane)
def test_what_waits(outbox: Connection, place: Place, lane: Lane) -> None:
    add(outbox, place, "a", lane=lane)
    survey = seen(outbox)
    assert [each for each in Lane if survey.waiting(each)] == [lane]
    assert survey.due_s is None


def test_what_is_due_later(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a", delay=MINUTE)
    survey = seen(outbox)
    assert not survey.live
    assert survey.due_s is not None and 50 < survey.due_s <= 60


def test_a_fan_out_waits_to_be_expanded(outbox: Connection, place: Place) -> None:
    outbox.execute("INSERT INTO outbox.event (index, op) VALUES (1, 'R')")
    survey = seen(outbox)
    assert (survey.unexpanded, survey.live) == (True, False)


def test_what_is_in_flight(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    begun(outbox, place)
    add(outbox, place, "b", lane=Lane.REPLAY)
    begun(outbox, place, lane=Lane.REPLAY)
    add(outbox, place, "c", lane=Lane.FANOUT)
    take(outbox, place, lane=Lane.FANOUT, dispatch=timedelta(0))
    survey = seen(outbox)
    assert (survey.live_in_flight, survey.bulk_in_flight, survey.bulk_unbegun, survey.over) == (1, 2, 1, 1)
    claims.revoke(outbox)
    assert (seen(outbox).bulk_in_flight, seen(outbox).over) == (1, 0)


def test_a_building_target_has_a_queue_of_its_own(outbox: Connection, place: Place) -> None:
    outbox.execute("INSERT INTO outbox.target (index, collection, state) VALUES (1, 'items_2', 'building')")
    add(outbox, place, "a", target=2)
    serving, building = targets.survey(outbox)
    assert (serving.live, building.live, building.queue) == (False, True, 2)
    outbox.execute("UPDATE outbox.target SET state = 'dropped' WHERE id = 2")
    assert [survey.target for survey in targets.survey(outbox)] == [1]


def test_an_index_that_is_not_applied_is_not_surveyed(outbox: Connection, place: Place) -> None:
    outbox.execute("UPDATE outbox.index SET definition = NULL")
    assert targets.survey(outbox) == []
    assert targets.definition(outbox, place.index) is None


def test_the_definition_comes_back_as_it_was_saved(outbox: Connection, place: Place) -> None:
    assert targets.definition(outbox, place.index) == DEFINITION


@pytest.mark.parametrize(
    ("failing_s", "at_least_s", "pause_s"),
    [(None, 0, 0.5), (0.1, 0, 0.5), (1, 0, 1), (2, 0, 2), (4, 0, 4), (6, 0, 5), (3600, 0, 5), (1, 30, 30)],
)
def test_the_breaker_pauses_as_long_again_as_the_outage_lasts(
    outbox: Connection, place: Place, failing_s: float | None, at_least_s: int, pause_s: float
) -> None:
    outbox.execute(
        "UPDATE outbox.target SET failing_since = clock_timestamp() - make_interval(secs => %s)", [failing_s]
    )
    targets.trip(outbox, place.target, "refused" * 1000, timedelta(seconds=at_least_s), number=0)
    left, batch, reason = breaker(outbox)
    assert pause_s - 0.4 < left <= pause_s + 0.2
    assert (batch, len(reason)) == (1, 2000)
    assert (seen(outbox).failing, seen(outbox).resting) == (True, True)


@pytest.mark.parametrize(("took_s", "pause_s"), [(1, 4), (4.8, 0.5), (30, 0.5)])
def test_the_pause_counts_from_the_begin_of_a_probe_that_was_held(
    outbox: Connection, place: Place, took_s: float, pause_s: float
) -> None:
    add(outbox, place, "a")
    probe = begun(outbox, place)
    outbox.execute("UPDATE outbox.target SET failing_since = clock_timestamp() - interval '1 hour'")
    outbox.execute("UPDATE outbox.claim SET begun_at = clock_timestamp() - make_interval(secs => %s)", [took_s])
    targets.trip(outbox, place.target, "404", number=probe.number)
    left, *_ = breaker(outbox)
    assert pause_s - 0.4 < left <= pause_s + 0.2


def test_when_the_pause_is_over_it_may_be_probed(outbox: Connection, place: Place) -> None:
    targets.trip(outbox, place.target, "refused", number=0)
    outbox.execute("UPDATE outbox.target SET retry_at = clock_timestamp()")
    assert (seen(outbox).failing, seen(outbox).resting) == (True, False)


def test_a_failure_that_is_older_than_a_success_opens_nothing(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    slow = begun(outbox, place)
    add(outbox, place, "b")
    assert claims.finish(outbox, begun(outbox, place), bad={}, back=[])
    targets.trip(outbox, place.target, "late", number=slow.number)
    assert not seen(outbox).failing
    targets.trip(outbox, place.target, "now", number=slow.number + 2)
    assert (seen(outbox).failing, seen(outbox).failed) == (True, slow.number + 2)


def test_what_is_due_next(outbox: Connection, place: Place) -> None:
    assert seen(outbox).due_s is None
    add(outbox, place, "now")
    assert seen(outbox).due_s is None
    add(outbox, place, "later", lane=Lane.REPLAY, delay=timedelta(hours=1))
    assert 3500 < (seen(outbox).due_s or 0) <= 3600
    targets.trip(outbox, place.target, "no", timedelta(minutes=1), number=1)
    assert 50 < (seen(outbox).due_s or 0) <= 60


def test_after_a_success_batches_grow_back_eightfold(outbox: Connection, place: Place) -> None:
    targets.trip(outbox, place.target, "refused", number=0)
    grown = []
    for documents in (1, 3, 8, 8, 64, 64):  # two of eight that end together do not count for one of 64
        targets.recover(outbox, place.target, documents)
        grown.append(seen(outbox).batch)
    assert grown == [8, 24, 64, 64, None, None]
    assert not seen(outbox).failing


def test_a_worker_is_told_that_its_target_recovers(outbox: Connection, place: Place) -> None:
    add(outbox, place, "a")
    well = begun(outbox, place)
    targets.trip(outbox, place.target, "no", number=0)
    add(outbox, place, "b")
    assert (well.failing, begun(outbox, place).failing) == (False, True)
