"""Solr's side of an index: is the collection there and ours, has it the fields, does it order writes and hide deletes.

Nothing is written. A collection that `apply` will make has no problems; one that stands is looked at whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from outbox.apply import solr_of
from outbox.destination import is_foreign
from outbox.errors import ConfigError, IndexRefused, SolrUnavailable
from outbox.index import Definition
from outbox.problems import Code, Problem, Severity
from outbox.settings import IndexSettings, Settings
from outbox.solr import collections, config
from outbox.solr.client import Solr
from outbox.solr.collections import Collections
from outbox.solr.schema import Changes, bare, compare, own_fields, suit
from outbox.store.indexes import Applied

_APPLY = "Run `outbox apply`."
_ERRORS = (SolrUnavailable, IndexRefused, ConfigError)
_LOST_FENCE = (
    "a write that arrives late, from a worker that was taken for dead, may put an older document over a newer one"
)
_LOST_TOMBSTONES = "a write that arrives late may bring a deleted document back"


@dataclass(frozen=True, slots=True)
class Seen:
    """A Solr that answers, and what it has."""

    solr: Solr
    collections: Collections


def look(settings: Settings) -> tuple[Seen | None, list[Problem]]:
    """The Solr of the settings; None and why, where it cannot be asked."""
    try:
        solr = solr_of(settings)
        return Seen(solr, collections.look(solr)), []
    except _ERRORS as error:
        return None, [_unavailable("Solr", error)]


def problems(
    seen: Seen, owner: str, settings: IndexSettings, applied: Applied | None, definition: Definition | None
) -> list[Problem]:
    """What is wrong with the collection of an index. `owner`: what its stamp must say."""
    serving = applied.collection if applied else None
    behind = seen.collections.behind(settings.collection)
    name = serving or settings.collection
    if serving is None and len(behind) > 1:
        what = f"it is an alias of {len(behind)} collections, of which one has to be written to."
        return [_error(Code.COLLECTION_FOREIGN, name, what, "Name one of them as `collection` in the settings.")]
    name = serving or (behind[0] if behind else name)
    if name not in seen.collections.names:
        return _missing(name, cloud=seen.collections.cloud, is_serving=serving is not None)
    found = list(_alias(seen.collections, settings.collection, serving))
    try:
        return [
            *found,
            *_stamp(seen.solr, name, owner, settings),
            *_inside(seen.solr, name, owner, settings, applied, definition),
        ]
    except _ERRORS as error:
        return [*found, _unavailable(name, error)]


def _missing(name: str, *, cloud: bool, is_serving: bool) -> list[Problem]:
    if not cloud:
        what = "this Solr is standalone and has no such core."
        return [_error(Code.COLLECTION_MISSING, name, what, "Make it with `bin/solr create`, from our configset.")]
    if not is_serving:
        return []  # `apply` makes it
    what = "the collection that the index is written to is gone."
    return [
        _warning(Code.COLLECTION_MISSING, name, what, "Run `outbox apply`, which makes it and enqueues all documents.")
    ]


def _alias(found: Collections, alias: str, serving: str | None) -> Iterator[Problem]:
    if not found.cloud or serving is None:
        return
    behind = found.behind(alias)
    if not behind:
        what = f"no alias of this name stands for {serving}, so searches find nothing."
        yield _warning(Code.COLLECTION_MISSING, alias, what, _APPLY)
    elif serving not in behind:
        what = f"searches go to {', '.join(behind)}, while the index is written to {serving}."
        yield _warning(Code.COLLECTION_FOREIGN, alias, what, f"Point the alias {alias} to {serving}.")


def _stamp(solr: Solr, name: str, owner: str, settings: IndexSettings) -> Iterator[Problem]:
    if settings.adopt:
        return
    stamp = collections.read_stamp(solr, name)
    if stamp == owner or (stamp is None and collections.is_blank(solr, name)):
        return
    whose = "carries no stamp: somebody else made it" if stamp is None else f"belongs to {stamp}, not to {owner}"
    cure = "Give `collection` another name in the settings, or `adopt = true` if its documents may be changed."
    yield _error(Code.COLLECTION_FOREIGN, name, f"the collection {whose}.", cure)


def _inside(
    solr: Solr, name: str, owner: str, settings: IndexSettings, applied: Applied | None, definition: Definition | None
) -> Iterator[Problem]:
    schema = solr.call("GET", f"/{name}/schema", {})["schema"]
    configuration = solr.call("GET", f"/{name}/config", {})["config"]
    yield from _own_fields(name, schema, settings)
    if definition is not None:
        adopted = settings.adopt and is_foreign(solr, name, owner)
        changes = suit(schema, bare(definition.fields)) if adopted else compare(schema, definition.fields)
        yield from _kinds(name, changes)
        if adopted or (applied is not None and applied.definition is not None):
            yield from _lacking(name, changes, cure="Have its owner add it." if adopted else _APPLY)
    yield from _fence(name, configuration, settings)
    yield from _tombstones(name, configuration, settings)


def _own_fields(name: str, schema: dict[str, Any], settings: IndexSettings) -> Iterator[Problem]:
    own = settings.own_fields
    changes = suit(schema, own_fields(own.version, own.deleted if settings.deletes == "tombstone" else "", own.hash))
    for field in changes.fields:
        what = f"the field is missing, which [index.NAME.own_fields] names; it has to be of type {field.type}."
        yield _warning(Code.FIELD_MISSING, f"{name}.{field.name}", what, "Add it to the schema, or name another.")
    for one in changes.mismatches:
        what = f"this field of ours is {one.found}; it has to be {one.wanted}."
        yield _warning(Code.FIELD_KIND, f"{name}.{one.name}", what, "Name another in [index.NAME.own_fields].")


def _kinds(name: str, changes: Changes) -> Iterator[Problem]:
    for one in changes.mismatches:
        what = f"the field is {one.found}, the view needs {one.wanted}."
        cure = "Cast the column, give its type in [index.NAME.fields], or build a new collection."
        yield _error(Code.FIELD_KIND, f"{name}.{one.name}", what, cure)


def _lacking(name: str, changes: Changes, *, cure: str) -> Iterator[Problem]:
    lacking = {field.name for field in changes.fields}
    for field in changes.fields:
        what = f"the field is missing: it has to be of type {field.type}."
        yield _warning(Code.FIELD_MISSING, f"{name}.{field.name}", what, cure)
    for copy in changes.copies:
        if not {copy.source, copy.dest} & lacking:  # they come together
            what = f"it is not copied to {copy.dest}."
            yield _warning(Code.FIELD_MISSING, f"{name}.{copy.source}", what, cure)


def _fence(name: str, configuration: dict[str, Any], settings: IndexSettings) -> Iterator[Problem]:
    if not settings.fence or not settings.own_fields.version:
        what = f"without a version constraint (fence = false, or no own_fields.version) {_LOST_FENCE}."
        yield _warning(
            Code.NO_FENCE, name, what, "Give it an update chain with version constraints, as our configset has."
        )
    elif not config.fences(configuration):
        what = f"its update chain has no version constraint, so {_LOST_FENCE}."
        cure = (
            f"Add DocBasedVersionConstraintsProcessorFactory on {settings.own_fields.version}, with ignoreOldUpdates."
        )
        yield _warning(Code.NO_FENCE, name, what, cure)


def _tombstones(name: str, configuration: dict[str, Any], settings: IndexSettings) -> Iterator[Problem]:
    if settings.deletes == "plain":
        what = f'with deletes = "plain" {_LOST_TOMBSTONES}.'
        yield _warning(Code.NO_TOMBSTONES, name, what, 'Use deletes = "tombstone" with a filter that hides them.')
    elif not config.hides(configuration, settings.own_fields.deleted):
        hiding = f"-{settings.own_fields.deleted}:true"
        what = f"searches by /select show tombstones: no filter {hiding} is appended to them."
        yield _warning(Code.NO_TOMBSTONES, name, what, f'Append fq={hiding} to /select, or set deletes = "plain".')


def _unavailable(where: str, error: Exception) -> Problem:
    cure = "See that Solr runs, that OUTBOX_SOLR_URL is right, and that our login may read schema and configuration."
    return _error(Code.SOLR_UNAVAILABLE, where, f"{error}.", cure)


def _error(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.ERROR, where, what, cure)


def _warning(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.WARNING, where, what, cure)
