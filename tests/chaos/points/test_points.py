"""Each step of relay and worker, walked one by one: a process is killed there, or frozen past its lease and thawed,
while an application goes on editing.

What would last is hurried in the database, and nothing else: the two seconds after which a standby takes over, the
minute of a work lease, and the minute after which the server drops a silent client's transaction. The two seconds of a
relay's transaction are not hurried; `test_take_over.py` measures them.
"""

from __future__ import annotations

import os
import signal

import pytest
from _pytest.mark import ParameterSet

from tests.chaos.points import fleet, provoke
from tests.chaos.points.shop import Shop, Word
from tests.chaos.points.steps import POINTS, Action, Point, Role
from tests.pipeline import until


def walk(point: Point, action: Action) -> ParameterSet:
    """What plain edits lead to is walked in each run; what takes more to come to, in the long one."""
    long = action is Action.KILL_ALL or point.provoked != "edits"
    return pytest.param(point, action, id=f"{point.name}-{action}", marks=[pytest.mark.long] if long else [])


@pytest.mark.parametrize(("point", "action"), [walk(point, action) for point in POINTS for action in point.actions])
def test_nothing_is_lost_and_nothing_goes_back(calm: Shop, point: Point, action: Action) -> None:
    calm.arm(point.role, point.step, point.moment, action)
    with calm.writing():
        with provoke.WAYS[point.provoked](calm):
            word = calm.taken()
            hurry(calm, point, word)
        calm.probe()
        if action is Action.FREEZE:
            calm.overtaken(word)
            thaw(calm, point, word)
    calm.judge()


def hurry(shop: Shop, point: Point, word: Word) -> None:
    """What would follow after a while, follows now."""
    if point.role is Role.RELAY:
        shop.run("leads_no_more", pid=word.pid)
    if fleet.frozen(word.pid) and (point.role is Role.WORKER or ".events" in point.step):
        shop.run("cut", backend=word.backend)
    if fleet.frozen(word.pid) and point.role is Role.WORKER:
        shop.run("lease_over", number=word.claim)
        until(lambda: shop.run("ended", number=word.claim)[0][0], "its claim is revoked", 20)


def thaw(shop: Shop, point: Point, word: Word) -> None:
    """The frozen one goes on, and finds that the others did its work."""
    assert fleet.frozen(word.pid)
    shop.look()
    traced = shop.traced()
    os.kill(word.pid, signal.SIGCONT)
    until(lambda: shop.settled(word, point.role, traced), "the thawed one is through")
    shop.look()
    shop.probe()
