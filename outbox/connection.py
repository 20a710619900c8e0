"""Connections to Postgres, with every setting pinned that changes documents or safety.

Two sessions with another `timezone` or `intervalstyle` would give one row two texts, and so two hashes; a session with
`default_transaction_isolation = serializable` could abort the user's own transactions; with `synchronous_commit = off`
a crash could hand out a number again under which something is in Solr. So nothing is left to the server's or the role's
defaults.

Where a pooler drops them, they have to be the settings of our role: see `outbox.pooler`.

No plan is kept, but for seconds: see `outbox.plans`.

And an index's page is taken to be in memory: most of what we read is read by key, and was just written. With the
server's default, 4, which is of disks that turn, a view's correlated sub-query reads all of a table of hundreds of rows
for each document (seen: 87 µs a document instead of 43).
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from outbox import pooler
from outbox.errors import ConfigError, PostgresUnavailable

Connection = psycopg.Connection[TupleRow]

# These change documents or safety.
_NEEDED = {
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "search_path": "pg_catalog, pg_temp",
}
_BEHIND_A_POOLER = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}
_PINNED = {
    **_NEEDED,
    **pooler.MARK,
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "seq_page_cost": "1",
    "random_page_cost": "1.1",
    # The server drops a peer that vanished, as we do: a transaction of its may hold locks.
    "tcp_user_timeout": "15000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# A peer that vanished is noticed within half a minute, an unreachable one within five seconds.
_TCP = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
# Of several hosts, or behind a name that moves: never a standby, which would take a LISTEN or an UPDATE for an error.
_PRIMARY = {"target_session_attrs": "read-write"}


def where(database_url: str) -> str:
    """Host, port and database of an address, for messages: never its password. ConfigError if it is no address."""
    try:
        parts = conninfo_to_dict(database_url)
    except psycopg.Error:
        # Without libpq's words: they show what it could not read, which may be a piece of the password.
        raise ConfigError("the database's address cannot be read: write postgresql://user@host/database") from None
    host = parts.get("host") or "local socket"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def connect(
    database_url: str,
    *,
    application: str,
    autocommit: bool = False,
    statement_timeout_s: int = 30,
    idle_in_transaction_s: int = 60,
) -> Connection:
    """Open a connection to the primary, with our settings pinned.

    `application` is shown in `pg_stat_activity`. A transaction that waits for us `idle_in_transaction_s` is rolled back
    by the server, with its locks: we were frozen, or cut off. Behind a pooler both time limits are those of our role.
    Raises PostgresUnavailable, naming host and database, or ConfigError if the address is none, or that of a pooler
    where our role lacks what is needed.
    """
    place = where(database_url)
    timeouts = {
        "statement_timeout": f"{statement_timeout_s}s",
        "idle_in_transaction_session_timeout": f"{idle_in_transaction_s}s",
    }
    try:
        conninfo = make_conninfo(database_url, application_name=application, **_TCP, **_PRIMARY)
        connection = _opened(conninfo, {**_PINNED, **timeouts})
        if pooler.between(connection):
            _pooled(connection, place)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise PostgresUnavailable(
            f"Postgres at {place} cannot be reached: {reason}; is it running, and is OUTBOX_DATABASE_URL right?"
        ) from error
    connection.autocommit = autocommit
    return connection


def _opened(conninfo: str, pinned: Mapping[str, str]) -> Connection:
    options = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in pinned.items())
    try:
        return psycopg.connect(conninfo, options=options, autocommit=True)
    except psycopg.OperationalError as error:
        if not pooler.refuses(error):
            raise
        return psycopg.connect(conninfo, autocommit=True)


def _pooled(connection: Connection, place: str) -> None:
    """Use a pooler's connection, if it serves; else it is closed."""
    try:
        pooler.demand(connection, place, {**_NEEDED, **_BEHIND_A_POOLER})
    except ConfigError:
        connection.close()
        raise
    connection.prepare_threshold = None  # the next transaction may run where nothing was prepared
