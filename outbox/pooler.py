"""A pooler between Postgres and us, such as PgBouncer: it refuses our start-up options, or drops them unseen.

In its transaction mode each transaction runs on another of its own connections. A SET would be gone with the next, and
would reach other sessions; so the settings that change documents or safety have to be those of our role, which every
connection of the pooler has from its start. Nothing is taken on trust: a mark among the options says whether they
arrived, and where they did not, the server's settings are compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from outbox.errors import ConfigError
from outbox.sql import queries

_SQL = queries("outbox", "pooler.sql")
MARK = {"outbox.session": "ours"}
"""To be put among the start-up options."""


def refuses(error: psycopg.Error) -> bool:
    """Whether this is a pooler that takes no start-up options at all, as PgBouncer does by default."""
    return "unsupported startup parameter" in str(error)


def between(connection: psycopg.Connection[TupleRow]) -> bool:
    """Whether there is a pooler that dropped our start-up options, on a connection in autocommit."""
    return connection.execute(_SQL["mark"]).fetchone() == (True,)


def refuse(connection: psycopg.Connection[TupleRow]) -> None:
    """Raise ConfigError behind a pooler: a lock that is held for a session would stay on a connection of others."""
    if between(connection):
        raise ConfigError(
            f"Postgres at {connection.info.host}:{connection.info.port} is behind a pooler, and this command holds a "
            "lock for its whole session: give it Postgres' own address in OUTBOX_DATABASE_URL"
        )


def demand(connection: psycopg.Connection[TupleRow], place: str, needed: Mapping[str, str]) -> None:
    """See that our role has these settings by itself. Raises ConfigError with the statements that give it them."""
    found = {"names": list(needed), "values": list(needed.values())}
    differing = connection.execute(_SQL["differing"], found).fetchall()
    if differing:
        (role, database) = connection.execute(_SQL["role"]).fetchone() or ("", "")
        statements = " ".join(_statement(role, database, name, value) for name, value in differing)
        raise ConfigError(
            f"Postgres at {place} is behind a pooler, which drops the settings that our sessions start with, and the "
            f"role {role} has others by itself: give relay and workers a role of their own, run {statements} "
            "and have the pooler connect anew (PgBouncer: RECONNECT)"
        )


def _statement(role: str, database: str, name: str, value: str) -> str:
    text = sql.SQL(_SQL["set"]).format(
        role=sql.Identifier(role),
        database=sql.Identifier(database),
        name=sql.Identifier(name),
        value=sql.SQL(", ").join(map(sql.Literal, value.split(", "))),  # one literal would be one schema's name
    )
    return text.as_string(None).splitlines()[-1]  # without the query's name
