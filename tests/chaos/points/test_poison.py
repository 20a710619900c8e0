"""A document at which something dies, each time: alone and dead after a few attempts, while everything else goes on."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from outbox.store.suspects import GUILTY
from tests import oracle
from tests.chaos.points import fleet
from tests.chaos.points.shop import Shop, Word
from tests.chaos.points.steps import Role
from tests.pipeline import until

KEY = 53
OTHERS = "shop.others"
PLANT = "UPDATE shop.item SET code = %s WHERE id = %s"
HOLDS = "SELECT number, worker FROM outbox.claim WHERE begun_at IS NOT NULL AND ended_at IS NULL AND %s = ANY (keys)"
TRIED = """SELECT cardinality(keys) FROM outbox.claim
WHERE begun_at IS NOT NULL AND %s = ANY (keys) AND number > %s AND outcome <> 'done' ORDER BY number"""
DEAD = "SELECT last_error FROM outbox.event WHERE key = %s AND dead_at IS NOT NULL AND done_at IS NULL"
READER = """SELECT pid FROM pg_stat_activity
WHERE application_name = 'outbox worker' AND datname = current_database() AND wait_event = 'PgSleep'"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to die. `code`: what the row holds; `words`: of the reason in the end.

    `attack`: what happens each time to the worker's process, or to its claim. `limits`: Celery's time limits meanwhile.
    """

    name: str
    code: str
    words: str
    attack: Callable[[Shop, int, int], None]
    limits: str = ""

    @property
    def long(self) -> bool:
        """All but the quickest are tried in the long run: each takes half a minute and more."""
        return self.name != "internal error"


def child_of(shop: Shop, worker: str) -> int:
    """The one process of the worker of that name that runs its tasks."""
    return until(lambda: shop.fleet.pids(worker.split("@")[0])[1:], "the worker has a process")[0]


def segfault(_: Shop, child: int, __: int) -> None:
    """As a crash in a library does."""
    os.kill(child, signal.SIGSEGV)


def no_memory(room_mb: int, shop: Shop, child: int, number: int) -> None:
    """The process gets no more memory than so much, until its task is over.

    Where libpq loses its connection by that, the claim waits for its lease, which is hurried.
    """
    traced = shop.traced()
    pages = int(Path(f"/proc/{child}/statm").read_text("ascii").split()[0])
    bound = pages * resource.getpagesize() + room_mb * 1024 * 1024
    resource.prlimit(child, resource.RLIMIT_AS, (bound, resource.RLIM_INFINITY))
    until(lambda: shop.settled(Word(child, number, None), Role.WORKER, traced), "its task is over")
    if not fleet.ended(child):
        resource.prlimit(child, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    shop.run("lease_over", number=number)


def backend_ends(shop: Shop, _: int, number: int) -> None:
    """The backend that reads dies; nobody knows what of, so that the claim waits for its lease, which is hurried."""
    ((pid,),) = until(lambda: shop.connection.execute(READER).fetchall(), "a backend reads")
    shop.connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    until(lambda: not shop.connection.execute(READER).fetchall(), "it has ended")
    shop.run("lease_over", number=number)


def task_ends(shop: Shop, child: int, number: int) -> None:
    """Celery ends the task, and the claim waits for its lease, which is hurried."""
    traced = shop.traced()
    until(lambda: shop.settled(Word(child, number, None), Role.WORKER, traced), "its task is over")
    shop.run("lease_over", number=number)


def nothing(_: Shop, __: int, ___: int) -> None:
    """It dies by itself."""


KINDS = (
    Kind("segfault", "hangs", "SIGSEGV", segfault),
    Kind("memory of libpq's input", "huge", "the worker was lost at this document", partial(no_memory, 16)),
    Kind("memory of Python", "huge", "no memory", partial(no_memory, 200)),
    Kind("soft time limit", "hangs", "the worker was lost at this document", task_ends, "2 50"),
    Kind("time limit", "hangs", "TimeLimitExceeded", nothing, "0 2"),
    Kind("backend", "hangs", "the worker was lost at this document", backend_ends),
    Kind("internal error", "breaks", "it breaks", nothing),
)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, id=kind.name, marks=[pytest.mark.long] if kind.long else []) for kind in KINDS],
)
def test_a_document_at_which_something_dies_is_dead_alone(calm: Shop, kind: Kind) -> None:
    # A killed worker's backend goes on until its statement's time is over: it would be taken for one that reads now.
    until(lambda: not calm.connection.execute(READER).fetchall(), "no backend of a worker that is gone reads")
    ((newest,),) = calm.run("newest")
    met: dict[int, int] = {}
    with calm.writing(), limited(calm, kind.limits):
        calm.connection.execute(PLANT, [kind.code, KEY])
        until(lambda: attacked(calm, kind, met), "the document is dead", 120)
    until(lambda: calm.run("left") == [(0, 1, 0)], "all else is done")
    ((reason,),) = calm.connection.execute(DEAD, [str(KEY)]).fetchall()
    sizes = [size for (size,) in calm.connection.execute(TRIED, [str(KEY), newest]).fetchall()]
    print(f"{kind.name}: tried in claims of {sizes} documents, dead with {reason!r}")
    assert kind.words in reason
    assert GUILTY <= len(sizes) <= 2 * GUILTY  # one counts only if something else was done since the last
    assert sizes[-1] == 1
    assert only_the_poison(calm)
    calm.connection.execute(PLANT, [None, KEY])
    calm.judge()


def test_a_row_that_divides_by_zero_is_dead_at_once_and_alone(calm: Shop) -> None:
    ((newest,),) = calm.run("newest")
    with calm.connection.transaction():  # one claim of all of them
        calm.connection.execute("UPDATE shop.item SET divisor = 0 WHERE id = %s", [KEY])
        calm.connection.execute("UPDATE shop.item SET edit = edit + 1 WHERE id BETWEEN 50 AND 59")
    until(lambda: calm.run("left") == [(0, 1, 0)], "all else is done")
    assert calm.connection.execute(DEAD, [str(KEY)]).fetchall() == [("Postgres: division by zero",)]
    assert calm.connection.execute(TRIED, [str(KEY), newest]).fetchall() == []  # the claim was done
    assert only_the_poison(calm)
    calm.connection.execute("UPDATE shop.item SET divisor = 1 WHERE id = %s", [KEY])
    calm.judge()


def attacked(shop: Shop, kind: Kind, met: dict[int, int]) -> bool:
    """Attack each claim that holds the document, once; true when the document is dead."""
    shop.run("soon")
    for number, worker in shop.connection.execute(HOLDS, [str(KEY)]).fetchall():
        if number not in met:
            met[number] = child_of(shop, worker)
            kind.attack(shop, met[number], number)
    return bool(shop.connection.execute(DEAD, [str(KEY)]).fetchall())


@contextmanager
def limited(shop: Shop, limits: str) -> Iterator[None]:
    """The workers have these time limits meanwhile."""
    if not limits:
        yield
        return
    shop.fleet.restart_workers(limits)
    shop.ready()
    yield
    shop.fleet.restart_workers("")


def only_the_poison(shop: Shop) -> bool:
    """Whether Solr equals the view but for the document, of which it keeps what it had."""
    return oracle.differences(shop.connection, shop.solr, shop.collection, OTHERS) == [f"{KEY}: only in Solr"]
