"""When a relay asks whether it still leads, and when it may take it for granted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from outbox.connection import Connection
from relay import leadership
from relay.leadership import RENEW_S, STILL_S, Leadership

TAKEN_OVER_S = 2.0  # as leadership.sql has it


class Row:
    """Stands for a connection: gives the leader's row, or nothing once another has it."""

    def __init__(self) -> None:
        self.ours = True
        self.asked = 0

    def execute(self, _: str, __: object) -> Any:
        """The one statement."""
        self.asked += 1
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
    assert STILL_S < TAKEN_OVER_S


def test_who_was_frozen_asks_and_learns_that_another_leads(clock: SimpleNamespace) -> None:
    row, leads = Row(), Leadership()
    connection = cast(Connection, row)
    assert leads.renew(connection)
    row.ours = False
    clock.now += STILL_S
    assert (leads.still(connection), row.asked) == (False, 2)
    clock.now += RENEW_S
    assert (leads.still(connection), row.asked) == (False, 3)
