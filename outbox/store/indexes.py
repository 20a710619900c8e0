"""The applied indexes, and what `status` shows. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from outbox import pooler
from outbox.connection import Connection
from outbox.errors import IndexRefused, NotApplied, SchemaOutOfDate
from outbox.index import Definition, from_json, unreadable
from outbox.sql import queries

_SQL = queries("outbox.store", "indexes.sql")
Baseline = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Applied:
    """One index as the database knows it.

    `definition` is None until it was wholly applied for the first time, and where another version of this program wrote
    it (`unreadable`); `highest_way`: the highest number of its ways, which waiting events may carry. `detached_at`:
    since when its triggers are off. `baseline`: see `outbox.watch`.
    """

    id: int
    definition: Definition | None
    unreadable: bool
    highest_way: int
    applied_at: datetime | None
    detached_at: datetime | None
    baseline: Baseline
    target: int | None
    collection: str | None


def demand_schema(connection: Connection, version: str) -> None:
    """Raise SchemaOutOfDate unless the schema `outbox` is there, in the version that this program was made for."""
    if not _one(connection, "schema_version"):
        raise SchemaOutOfDate("the schema outbox is missing in this database: run `outbox migrate`")
    found = _one(connection, "migrated_to")
    if found != version:
        raise SchemaOutOfDate(
            f"the schema outbox is of version {found}, this program needs {version}: "
            "run `outbox migrate`, or install the solr-outbox that fits"
        )


def identity(connection: Connection) -> str:
    """Which database this is."""
    return str(_one(connection, "identity"))


def owner(connection: Connection, name: str) -> str:
    """The stamp of the collections of one index of this database, those of its successor (`name~next`) too."""
    return f"{identity(connection)}/{name.partition('~')[0]}"


def register(connection: Connection, name: str) -> int:
    """The index's id, drawn if it is new."""
    return int(_one(connection, "register", name=name))


def find(connection: Connection, name: str) -> Applied | None:
    """The index of that name, if anybody ever began to apply it."""
    row = connection.execute(_SQL["find"], {"name": name}).fetchone()
    if row is None:
        return None
    index, raw, applied_at, detached_at, baseline, target, collection = row
    definition, unreadable = _read(raw)
    return Applied(
        id=index,
        definition=definition,
        unreadable=unreadable,
        highest_way=max((way["number"] for way in (raw or {}).get("ways", ())), default=0),
        applied_at=applied_at,
        detached_at=detached_at,
        baseline=baseline or {},
        target=target,
        collection=collection,
    )


def _read(raw: dict[str, Any] | None) -> tuple[Definition | None, bool]:
    """The definition, and whether there is one that cannot be read."""
    if raw is None:
        return None, False
    try:
        return from_json(raw), False
    except IndexRefused:
        return None, True


def demand(connection: Connection, name: str) -> tuple[Applied, Definition]:
    """The applied index of that name; NotApplied names those that there are, or says that it is detached.

    IndexRefused if another version of this program applied it.
    """
    applied = find(connection, name)
    if applied is not None and applied.detached_at is not None:
        raise NotApplied(f"the index {name!r} is detached: run `outbox apply`, which enqueues all documents")
    if applied is not None and applied.unreadable:
        raise unreadable(name)
    if applied is None or applied.definition is None:
        known = ", ".join(names(connection)) or "none"
        raise NotApplied(f"the index {name!r} is not applied in this database (applied: {known}): run `outbox apply`")
    return applied, applied.definition


def names(connection: Connection) -> list[str]:
    """The names of the applied indexes, without those that are detached."""
    return [row[0] for row in connection.execute(_SQL["names"])]


def save(connection: Connection, index: int, definition: Definition, baseline: Baseline | None = None) -> None:
    """The index counts as applied from this commit on, and is no longer detached."""
    parameters = {"index": index, "definition": Jsonb(definition.as_json()), "baseline": Jsonb(baseline or {})}
    connection.execute(_SQL["save"], parameters)


def registered(connection: Connection, name: str) -> tuple[int, datetime | None]:
    """The id of an index that anybody ever began to apply, and since when it is detached; NotApplied names those known.

    Its definition is not read: another version of this program may have written it.
    """
    row = connection.execute(_SQL["registered"], {"name": name}).fetchone()
    if row is None:
        known = ", ".join(row[0] for row in connection.execute(_SQL["all_names"])) or "none"
        raise NotApplied(f"the index {name!r} was never applied in this database (known: {known})")
    return row[0], row[1]


def alone(connection: Connection) -> None:
    """Wait, as long as it takes, until no other apply or detach runs in this database; holds until the session ends.

    Raises ConfigError behind a pooler, whose sessions are not ours.
    """
    pooler.refuse(connection)
    connection.execute("SET statement_timeout = 0")
    connection.execute(_SQL["alone"])
    connection.execute("RESET statement_timeout")


def detach(connection: Connection, index: int) -> None:
    """From this commit on nothing is claimed for the index, and capture is not trusted until it is applied again."""
    connection.execute(_SQL["detach"], {"index": index})


def detached(connection: Connection) -> list[str]:
    """The names of the detached indexes."""
    return [row[0] for row in connection.execute(_SQL["detached"])]


def noticed(connection: Connection, index: int) -> tuple[Baseline, list[str]]:
    """The baseline of an applied index, and the sentences of the last look at it."""
    row = connection.execute(_SQL["noticed"], {"index": index}).fetchone()
    return (row[0] or {}, row[1]) if row else ({}, [])


def notice(connection: Connection, index: int, notices: list[str], *, view_changed: bool, applied_at: datetime) -> None:
    """Keep what a look at the definition of `applied_at` saw; nothing if the index was applied anew meanwhile."""
    parameters = {"index": index, "notices": notices, "view_changed": view_changed, "applied_at": applied_at}
    connection.execute(_SQL["notice"], parameters)


def serve(connection: Connection, index: int, collection: str) -> None:
    """Make the collection the index's serving target."""
    connection.execute(_SQL["serve"], {"index": index, "collection": collection})


def status(connection: Connection) -> list[dict[str, Any]]:
    """One row for each index, as `outbox status --json` names its keys."""
    cursor = connection.execute(_SQL["status"])
    columns = [column.name for column in cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor]
    for row in rows:
        row["breaker"] = {
            "state": row.pop("breaker"),
            "reason": row.pop("reason"),
            "since": row.pop("failing_since"),
        }
    return rows


def relay(connection: Connection) -> dict[str, Any]:
    """Who leads (None: nobody), and whether the relay sleeps."""
    row = connection.execute(_SQL["relay"]).fetchone()
    return {"leader": row[0] if row else None, "asleep": bool(row and row[1])}


def _one(connection: Connection, query: str, **parameters: object) -> Any:
    row = connection.execute(_SQL[query], parameters).fetchone()
    return None if row is None else row[0]
