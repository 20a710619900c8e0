"""PgBouncer in transaction mode between us and Postgres: nothing is pinned by luck, and edits arrive by the poll."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from outbox.connection import Connection, connect
from outbox.errors import ConfigError
from services.endpoints import Endpoints
from services.state import write_private
from tests.chaos.servers.daemon import found, free_port, needed, running
from tests.chaos.servers.piped import applied, edited, said, settled
from tests.conftest import cloned
from tests.pipeline import Pipeline, until

pytestmark = needed("pgbouncer", "pgbouncer")
CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = {role}
pool_mode = transaction
default_pool_size = 2
{more}
"""
HOSTILE = {
    "timezone": "Asia/Kolkata",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "0",
    "default_transaction_isolation": "serializable",
    "synchronous_commit": "off",
}
SETTINGS = "SELECT current_setting('timezone'), current_setting('datestyle'), current_setting('search_path')"


@dataclass(frozen=True, slots=True)
class Pooled:
    """A database, a plain role in it with settings that hurt, and its address behind PgBouncer."""

    direct: str
    role: str
    port: int

    @property
    def url(self) -> str:
        """The role's way through the pooler."""
        return f"postgresql://{self.role}@127.0.0.1:{self.port}{urlsplit(self.direct).path}"

    def superuser(self, statement: str | sql.Composed) -> None:
        """One statement, past the pooler."""
        with psycopg.connect(self.direct, autocommit=True) as connection:
            connection.execute(statement.encode() if isinstance(statement, str) else statement)

    def cure(self) -> None:
        """Do what the refusal says."""
        with pytest.raises(ConfigError, match="behind a pooler") as refused:
            connect(self.url, application="test")
        statements = re.findall(r"ALTER ROLE [^;]*;", str(refused.value))
        assert len(statements) == 10
        for statement in statements:
            self.superuser(statement)
        with psycopg.connect(f"postgresql://{self.role}@127.0.0.1:{self.port}/pgbouncer", autocommit=True) as console:
            console.execute("RECONNECT")


@contextmanager
def pooled(endpoints: Endpoints, template: str, folder: Path, more: str = "") -> Iterator[Pooled]:
    """PgBouncer runs, with these settings beside its defaults."""
    with cloned(endpoints.database_url, template) as url:
        known = Pooled(url, f"pooled_{secrets.token_hex(4)}", free_port())
        place = {"postgres": urlsplit(url).port, "port": known.port, "folder": folder, "role": known.role}
        write_private(folder / "pgbouncer.ini", CONFIGURATION.format(**place, more=more))
        write_private(folder / "users", f'"{known.role}" ""\n')
        role = sql.Identifier(known.role)
        known.superuser(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        for name, value in HOSTILE.items():
            parts = sql.SQL(", ").join(map(sql.Literal, value.split(", ")))
            known.superuser(sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(name), parts))
        try:
            with running([found("pgbouncer"), folder / "pgbouncer.ini"], folder, known.port):
                yield known
        finally:
            for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
                known.superuser(sql.SQL(statement).format(role))


def through(known: Pooled) -> Connection:
    """One of our connections."""
    return connect(known.url, application="test", autocommit=True)


@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options"])
def test_nothing_is_pinned_by_luck(endpoints: Endpoints, template: str, tmp_path: Path, more: str) -> None:
    """Whether PgBouncer refuses our options, its default, or drops them in silence."""
    with pooled(endpoints, template, tmp_path, more) as known:
        known.cure()
        with through(known) as one, through(known) as other:
            for _ in range(8):  # more than it takes until a statement would be prepared
                assert one.execute(SETTINGS).fetchone() == ("UTC", "ISO, YMD", "pg_catalog, pg_temp")
            with other.transaction():  # so that the next one runs on another of the pooler's connections
                first = other.execute("SELECT pg_backend_pid()").fetchone()
                assert one.execute(SETTINGS).fetchone() == ("UTC", "ISO, YMD", "pg_catalog, pg_temp")
                assert one.execute("SELECT pg_backend_pid()").fetchone() != first


@pytest.mark.long
def test_the_pipeline_behind_pgbouncer(endpoints: Endpoints, template: str, tmp_path: Path) -> None:
    (tmp_path / "pgbouncer").mkdir(mode=0o700)
    with pooled(endpoints, template, tmp_path / "pgbouncer") as known, applied(known.direct, endpoints, tmp_path) as it:
        it.pipeline.run("migrate", "--grant-to", known.role)
        it.pipeline.run("apply")
        environment = {**it.pipeline.environment, "OUTBOX_DATABASE_URL": known.url}
        behind = Pipeline(environment, tmp_path, processes=it.pipeline.processes)
        behind.spawn("relay-0", "relay")
        assert behind.processes.pop("relay-0").wait(60) == 1
        assert "RECONNECT" in said(it)[-1] and not any("Traceback" in line for line in said(it))
        known.cure()
        behind.start()
        settled(it)
        until(lambda: any("no notifications" in line for line in said(it)), "the relay polls")
        with edited(it) as writer:
            edits = len(writer.statements)
            until(lambda: len(writer.statements) > edits + 40, "edits go on")
            assert sessions(it.connection, known.role) <= 2
        assert "for its whole session" in behind.run("apply", expect=1).stderr


def sessions(connection: Connection, role: str) -> int:
    """The connections that Postgres sees of a role: those of the pooler, fewer than our processes have."""
    (row,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [role]).fetchall()
    return int(row[0])
