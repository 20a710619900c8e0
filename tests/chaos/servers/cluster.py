"""Postgres servers of a test's own, which it may stop, set back and promote: the run's shared ones stay whole."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from services import account, ports, state
from services.command import environment, succeed
from services.postgres import Postgres, programs
from services.state import Folder, State
from services.waiting import wait_until
from tests.pipeline import until

FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT
PATIENCE_S = 60.0


@dataclass(slots=True)
class Server:
    """One server with the data of its own folder."""

    unit: Postgres
    process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.unit.state.ports["postgres"]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.unit.prepare()
        program = self.unit.program()
        with (self.unit.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                program.command, cwd=program.directory, env=environment(), stdout=log, stderr=log
            )
        assert wait_until(lambda: (False, self.unit.answers()), seconds=PATIENCE_S) == ""

    def stop(self, how: signal.Signals = FAST) -> None:
        """`IMMEDIATE`: as a crash, so that it recovers from its log when it starts again."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
            self.process = None

    def backup(self, to: Path, *, standby: bool = False) -> None:
        """A base backup of the running server; `standby`: one that follows it when it is started."""
        options = (
            "-c",
            "fast",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "postgres",
            *(["-R"] if standby else []),
        )
        program = self.unit.programs / "pg_basebackup"
        secret = {"PGPASSWORD": self.unit.state.postgres_password}
        succeed([*self.unit.account.prefix, program, "-D", to, *options], extra=secret, cwd=to.parent)

    def restore(self, backup: Path) -> None:
        """Take the data of a backup in place of its own; it must not run."""
        shutil.rmtree(self.unit.data)
        backup.rename(self.unit.data)

    def alter(self, setting: str) -> None:
        """ALTER SYSTEM, in force at once."""
        with psycopg.connect(self.unit.url, autocommit=True) as connection:
            connection.execute(setting.encode())
            connection.execute("SELECT pg_reload_conf()")

    def ask(self, statement: str) -> object:
        """The first value that a statement gives."""
        with psycopg.connect(self.unit.url, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None


@dataclass(slots=True)
class Cluster:
    """The servers of one test; they end with it."""

    folder: Path
    servers: list[Server] = field(default_factory=list)

    def primary(self) -> Server:
        """A new server with an empty database."""
        server = Server(self._unit(State()))
        server.start()
        self.servers.append(server)
        return server

    def standby(self, of: Server) -> Server:
        """A new server that follows that one by streaming."""
        server = Server(self._unit(of.unit.state))
        server.unit.home.mkdir(mode=0o700)
        of.backup(server.unit.data, standby=True)
        server.start()
        self.servers.append(server)
        until(lambda: of.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"), "it follows")
        return server

    def _unit(self, known: State) -> Postgres:
        folder = Folder(self.folder / f"server-{len(self.servers)}")
        folder.path.mkdir(mode=0o700)
        found = programs("postgres")
        chosen = account.choose(found, folder.path, "")
        port = next(port for port in iter(ports.draw, None) if ports.is_free(port))
        mine = State(ports={"postgres": port}, postgres_password=known.postgres_password)
        return Postgres(folder, mine, chosen, account.reachable(chosen, found))


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Servers whose data lie in that folder."""
    found = Cluster(folder)
    try:
        yield found
    finally:
        for server in found.servers:
            server.stop(IMMEDIATE)
            state.remove([server.unit.account.folder])
