"""One document's whole story: view and Solr side by side, events and claims, and why the two differ if they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from outbox import replay
from outbox.connection import Connection
from outbox.errors import NotApplied
from outbox.index import Definition
from outbox.solr.client import Solr
from outbox.sql import queries
from outbox.store import indexes
from outbox.verify.sides import View
from outbox.verify.values import differing

_SQL = queries("outbox", "explain.sql")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one document.

    `view`, `solr`: its rows and its document, tombstones too. `same`: whether Solr has what the view has. `differing`:
    the fields whose values can be compared and differ. `events` and `claims`: the newest first. `why`: one sentence
    each, the nearest cause first.
    """

    key: str
    view: list[Row]
    solr: Row | None
    deleted: bool
    version: int | None
    hashes: tuple[str | None, str | None]
    same: bool
    differing: list[str]
    events: list[Row]
    claims: list[Row]
    why: list[str]

    def as_json(self) -> Row:
        """As `--json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else may hold a document up. `leader`: of the relays, None if none leads."""

    collection: str
    failing_since: Any
    reason: str | None
    leader: str | None
    fanouts: int


def explain(connection: Connection, solr: Solr, index: str, key: str) -> Story:
    """Tell it. NotApplied if the index is not applied, UsageError if the key is none of its key type."""
    ((key,),) = replay.listed(connection, index, [key])
    applied, definition = indexes.demand(connection, index)
    if applied.target is None or applied.collection is None:
        raise NotApplied(f"the index {index} has no collection: run `outbox apply`")
    parameters = {"index": applied.id, "target": applied.target, "key": key}
    rows = View(connection, definition).some([key]).get(key, [])
    events = _rows(connection, "events", parameters)
    document = solr.get(applied.collection, [key]).get(key)
    own = definition.target.own_fields
    version = document.get(own.version) if document and own.version else None
    numbers = [number for number in (version, *(event["claim"] for event in events)) if number is not None]
    claims = _rows(connection, "claims", {**parameters, "numbers": numbers})
    deleted = bool(document and own.deleted and document.get(own.deleted))
    found = None if deleted else document
    hashes = (rows[0].hash if rows else None, found.get(own.hash) if found and own.hash else None)
    values = [row.values or {} for row in rows]
    fields = _differing(definition, values, found)
    same = (
        len(rows) <= 1 and bool(rows) == (found is not None) and not fields and (not own.hash or len(set(hashes)) == 1)
    )
    around = _circumstances(connection, applied.collection, parameters)
    why = reasons(index, key, same=same, rows=len(rows), events=events, claims=claims, around=around)
    return Story(key, values, document, deleted, version, hashes, same, fields, events, claims, why)


def reasons(
    index: str,
    key: str,
    *,
    same: bool,
    rows: int,
    events: Sequence[Row],
    claims: Sequence[Row],
    around: Circumstances,
) -> list[str]:
    """Why it is, or is not, in Solr as the view has it: the nearest cause first. Pure."""
    said = (
        [f"the view returns {rows} rows for this key, and no document can be both: mend the view"] if rows > 1 else []
    )
    if same:
        said.append("Solr has what the view has" if rows else "neither the view nor Solr has it")
    said += _of_the_key(events, claims)
    if not same and around.failing_since is not None:
        said.append(
            f"writing to {around.collection} is suspended since {around.failing_since:%H:%M:%S}: {around.reason}"
        )
    if around.fanouts:
        said.append(f"{around.fanouts} fan-outs, any of which may mean it, wait to be expanded")
    if len(said) > same and around.leader is None:
        said.append("no relay leads: start `relay`")
    if not said:
        cure = f"`outbox replay {index} --key {key}` indexes it again, `outbox check` looks at the triggers"
        said.append(f"nothing of it waits: a change was not captured, or Solr was written to by somebody else; {cure}")
    return said


def _of_the_key(events: Sequence[Row], claims: Sequence[Row]) -> list[str]:
    said = []
    for event in events:
        if event["dead_at"] is not None and event["done_at"] is None:
            said.append(
                f"event {event['id']} is dead: {event['last_error']}; mend it, then `outbox dead retry {event['id']}`"
            )
        elif event["done_at"] is None and event["suspect"]:
            said.append(
                f"event {event['id']} is a suspect: {event['suspect']} claims of it were lost, and it is tried apart, "
                "on the queue outbox.bulk"
            )
        elif event["done_at"] is None:
            said.append(f"event {event['id']} waits in the lane {event['lane']} since {event['created_at']:%H:%M:%S}")
    for claim in claims:
        if claim["ended_at"] is None:
            where = f"is at work at {claim['worker']}" if claim["begun_at"] else "waits for a worker in the broker"
            said.append(f"claim {claim['number']} {where}")
    return said


def _differing(definition: Definition, rows: Sequence[Row], document: Row | None) -> list[str]:
    return differing(definition.fields, rows[0], document) if rows and document is not None else []


def _circumstances(connection: Connection, collection: str, parameters: Row) -> Circumstances:
    (breaker,) = _rows(connection, "breaker", parameters)
    (fanouts,) = _rows(connection, "fanouts", parameters)
    leader = indexes.relay(connection)["leader"]
    return Circumstances(collection, breaker["failing_since"], breaker["reason"], leader, fanouts["count"])


def _rows(connection: Connection, name: str, parameters: Row) -> list[Row]:
    cursor = connection.execute(_SQL[name], parameters)
    columns = [column.name for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor]
