"""When a relay asks whether it still leads, and when it may take it for granted."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from outbox.connection import Connection
from outbox.sql import queries
from relay import leadership
from relay.leadership import RENEW_S, STILL_S, Leadership


class Row:
    """Stands for a connection: gives the leader's row, or nothing once another has it."""

    def __init__(self) -> None:
        self.ours = True
        self.asked = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def execute(self, _: str, __: object) -> Any:
        """The one statement."""
        self.asked += 1
        self.meanwhile()
        return SimpleNamespace(fetchone=lambda: (True,) if self.ours else None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, whose `now` is set by hand."""
    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(leadership, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


def test_who_led_a_moment_ago_still_leads_without_asking(clock: SimpleNamespace) -> None:
    row, leads = Row(), Leadership()
    connection = cast(Connection, row)
    assert leads.renew(connection)
    clock.now += STILL_S - 0.01
    assert (leads.still(connection), row.asked) == (True, 1)
    (taken_over_s,) = re.findall(
        r"clock_timestamp\(\) - interval '(\d) s'", queries("relay", "leadership.sql")["renew"]
    )
    assert float(taken_over_s) > STILL_S


def test_who_was_frozen_asks_and_learns_that_another_leads(clock: SimpleNamespace) -> None:
    row, leads = Row(), Leadership()
    connection = cast(Connection, row)
    assert leads.renew(connection)
    row.ours = False
    clock.now += STILL_S
    assert (leads.still(connection), row.asked) == (False, 2)
    clock.now += RENEW_S
    assert (leads.still(connection), row.asked) == (False, 3)


def test_who_was_frozen_in_the_trip_takes_nothing_for_granted(clock: SimpleNamespace) -> None:
    row, leads = Row(), Leadership()
    connection = cast(Connection, row)
    row.meanwhile = lambda: setattr(clock, "now", clock.now + 10)
    assert leads.renew(connection)
    row.ours = False
    assert (leads.still(connection), row.asked) == (False, 2)
