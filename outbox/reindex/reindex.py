"""`outbox reindex`: build, prove, switch; roll back; give up; drop the old one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from outbox.apply import solr_of
from outbox.capture.install import remove
from outbox.connection import Connection, connect
from outbox.errors import OutboxError
from outbox.migrate import head
from outbox.reindex import pair
from outbox.reindex.build import build
from outbox.reindex.pair import NEXT, OLD, Member
from outbox.reindex.switch import PATIENCE_S, moved, switch
from outbox.settings import Settings
from outbox.solr import collections
from outbox.solr.client import Solr
from outbox.store import claims, indexes
from outbox.verify import prove

Say = Callable[[str], None]
Watch = Callable[[int], None]
FILL_S = 7 * 24 * 3600.0


def reindex(
    settings: Settings, name: str, say: Say, watch: Watch, *, view: str | None = None, configset: Path | None = None
) -> None:
    """Build a new collection beside the one that serves, prove it, and put it in its place; or go on with that.

    `watch` is told how many events of it still wait. OutboxError when the new one is not equal to the view: the old
    one goes on serving, and the new one stays for another run, or for `abort`.
    """
    solr = solr_of(settings)
    with _alone(settings) as connection:
        serving = _demand(connection, name)
        if pair.member(connection, name + OLD) is not None:
            raise OutboxError(
                f"{name}: the collection before this one is still kept: `outbox reindex {name} --drop-old` first"
            )
        successor = build(connection, solr, settings, name, view, configset, say)
        _exchange(connection, solr, settings, name, serving, successor, say, watch)
    say(f"{name}: the old one is kept up to date as {name}{OLD}, until `outbox reindex {name} --drop-old`")


def rollback(settings: Settings, name: str, say: Say, watch: Watch) -> None:
    """Put the old one back in its place; the newer one is then kept as the old one."""
    solr = solr_of(settings)
    with _alone(settings) as connection:
        serving, successor = _demand(connection, name), _demand(connection, name + OLD)
        _exchange(connection, solr, settings, name, serving, successor, say, watch)


def abort(settings: Settings, name: str, say: Say) -> None:
    """Give up what is being built."""
    _drop(settings, name, NEXT, say)


def drop_old(settings: Settings, name: str, say: Say) -> None:
    """Drop what was kept for a rollback."""
    _drop(settings, name, OLD, say)


@contextmanager
def _alone(settings: Settings) -> Iterator[Connection]:
    with connect(settings.database_url, application="outbox reindex", autocommit=True) as connection:
        indexes.demand_schema(connection, head())
        indexes.alone(connection)
        yield connection


def _demand(connection: Connection, name: str) -> Member:
    found = pair.member(connection, name)
    if found is None:
        raise OutboxError(f"there is no {name}: see `outbox status`")
    return found


def _fill(connection: Connection, successor: Member, watch: Watch) -> None:
    """Wait until all that is enqueued now is done or dead."""
    up_to = pair.highest(connection)
    left = pair.waiting(connection, successor.index, up_to)

    def look() -> None:
        nonlocal left
        left = pair.waiting(connection, successor.index, up_to)
        watch(left)

    look()
    pair.until(lambda: left == 0, look, "the new collection is filled", FILL_S)


def _prove(
    connection: Connection, settings: Settings, solr: Solr, name: str, serving: Member, successor: Member, say: Say
) -> None:
    """Raise OutboxError unless it equals its view, but for documents that are dead in the serving one too."""
    unequal: list[str] = []

    def drifting(keys: list[str]) -> None:
        unequal.extend(set(keys) - pair.dead_in(connection, serving.index, keys))

    with connect(settings.database_url, application="outbox verify", autocommit=True) as reading:
        proof = prove(
            connection,
            reading,
            solr,
            definition=successor.definition,
            index=successor.index,
            target=successor.target,
            queue=0,
            collection=successor.collection,
            drifting=drifting,
        )
    if unequal:
        raise OutboxError(
            f"{name}: {len(unequal)} documents of {successor.collection} differ from {successor.definition.view}, "
            f"e.g. {', '.join(sorted(unequal)[:5])}: see `outbox dead list`; run this again, or --abort"
        )
    say(f"{name}: {proof.compared} documents compared, all equal, {proof.in_flight.count} on their way")


def _exchange(
    connection: Connection,
    solr: Solr,
    settings: Settings,
    name: str,
    serving: Member,
    successor: Member,
    say: Say,
    watch: Watch,
) -> None:
    """Fill and prove the successor, unless an earlier run has put it in its place already; then exchange the two."""
    alias = settings.named(name).collection
    if not moved(connection, solr, alias, successor):
        pair.remember_swap(connection, successor.index, None)  # one that did not come about: both go on until the next
        pair.go_on(connection, [serving.index, successor.index])
        _fill(connection, successor, watch)
        solr.commit(successor.collection, soft=False)
        _prove(connection, settings, solr, name, serving, successor, say)
    names = (name, name + OLD)
    switch(connection, solr, alias=alias, serving=serving, successor=successor, names=names, say=say)


def _drop(settings: Settings, name: str, which: str, say: Say) -> None:
    """Triggers first, then what the outbox knows, and the collection where it is one of ours in a SolrCloud."""
    solr = solr_of(settings)
    with _alone(settings) as connection:
        found = indexes.find(connection, name + which)
        if found is None:
            raise OutboxError(f"{name}: there is nothing to drop: no {name}{which}")
        found_in = collections.look(solr)
        served = found.collection in found_in.behind(settings.named(name).collection)
        if served or pair.swap_begun(connection, found.id) is not None:
            again = f"outbox reindex {name}{' --rollback' if which == OLD else ''}"
            raise OutboxError(f"{name}: {found.collection} is being put in its place: run `{again}`, which goes on")
        with connection.transaction():
            claims.lock_index(connection, found.id)
            indexes.detach(connection, found.id)
            claims.end_unbegun(connection, found.id, "the index is dropped")
        remove(settings.database_url, found.id, say)
        ids = [found.id]
        pair.until(lambda: not pair.in_flight(connection, ids), lambda: None, "the claims under way end", PATIENCE_S)
        if found_in.cloud and found.collection:
            if collections.drop(solr, found.collection, indexes.owner(connection, name)):
                say(f"{name}: the collection {found.collection} is dropped")
        elif found.collection:
            say(f"{name}: the core {found.collection} is written to no more: unload it on Solr's host")
        pair.forget(connection, found.id)
