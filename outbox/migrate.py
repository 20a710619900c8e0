"""The schema `outbox`: to the newest version, or as SQL text; and the grants of a relay's and worker's role."""

from __future__ import annotations

from functools import cache
from typing import TextIO

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from outbox import resources
from outbox.connection import connect
from outbox.sql import queries

_SQL = queries("outbox.store", "grants.sql")


def _config(output: TextIO | None = None) -> Config:
    config = Config() if output is None else Config(output_buffer=output)
    config.set_main_option("script_location", str(resources.migrations()).replace("%", "%%"))
    return config


@cache
def head() -> str:
    """The version of the schema that this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def upgrade(database_url: str) -> None:
    """Migrate to head, in one transaction, then grant what is new to the roles that were granted before.

    Raises PostgresUnavailable, or psycopg's error if a lock is not had.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(database_url, application="outbox migrate", statement_timeout_s=0),
    )
    config = _config()
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise (error.orig or error) from None  # psycopg's own, as from every other statement of ours
    finally:
        engine.dispose()
    with connect(database_url, application="outbox migrate", autocommit=True) as connection:
        for role, applies in connection.execute(_SQL["granted"]).fetchall():
            connection.execute(grants(role, to_apply=applies).encode())


def upgrade_sql(output: TextIO) -> None:
    """Write the DDL of the whole way to head, for a DBA to run."""
    command.upgrade(_config(output), "head", sql=True)


def grants(role: str, *, to_apply: bool = False) -> str:
    """What a plain role needs on the schema `outbox` for relay and workers, or to run apply and detach; as SQL text."""
    text = _SQL["grants_apply" if to_apply else "grants"]
    return sql.SQL(text).format(role=sql.Identifier(role)).as_string()
