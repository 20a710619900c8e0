"""Edits of seven kinds, each with the documents that it must change and the time that it takes them to arrive.

What must change is asked of Postgres by a query of the edit's own, never of the outbox: so the demo would notice if an
edit were missed. A document has arrived when its content hash in Solr is no longer the one before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from outbox.solr.client import Solr
from outbox.sql import queries

Connection = psycopg.Connection[TupleRow]
PATIENCE_S = 60.0


SQL = queries("examples.demo", "edits.sql")


@dataclass(frozen=True, slots=True)
class Edit:
    """`query` names the edit in edits.sql; `{query}_changed` there lists the documents that must change."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One edit's outcome; times in milliseconds from the return of COMMIT. `events` counts rows of outbox.event."""

    name: str
    changed: int
    events: int
    sample: str
    in_solr_ms: float
    searchable_ms: float


EDITS = (
    Edit("a title", "title"),
    Edit("a category is renamed", "category"),
    Edit("a keyword is added", "keyword"),
    Edit("a region is removed", "region"),
    Edit("a layer is deleted", "deletion"),
    Edit("500 layers by one UPDATE", "bulk"),
    Edit("a save that alters nothing shown", "nothing"),
)


def run(connection: Connection, solr: Solr, collection: str, edit: Edit, drained: Callable[[], None]) -> Measured:
    """Make the edit and wait until every document that must change has changed in Solr, and is found by a search.

    `connection` is in autocommit; `drained` waits until nothing waits in the outbox. Raises TimeoutError.
    """
    keys = [row[0] for row in connection.execute(SQL[f"{edit.query}_changed"])]
    before = _hashes(solr.get(collection, keys, fields="*")) if keys else {}
    since = _scalar(connection, "now")
    connection.execute(SQL[edit.query])
    committed = time.perf_counter()
    in_solr = _until_changed(lambda: solr.get(collection, keys, fields="*"), before, committed, edit.name)
    searchable = _until_changed(lambda: _search(solr, collection, keys), before, committed, edit.name)
    drained()
    events = int(_scalar(connection, "events_since", since=since))
    sample = _sample(solr.get(collection, keys[:1], fields="*")) if keys else "nothing to index, and no event"
    return Measured(edit.name, len(keys), events, sample, in_solr, searchable)


def _scalar(connection: Connection, query: str, **parameters: object) -> Any:
    row = connection.execute(SQL[query], parameters).fetchone()
    return row[0] if row else None


def _hashes(documents: dict[str, dict[str, Any]]) -> dict[str, object]:
    """What tells one state of a document from another: its hash, or that it is deleted."""
    return {key: "deleted" if each.get("deleted") else each.get("src_hash") for key, each in documents.items()}


def _until_changed(
    look: Callable[[], dict[str, dict[str, Any]]], before: dict[str, object], committed: float, what: str
) -> float:
    """Milliseconds until every document is otherwise than before; one that is gone from a search counts as changed."""
    if not before:
        return 0.0
    while True:
        now = _hashes(look())
        if all(now.get(key) != old for key, old in before.items()):
            return (time.perf_counter() - committed) * 1000
        if time.perf_counter() - committed > PATIENCE_S:
            raise TimeoutError(f"{what}: not all of {len(before)} documents had changed after {PATIENCE_S:.0f} s")


def _search(solr: Solr, collection: str, keys: list[str]) -> dict[str, dict[str, Any]]:
    answer = solr.select(
        collection, {"q": "{!terms f=id v=$ids}", "ids": ",".join(keys), "fl": "id,deleted,src_hash", "rows": len(keys)}
    )
    return {document["id"]: document for document in answer["response"]["docs"]}


def _sample(documents: dict[str, dict[str, Any]]) -> str:
    for key, document in documents.items():
        if document.get("deleted"):
            return f"{key[:8]}… is a tombstone, hidden from searches"
        return f"{key[:8]}… {document.get('title', '')}"
    return ""
