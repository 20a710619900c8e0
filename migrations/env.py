"""Alembic's entry: migrates the schema `outbox`, on the connection that the command hands over, or as SQL text."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from outbox.store.tables import InternalChar, metadata

SCHEMA = "outbox"
# A migration that cannot have its lock gives up rather than make every writer queue behind it.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
CREATE_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"


def _ours(name: str | None, kind: str, parents: object) -> bool:
    """Only our own schema is compared with the metadata: the user's tables are none of our business."""
    return name == SCHEMA if kind == "schema" else True


def _types_differ(*args: object) -> bool | None:
    """SQLAlchemy reflects the one-byte type "char" as a string: nothing to compare. None: compare as usual."""
    return False if isinstance(args[-1], InternalChar) else None


def _online(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_ours,
        compare_type=_types_differ,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        connection.execute(text(LOCK_TIMEOUT))
        connection.execute(text(CREATE_SCHEMA))
        context.run_migrations()


def _offline() -> None:
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        literal_binds=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.execute(LOCK_TIMEOUT)
        context.execute(CREATE_SCHEMA)
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    _online(context.config.attributes["connection"])
