"""The successor is made and filled: collection, fields, triggers, definition, and a replay of all documents.

Each step finds what an earlier run left of it, so that a command that was killed is run again and goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from outbox import resources, rights, watch
from outbox.capture.install import install
from outbox.capture.plan import analyse
from outbox.connection import Connection
from outbox.destination import add_fields, is_foreign
from outbox.errors import CollectionRefused, OutboxError, ViewRefused
from outbox.index import Definition
from outbox.problems import errors
from outbox.reindex.pair import NEXT, Member, member
from outbox.settings import IndexSettings, Settings
from outbox.solr import collections
from outbox.solr.client import Solr
from outbox.store import claims, events, indexes

Say = Callable[[str], None]


def build(
    connection: Connection,
    solr: Solr,
    settings: Settings,
    name: str,
    view: str | None,
    configset: Path | None,
    say: Say,
) -> Member:
    """Make `name~next` wholly, from that view (None: the settings') and configset (None: ours); all is enqueued."""
    section = settings.named(name)
    _demand_ours(connection, solr, name)
    if view is not None:
        section = type(section).model_validate({**section.model_dump(), "view": view})
    definition = _analysed(connection, section, name)
    known = indexes.find(connection, name + NEXT)
    if known is not None and known.definition is not None:
        if known.definition.fingerprint != definition.fingerprint or known.definition.view != definition.view:
            raise OutboxError(
                f"a reindex of {name} from {known.definition.view} as it was is under way: go on with that view, or "
                f"give it up by `outbox reindex {name} --abort`"
            )
        found = member(connection, name + NEXT)
        assert found is not None  # noqa: S101 - it was found a moment ago, and we are alone
        return found
    collection = known.collection if known and known.collection else _reserve(connection, solr, section, name)
    _make_collection(connection, solr, collection, name, configset, say)
    add_fields(solr, collection, definition.fields, say)
    for statement in rights.grant(connection, definition):
        say(f"{name}: {statement}")
    index = indexes.register(connection, name + NEXT)
    install(settings.database_url, index, definition, say)
    with connection.transaction():
        indexes.save(connection, index, definition, watch.baseline(connection, definition))
        events.replay_all(connection, index)
        claims.wake(connection)
    say(f"{name}: all documents are enqueued for {collection}")
    made = member(connection, name + NEXT)
    assert made is not None  # noqa: S101 - made by the transaction above
    return made


def _demand_ours(connection: Connection, solr: Solr, name: str) -> None:
    """Nobody but its owner knows how a collection that is adopted is made."""
    applied = indexes.find(connection, name)
    if applied and applied.collection and is_foreign(solr, applied.collection, indexes.owner(connection, name)):
        raise CollectionRefused(
            f"the collection {applied.collection} is adopted, and its owner's: {name} cannot be made anew elsewhere. "
            f"`outbox replay {name} --all` indexes all documents where they are"
        )


def _analysed(connection: Connection, section: IndexSettings, name: str) -> Definition:
    analysis = analyse(connection, section, name)
    stopping = errors(
        [*analysis.problems, *(rights.hidden(connection, analysis.definition) if analysis.definition else ())]
    )
    if stopping or analysis.definition is None:
        raise ViewRefused("\n".join([f"the index {name} cannot be made from {section.view}:", *map(str, stopping)]))
    return analysis.definition


def _reserve(connection: Connection, solr: Solr, section: IndexSettings, name: str) -> str:
    """A collection's name, kept before it is made. Never one that was used: Solr remembers a configset by its name."""
    found = collections.look(solr)
    if not found.cloud:
        core = f"{section.collection}_next"
        if core not in found.names:
            raise CollectionRefused(
                f"this Solr is standalone and has no core {core}: make one from the configset in "
                f"{resources.configset()} on Solr's host (bin/solr create), then run this again"
            )
        collection = core
    else:
        collection = collections.unused(solr, section.collection)
    with connection.transaction():
        indexes.serve(connection, indexes.register(connection, name + NEXT), collection)
    return collection


def _make_collection(
    connection: Connection, solr: Solr, collection: str, name: str, configset: Path | None, say: Say
) -> None:
    owner = indexes.owner(connection, name)
    if collection not in collections.look(solr).names:
        collections.create(solr, collection, configset or resources.configset())
        say(f"{name}: the collection {collection} is made")
    collections.await_made(solr, collection)
    if collections.read_stamp(solr, collection) is None:
        if not collections.is_blank(solr, collection):
            raise CollectionRefused(
                f"the core {collection} is not empty, or not made from our configset: empty it, or make it anew"
            )
        collections.write_stamp(solr, collection, owner)
    collections.demand_stamp(solr, collection, owner)
