"""The order of the steps by which the relay falls asleep. That no wake-up is lost is shown with a real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from outbox.connection import Connection
from outbox.store.claims import WORK
from relay import wakeup
from relay.wakeup import Wakeup

WRITER = ""


@dataclass
class Note:
    """A notification."""

    payload: str


@dataclass
class Scripted:
    """Writes down the steps; `older` are the answers to "which transaction is the oldest that runs"."""

    older: list[int] = field(default_factory=lambda: [8])
    notifications: list[str | None] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    bound: int = 7
    hears: bool = True
    leads: bool = True

    def execute(self, query: str, _: object = None) -> Any:
        """One statement, noted by the name that its first line carries."""
        name = query.split("\n", 1)[0].removeprefix("-- ")
        if name != "mark":
            self.steps.append(name)
        number = self.older.pop(0) if name == "oldest_running" else self.bound
        return type("Cursor", (), {"fetchone": lambda _: (number,)})()

    def notifies(self, *, timeout: float, stop_after: int) -> list[Note]:
        """What arrives within a wait: its own if it hears, nothing while it lingers and drains, then as scripted."""
        if self.steps[-1] == "notify_ourselves":
            self.steps.pop()
            return [Note("ours")] if self.hears else []
        self.steps.append("wait")
        said = self.notifications.pop(0) if self.notifications else None
        return [] if said is None else [Note(said)]

    def rest(
        self,
        *,
        scan: Callable[[], bool] | None = None,
        ahead: Callable[[], bool] = lambda: False,
        idle: Callable[[], bool] = lambda: True,
        due_s: Callable[[], float] = lambda: 3600,
    ) -> list[str]:
        """One rest; returns its steps without the waits of lingering."""

        def nothing() -> bool:
            self.steps.append("scan")
            return False

        resting = Wakeup(cast(Connection, self), scan or nothing, ahead, idle, 3600, due_s, lambda: self.leads)
        resting.rest()
        return self.steps


@pytest.fixture(autouse=True)
def no_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lingering is a matter of time, not of order."""
    monkeypatch.setattr(wakeup, "LINGER_S", 0.0)
    monkeypatch.setattr(wakeup, "HEAR_S", 0.01)


def test_it_sleeps_only_after_a_scan_that_every_older_writer_precedes() -> None:
    steps = Scripted(older=[5, 7, 8], notifications=[None, None, WRITER]).rest()
    drain = ["scan", "oldest_running", "wait", "scan", "oldest_running", "wait", "scan", "oldest_running"]
    assert steps == ["listen", "sleep", "bound", *drain, "scan", "wait", "scan", "awake"]


def test_a_writer_as_young_as_the_bound_is_waited_for() -> None:
    steps = Scripted(older=[7, 8], notifications=[None, WRITER]).rest()
    assert steps.count("oldest_running") == 2


def test_work_found_while_draining_keeps_it_awake() -> None:
    scripted = Scripted()
    assert "wait" not in scripted.rest(scan=lambda: True)
    assert scripted.steps == ["listen", "sleep", "bound", "awake"]


def test_a_notification_while_draining_keeps_it_awake() -> None:
    steps = Scripted(older=[1], notifications=[WRITER]).rest()
    assert steps == ["listen", "sleep", "bound", "scan", "oldest_running", "wait", "scan", "awake"]


def test_a_worker_s_notification_while_draining_is_looked_at_and_keeps_nothing_awake() -> None:
    steps = Scripted(older=[1, 8], notifications=[WORK, WRITER]).rest()
    drain = ["scan", "oldest_running", "wait", "scan", "oldest_running"]
    assert steps == ["listen", "sleep", "bound", *drain, "scan", "wait", "scan", "awake"]


def test_a_worker_s_notification_is_looked_at_in_its_sleep() -> None:
    steps = Scripted(notifications=[WORK, None, WORK, None, WRITER]).rest()
    looks = ["wait", "wait", "scan", "wait", "wait", "scan", "wait"]
    assert steps == ["listen", "sleep", "bound", "scan", "oldest_running", "scan", *looks, "scan", "awake"]


def test_the_end_of_a_claim_and_the_begin_of_the_next_are_looked_at_together() -> None:
    steps = Scripted(notifications=[WORK, WORK, WRITER]).rest()
    assert steps[-6:] == ["wait", "wait", "scan", "wait", "scan", "awake"]


def test_a_writer_is_not_gathered_with_workers() -> None:
    steps = Scripted(notifications=[WORK, WRITER]).rest()
    assert steps[-4:] == ["wait", "wait", "scan", "awake"]


@pytest.mark.parametrize(("claimed", "then"), [(True, ["wait", "awake"]), (False, ["scan", "awake"])])
def test_what_a_writer_wakes_it_for_is_claimed_without_a_look(claimed: bool, then: list[str]) -> None:
    scripted = Scripted(notifications=[WRITER])

    def ahead() -> bool:
        scripted.steps.append("ahead")
        return claimed

    steps = scripted.rest(ahead=ahead)
    assert steps[-4:] == ["wait", "ahead", *then]


def test_nothing_is_claimed_without_a_look_but_what_a_writer_wakes_it_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what the last scan saw may be older than the flag that it slept by."""
    never: Iterator[bool] = iter([])
    awake_while_draining = Scripted(older=[1], notifications=[WRITER])
    assert awake_while_draining.rest(ahead=lambda: next(never))[-2:] == ["scan", "awake"]
    found = iter([False, False, True, False])
    worker = Scripted(notifications=[WORK])
    assert worker.rest(scan=lambda: next(found), ahead=lambda: next(never))[-2:] == ["wait", "awake"]
    monkeypatch.setattr(wakeup, "RENEW_S", 0.0)
    assert Scripted(notifications=[WORK]).rest(ahead=lambda: next(never))[-1] == "awake"


def test_a_transaction_that_outlasts_the_sleep_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "RENEW_S", 0.0)
    steps = Scripted(older=[1], notifications=[WORK]).rest()
    assert steps == ["listen", "sleep", "bound", "scan", "oldest_running", "wait", "scan", "awake"]


def test_what_a_look_in_its_sleep_finds_wakes_it() -> None:
    found = iter([False, False, True, False])
    scripted = Scripted(notifications=[WORK, None, WRITER])

    def scan() -> bool:
        scripted.steps.append("scan")
        return next(found)

    steps = scripted.rest(scan=scan)
    assert steps[-5:] == ["wait", "wait", "scan", "scan", "awake"]
    assert scripted.notifications == [WRITER]


def test_what_ends_a_sleep_is_left_to_the_worker_for_a_moment() -> None:
    found = iter([False, False, True])
    scripted = Scripted(notifications=[WRITER])
    steps = scripted.rest(scan=lambda: next(found))
    assert steps[-3:] == ["wait", "wait", "awake"]


def test_it_says_awake_after_the_last_scan() -> None:
    assert Scripted(notifications=[WRITER]).rest()[-2:] == ["scan", "awake"]


def test_it_does_not_sleep_when_it_has_to_stop() -> None:
    steps = Scripted().rest(idle=lambda: False)
    assert "wait" not in steps
    assert steps[-1] == "awake"


def test_it_looks_when_something_is_due() -> None:
    due = iter([0.0, 3600.0, 3600.0])
    steps = Scripted(notifications=[WRITER]).rest(due_s=lambda: next(due))
    assert steps[-6:] == ["oldest_running", "scan", "scan", "wait", "scan", "awake"]


def test_one_that_does_not_hear_itself_never_says_asleep() -> None:
    asked = iter([True, True, False])
    assert set(Scripted(hears=False).rest(idle=lambda: next(asked), due_s=lambda: 0.001)) == {"listen", "wait"}


def test_one_that_leads_no_more_leaves_the_flag_alone() -> None:
    steps = Scripted(notifications=[WRITER], leads=False).rest()
    assert "sleep" in steps and "awake" not in steps


class Frozen(Scripted):
    """Frozen in its second wait, so that another leads when it goes on."""

    def notifies(self, *, timeout: float, stop_after: int) -> list[Note]:
        """As scripted."""
        found = super().notifies(timeout=timeout, stop_after=stop_after)
        self.leads = self.steps.count("wait") < 2
        return found


def test_one_that_leads_no_more_when_the_worker_is_done_leaves_the_flag_alone() -> None:
    found = iter([False, False, True])
    steps = Frozen(notifications=[WRITER]).rest(scan=lambda: next(found))
    assert steps[-2:] == ["wait", "wait"]
