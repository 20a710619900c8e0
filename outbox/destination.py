"""Where the documents of an index go: which collection, whose it is, what its schema lacks; and how it is made.

In a collection of ours what lacks is added. The schema of somebody else's is left as it is: `adopt = true` allows its
documents to be changed, and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from outbox import resources
from outbox.connection import Connection
from outbox.errors import CollectionRefused
from outbox.index import Field
from outbox.settings import IndexSettings
from outbox.solr import collections
from outbox.solr.client import Solr
from outbox.solr.collections import Collections
from outbox.solr.schema import Changes, SolrField, bare, compare, own_fields, suit
from outbox.store import indexes
from outbox.store.indexes import Applied

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Destination:
    """The physical collection that serves, or will. `foreign`: it is there, and not ours."""

    collection: str
    exists: bool
    foreign: bool
    lacking: Changes

    @property
    def complete(self) -> bool:
        """Whether it is there with all its fields."""
        return self.exists and not (self.lacking.fields or self.lacking.copies)


def find(
    connection: Connection,
    solr: Solr,
    name: str,
    settings: IndexSettings,
    applied: Applied | None,
    fields: Sequence[Field],
) -> Destination:
    """Look for it; changes nothing. CollectionRefused where none can be named."""
    collection, exists = _located(collections.look(solr), settings, applied)
    foreign = exists and is_foreign(solr, collection, indexes.owner(connection, name))
    schema = solr.call("GET", f"/{collection}/schema", {})["schema"] if exists else {}
    lacking = suit(schema, needed(settings, fields)) if foreign else compare(schema, fields)
    return Destination(collection, exists, foreign, lacking)


def is_foreign(solr: Solr, collection: str, owner: str) -> bool:
    """Whether a collection is neither stamped as ours nor an empty one from our configset, which we may stamp."""
    return collections.read_stamp(solr, collection) != owner and not collections.is_blank(solr, collection)


def needed(settings: IndexSettings, fields: Sequence[Field]) -> list[SolrField]:
    """What has to be in a collection that is not ours."""
    own = settings.own_fields
    deleted = own.deleted if settings.deletes == "tombstone" else ""
    return [*bare(fields), *own_fields(own.version, deleted, own.hash)]


def _located(found: Collections, settings: IndexSettings, applied: Applied | None) -> tuple[str, bool]:
    if applied and applied.collection:
        return applied.collection, applied.collection in found.names
    behind = found.behind(settings.collection)
    if len(behind) > 1:
        raise CollectionRefused(
            f"the alias {settings.collection} stands for {len(behind)} collections: name one of them"
        )
    if behind:
        return behind[0], True
    if not found.cloud:
        raise CollectionRefused(
            f"this Solr is standalone and has no core {settings.collection}: make one from the configset in "
            f"{resources.configset()} on Solr's host (bin/solr create), then run `outbox apply` again"
        )
    number = 1
    while f"{settings.collection}_{number}" in found.names:
        number += 1
    return f"{settings.collection}_{number}", False


def make(
    connection: Connection,
    solr: Solr,
    name: str,
    settings: IndexSettings,
    destination: Destination,
    fields: Sequence[Field],
    say: Say,
) -> None:
    """Make it, or make sure that it may be written to; add what lacks, if it is ours."""
    owner, collection = indexes.owner(connection, name), destination.collection
    if destination.foreign:
        _admit(solr, collection, owner, settings, destination.lacking)
        return
    if not destination.exists:
        collections.create(solr, collection, resources.configset())
        say(f"{name}: the collection {collection} is made")
    collections.await_made(solr, collection)
    if collections.read_stamp(solr, collection) is None:  # new, or an operator made the core, or we died before it
        collections.write_stamp(solr, collection, owner)
    collections.demand_stamp(solr, collection, owner)
    if (found := collections.look(solr)).cloud and not found.behind(settings.collection):
        collections.point(solr, settings.collection, collection)
        say(f"{name}: the alias {settings.collection} points to {collection}")
    add_fields(solr, collection, fields, say)


def _admit(solr: Solr, collection: str, owner: str, settings: IndexSettings, lacking: Changes) -> None:
    """Raise CollectionRefused unless somebody else's collection is adopted, and has all fields as they have to be."""
    if not settings.adopt:
        collections.demand_stamp(solr, collection, owner)
    if lacking.mismatches:
        raise CollectionRefused(
            f"the collection {collection}, whose schema is left as it is, has fields of another kind: "
            f"{_each(lacking)}. Cast the column, or give the field's type in [index.NAME.fields]"
        )
    if lacking.fields:
        raise CollectionRefused(
            f"the collection {collection}, whose schema is left as it is, lacks fields: leave the columns out, name "
            f"other [index.NAME.own_fields], or have its owner make this call:\n{call(solr, collection, lacking)}"
        )


def call(solr: Solr, collection: str, lacking: Changes) -> str:
    """The call of the Schema API that adds what lacks."""
    return f"POST {solr.url}/{collection}/schema {orjson.dumps(lacking.commands()).decode()}"


def add_fields(solr: Solr, collection: str, fields: Sequence[Field], say: Say) -> None:
    """Add those that the collection lacks. CollectionRefused where it has one of another kind."""
    schema = solr.call("GET", f"/{collection}/schema", {})["schema"]
    changes = compare(schema, fields)
    if changes.mismatches:
        raise CollectionRefused(
            f"the collection {collection} has fields of another kind: {_each(changes)}. "
            "Build a new one with `outbox reindex`, or give the type in [index.NAME.fields]"
        )
    if commands := changes.commands():
        solr.admin(f"/{collection}/schema", {}, body=orjson.dumps(commands))
        say(f"{len(changes.fields)} fields are added to {collection}")


def _each(changes: Changes) -> str:
    return "; ".join(f"{one.name} is {one.found}, the view needs {one.wanted}" for one in changes.mismatches)
