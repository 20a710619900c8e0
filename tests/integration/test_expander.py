"""What is expanded beside the claiming: at once when it comes, and now and then while it waits for the workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox.connection import Connection
from outbox.index import Definition
from outbox.store import events, targets
from outbox.store.targets import Survey
from relay import expand as expansion
from relay import expander
from relay.enumerate import Enumerator
from relay.expand import Backlog
from relay.expander import Expander
from tests.integration.desk import Desk, settings
from tests.integration.hand_made import insert_items
from tests.pipeline import until


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each look at the fan-outs of an index found something to do; one key may wait for the workers."""
    seen: list[bool] = []

    def watched(connection: Connection, definition: Definition, enumerator: Enumerator, backlog: Backlog) -> bool:
        seen.append(expansion.expand(connection, definition, enumerator, backlog))
        return seen[-1]

    monkeypatch.setattr("relay.expander.expand", watched)
    monkeypatch.setattr(expansion, "BACKLOG_MOST", 1)
    return seen


def survey(desk: Desk) -> Survey:
    """Of the one target."""
    (found,) = targets.survey(desk.connection)
    return found


@pytest.fixture
def running(desk: Desk, database_url: str) -> Iterator[Expander]:
    """One that runs, over an index with three documents."""
    insert_items(desk.connection, [1, 2, 3])
    found = Expander(settings(database_url, desk.solr.url))
    found.beside.start()
    yield found
    found.beside.stop(5.0)


def replay_begun(desk: Desk, running: Expander, looks: list[bool]) -> int:
    """A replay whose rest waits for the workers; its event."""
    event = events.replay_all(desk.connection, survey(desk).index)
    running.ask(survey(desk))
    until(lambda: looks[-1:] == [False], "the rest of the replay waits for the workers")
    return event


def test_what_waits_for_the_workers_is_not_looked_at_each_time(
    desk: Desk, running: Expander, looks: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expander, "PAUSE_S", 3600.0)
    first = replay_begun(desk, running, looks)
    known = len(looks)
    for _ in range(50):
        running.ask(survey(desk))
    second = events.replay_all(desk.connection, survey(desk).index)
    assert survey(desk).newest_fanout == second > first
    running.ask(survey(desk))
    until(lambda: len(looks) > known, "the second is looked at")
    assert looks[known:] == [False]  # and nothing was, in between


def test_it_is_looked_at_again_after_a_pause(desk: Desk, running: Expander, looks: list[bool]) -> None:
    replay_begun(desk, running, looks)
    known = len(looks)

    def again() -> bool:
        running.ask(survey(desk))
        return len(looks) > known

    until(again, "it is looked at again")
