"""The applied indexes, and what `status` shows. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from outbox.connection import Connection
from outbox.errors import NotApplied, SchemaOutOfDate
from outbox.index import Definition, from_json
from outbox.sql import queries

_SQL = queries("outbox.store", "indexes.sql")


@dataclass(frozen=True, slots=True)
class Applied:
    """One index as the database knows it; `definition` is None until it was wholly applied for the first time."""

    id: int
    definition: Definition | None
    applied_at: datetime | None
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
    """Whose documents these are, for the stamp of a collection."""
    return str(_one(connection, "identity"))


def register(connection: Connection, name: str) -> int:
    """The index's id, drawn if it is new."""
    return int(_one(connection, "register", name=name))


def find(connection: Connection, name: str) -> Applied | None:
    """The index of that name, if anybody ever began to apply it."""
    row = connection.execute(_SQL["find"], {"name": name}).fetchone()
    if row is None:
        return None
    return Applied(row[0], from_json(row[1]) if row[1] else None, *row[2:])


def demand(connection: Connection, name: str) -> tuple[Applied, Definition]:
    """The applied index of that name; NotApplied names those that there are."""
    applied = find(connection, name)
    if applied is None or applied.definition is None:
        known = ", ".join(names(connection)) or "none"
        raise NotApplied(f"the index {name!r} is not applied in this database (applied: {known}): run `outbox apply`")
    return applied, applied.definition


def names(connection: Connection) -> list[str]:
    """The names of the applied indexes."""
    return [row[0] for row in connection.execute(_SQL["names"])]


def save(connection: Connection, index: int, definition: Definition) -> None:
    """The index counts as applied from this commit on."""
    connection.execute(_SQL["save"], {"index": index, "definition": Jsonb(definition.as_json())})


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
