"""The statements over the document view itself: the worker's read, and the enumeration of all keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from outbox.capture.compose import doubled, identifier
from outbox.capture.graph import Name
from outbox.index import Field
from outbox.sql import queries

_SQL = queries("outbox.capture", "read.sql")


def read(view: Name, key_type: str, fields: Sequence[Field]) -> str:
    """The worker's statement. The document is the applied columns only: one added later changes nothing."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(doubled(field.expression), identifier(field.name)) for field in fields
    )
    statement = sql.SQL(_SQL["read"]).format(columns=columns, view=identifier(*view), key_type=doubled(key_type))
    return statement.as_string(None)


def enumerate_keys(view: Name, key_type: str) -> str:
    """The view's keys in key order, chunk by chunk."""
    return sql.SQL(_SQL["enumerate"]).format(view=identifier(*view), key_type=doubled(key_type)).as_string(None)
