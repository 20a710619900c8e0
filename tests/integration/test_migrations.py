"""The schema `outbox`: made by the command, by the printed SQL, taken away again; what a plain role may do in it."""

from __future__ import annotations

import io
import secrets
import subprocess

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from outbox import migrate, resources
from outbox.connection import connect
from outbox.errors import SchemaOutOfDate
from outbox.store import claims, events, indexes
from relay.leadership import Leadership
from relay.wakeup import Wakeup
from services import postgres
from tests.integration.hand_made import SQL, add, begun, make_index, states


def alembic(url: str, action: str, *arguments: str) -> None:
    """Run one of Alembic's own commands on a database."""
    config = Config()
    config.set_main_option("script_location", str(resources.migrations()))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, action)(config, *arguments)
    engine.dispose()


def dumped(url: str) -> list[str]:
    """The schema's DDL as pg_dump writes it, without what differs from run to run."""
    program = postgres.programs("postgres") / "pg_dump"
    text = subprocess.check_output([program, "--schema-only", "--no-owner", url], text=True)
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]


def test_the_tables_are_those_that_the_queries_know(outbox_url: str) -> None:
    alembic(outbox_url, "check")


def test_migrating_twice_changes_nothing(outbox_url: str) -> None:
    before = dumped(outbox_url)
    migrate.upgrade(outbox_url)
    assert dumped(outbox_url) == before


def test_the_printed_sql_makes_the_same_schema(outbox_url: str, empty_url: str) -> None:
    printed = io.StringIO()
    migrate.upgrade_sql(printed)
    psql = [str(postgres.programs("postgres") / "psql"), "-v", "ON_ERROR_STOP=1", "-q", empty_url]
    subprocess.run(psql, input=printed.getvalue(), text=True, check=True, capture_output=True)
    assert dumped(empty_url) == dumped(outbox_url)
    with connect(empty_url, application="test") as connection:
        indexes.demand_schema(connection, migrate.head())


def test_it_can_be_taken_away_and_made_again(outbox_url: str) -> None:
    before = dumped(outbox_url)
    alembic(outbox_url, "downgrade", "base")
    with psycopg.connect(outbox_url) as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'outbox'::regnamespace").fetchall()
        types = connection.execute(
            "SELECT FROM pg_type WHERE typnamespace = 'outbox'::regnamespace AND typtype IN ('e', 'd')"
        )
        assert {row[0] for row in left} == {"alembic_version", "alembic_version_pkc"}
        assert types.fetchall() == []
    migrate.upgrade(outbox_url)
    assert dumped(outbox_url) == before


def test_an_upgrade_keeps_what_the_first_version_had_and_grants_what_is_new_to_those_granted_before(
    empty_url: str,
) -> None:
    alembic(empty_url, "upgrade", "0001")
    role = f"plain {secrets.token_hex(4)}"
    with psycopg.connect(empty_url, autocommit=True) as owner:
        owner.execute(SQL["applied_in_0001"])
        owner.execute(f'CREATE ROLE "{role}"'.encode())
        owner.execute(migrate.grants(role).encode())
        owner.execute(f'REVOKE ALL ON outbox.leader FROM "{role}"'.encode())  # as if a migration had made it
        try:
            migrate.upgrade(empty_url)
            with connect(empty_url, application="test", autocommit=True) as connection:
                assert [(row["name"], row["state"], row["pending_live"]) for row in indexes.status(connection)] == [
                    ("items", "running", 1)
                ]
                connection.execute(f'SET ROLE "{role}"'.encode())
                assert Leadership().renew(connection)
            with connect(empty_url, application="test", autocommit=True) as connection:
                indexes.detach(connection, 1)
            alembic(empty_url, "downgrade", "0001")
            left = owner.execute("SELECT definition, (SELECT count(*) FROM outbox.event) FROM outbox.index").fetchall()
            assert left == [(None, 1)]  # detached: before 0002, an index that was never wholly applied
            migrate.upgrade(empty_url)
        finally:
            owner.execute(f'DROP OWNED BY "{role}"'.encode())
            owner.execute(f'DROP ROLE "{role}"'.encode())


def test_a_database_without_the_schema_is_told_from_an_old_one(empty_url: str) -> None:
    missing = pytest.raises(SchemaOutOfDate, match="is missing in this database: run `outbox migrate`")
    with connect(empty_url, application="test", autocommit=True) as connection, missing:
        indexes.demand_schema(connection, migrate.head())
    migrate.upgrade(empty_url)
    with connect(empty_url, application="test", autocommit=True) as connection:
        indexes.demand_schema(connection, migrate.head())
        with pytest.raises(SchemaOutOfDate, match=rf"is of version {migrate.head()}, this program needs 9999"):
            indexes.demand_schema(connection, "9999")


def test_a_plain_role_with_the_printed_grants_can_do_all_of_relay_and_worker(outbox_url: str) -> None:
    role = f"plain {secrets.token_hex(4)}"
    with psycopg.connect(outbox_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'plain'")
        owner.execute(migrate.grants(role).encode())
    with connect(outbox_url, application="owner", autocommit=True) as connection:
        place = make_index(connection)
    try:
        with connect(outbox_url, application="plain", autocommit=True) as connection:
            connection.execute(f'SET ROLE "{role}"')
            assert Leadership().renew(connection)
            add(connection, place, "a")
            assert claims.finish(connection, begun(connection, place), bad={}, back=[])
            assert states(connection) == {"a": ["done"]}
            events.replay_all(connection, place.index)
            claims.wake(connection)
            Wakeup(connection, lambda: False, lambda: False, lambda: False, 1.0, lambda: 1.0, lambda: True).rest()
    finally:
        with psycopg.connect(outbox_url, autocommit=True) as owner:
            owner.execute(f'DROP OWNED BY "{role}"')
            owner.execute(f'DROP ROLE "{role}"')


def test_a_migration_gives_up_rather_than_make_writers_wait(outbox_url: str) -> None:
    alembic(outbox_url, "downgrade", "base")
    with psycopg.connect(outbox_url) as holder:
        holder.execute("LOCK TABLE outbox.alembic_version IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate.upgrade(outbox_url)
