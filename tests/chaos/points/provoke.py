"""What makes a process come to a step that plain edits do not lead to. Each undoes, at its end, what it has done."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import orjson

from services.rabbitmq import VHOST
from tests.chaos.points.fleet import RELAYS
from tests.chaos.points.shop import PATIENCE_S, SQL, Shop
from tests.chaos.points.steps import BEGIN, Action, Moment, Role
from tests.pipeline import until

PLANTED = 569
"""The key of a document that no edit touches."""


@contextmanager
def edits(_: Shop) -> Iterator[None]:
    """The writer's are enough."""
    yield


@contextmanager
def _statement(shop: Shop, query: str) -> Iterator[None]:
    shop.run(query)
    yield


def lost_claim(shop: Shop) -> AbstractContextManager[None]:
    """A worker vanished, and its lease is over."""
    return _statement(shop, "lost_claim")


def suspect(shop: Shop) -> AbstractContextManager[None]:
    """A suspect waits."""
    return _statement(shop, "suspect")


def dead_suspect(shop: Shop) -> AbstractContextManager[None]:
    """A new event of a key that is dead as a suspect."""
    return _statement(shop, "dead_suspect")


def recheck(shop: Shop) -> AbstractContextManager[None]:
    """It is time to look for late workers of another start."""
    return _statement(shop, "recheck")


@contextmanager
def recovering(shop: Shop) -> Iterator[None]:
    """Solr came back a moment ago."""
    shop.drained()
    shop.run("recovering")
    yield


@contextmanager
def bulk_held(shop: Shop) -> Iterator[None]:
    """The keys that are edited stand in a bulk claim that nobody begins."""
    shop.fleet.signal(signal.SIGSTOP, "bulk")
    shop.run("replay_bulk")
    yield
    shop.fleet.signal(signal.SIGCONT, "bulk")


@contextmanager
def refused(shop: Shop) -> Iterator[None]:
    """RabbitMQ takes no message for the live queue."""
    policy = ("reject", "^outbox[.]live$", '{"max-length": 0, "overflow": "reject-publish"}')
    shop.stack.rabbitmqctl("set_policy", "-p", VHOST, *policy, "--apply-to", "queues", "--priority", "1")
    yield
    shop.stack.rabbitmqctl("clear_policy", "-p", VHOST, policy[0])


@contextmanager
def leader_killed(shop: Shop) -> Iterator[None]:
    """The relay that leads dies, and another takes over."""
    _end_leader(shop, signal.SIGKILL)
    yield


@contextmanager
def leader_stopped(shop: Shop) -> Iterator[None]:
    """The relay that leads is told to stop."""
    os.kill(shop.leader(), signal.SIGTERM)
    yield


@contextmanager
def trigger_off(shop: Shop) -> Iterator[None]:
    """Somebody disables a trigger of ours, and the next leader looks."""
    shop.connection.execute("ALTER TABLE shop.house DISABLE TRIGGER USER")
    _end_leader(shop, signal.SIGKILL)
    yield
    shop.connection.execute("ALTER TABLE shop.house ENABLE TRIGGER USER")


@contextmanager
def emptied(shop: Shop) -> Iterator[None]:
    """Somebody empties Solr, and the next leader looks; if it does not live to mend it, the one after does."""
    shop.drained()
    ((moment,),) = shop.connection.execute("SELECT clock_timestamp()").fetchall()
    ours = orjson.dumps({"delete": {"query": "src_version:[1 TO *]"}})
    shop.solr.call("POST", f"/{shop.collection}/update", {"commit": True, "wt": "json"}, body=ours)
    _end_leader(shop, signal.SIGKILL)
    yield
    until(lambda: shop.run("mended", moment=moment)[0][0], "it is known that Solr was emptied", PATIENCE_S)


@contextmanager
def old(shop: Shop) -> Iterator[None]:
    """What is done is old, and a relay that never led before leads."""
    shop.connection.execute(SQL["age"])
    shop.fleet.signal(signal.SIGKILL, *RELAYS)
    yield


@contextmanager
def restarted(shop: Shop) -> Iterator[None]:
    """After a start of the server, Solr holds a document of a lost time-line."""
    ((newest,),) = shop.run("newest")
    document = {"id": str(PLANTED), "src_version": newest + 5000, "edit": 1, "deleted": False}
    shop.solr.call("POST", f"/{shop.collection}/update", {"softCommit": True}, body=orjson.dumps([document]))
    shop.run("restarted")
    yield


@contextmanager
def astray(shop: Shop) -> Iterator[None]:
    """The collection is missing: Solr answers 404, which speaks of Solr and of no document."""
    shop.run("move", collection="nowhere")
    yield
    shop.run("move", collection=shop.collection)


@contextmanager
def restarted_astray(shop: Shop) -> Iterator[None]:
    """After a start of the server, Solr cannot be compared with the ledger."""
    with astray(shop):
        shop.run("restarted")
        yield


@contextmanager
def replay_astray(shop: Shop) -> Iterator[None]:
    """A replay of all, whose enumeration comes to a Solr that is not there."""
    with astray(shop):
        shop.run("replay")
        yield
    shop.run("soon")


@contextmanager
def shelf(shop: Shop) -> Iterator[None]:
    """A fan-out of a few documents."""
    shop.connection.execute("UPDATE shop.shelf SET name = name || '.' WHERE id = 1")
    yield


@contextmanager
def large_shelf(shop: Shop) -> Iterator[None]:
    """A fan-out of more documents than the live lane takes."""
    shop.connection.execute("UPDATE shop.shelf SET name = name || '.' WHERE id = 4")
    yield


@contextmanager
def house(shop: Shop) -> Iterator[None]:
    """Two changes, each of which means all documents."""
    shop.connection.execute("UPDATE shop.house SET motto = motto || '!'")
    shop.connection.execute("UPDATE shop.house SET motto = motto || '?'")
    yield


@contextmanager
def ungraded(shop: Shop) -> Iterator[None]:
    """The view cannot list all documents, for one row; what dies of it is discarded when the row is mended."""
    shop.connection.execute("UPDATE shop.item SET grade = 0 WHERE id = 55")
    shop.run("replay")
    yield
    reasons = until(lambda: shop.run("discard"), "the replay is dead")
    assert {reason for (reason,) in reasons} == {"division by zero"}
    shop.connection.execute("UPDATE shop.item SET grade = 1 WHERE id = 55")


@contextmanager
def breaks(shop: Shop) -> Iterator[None]:
    """A row at which Postgres reports an internal error."""
    shop.connection.execute("UPDATE shop.item SET code = 'breaks' WHERE id = 53")
    yield
    shop.connection.execute("UPDATE shop.item SET code = NULL WHERE id = 53")


@contextmanager
def child_died(shop: Shop) -> Iterator[None]:
    """A worker's process dies at a claim, which its parent then ends."""
    shop.arm(Role.WORKER, BEGIN, Moment.AFTER, Action.KILL, name="child")
    yield


@contextmanager
def redelivered(shop: Shop) -> Iterator[None]:
    """A whole worker dies at a claim, whose message goes to another."""
    shop.arm(Role.WORKER, BEGIN, Moment.AFTER, Action.KILL_ALL, name="child")
    yield


def _end_leader(shop: Shop, number: signal.Signals) -> None:
    pid = shop.leader()
    os.kill(pid, number)
    shop.run("leads_no_more", pid=pid)


WAYS: Mapping[str, Callable[[Shop], AbstractContextManager[None]]] = {
    way.__name__: way
    for way in (
        edits,
        lost_claim,
        suspect,
        dead_suspect,
        recheck,
        recovering,
        bulk_held,
        refused,
        leader_killed,
        leader_stopped,
        trigger_off,
        emptied,
        old,
        restarted,
        restarted_astray,
        replay_astray,
        astray,
        shelf,
        large_shelf,
        house,
        ungraded,
        breaks,
        child_died,
        redelivered,
    )
}
"""By name, as the table of points names them."""
