"""What capture costs those who write: pgbench over two equal schemas, one captured and one not, in turns.

The relay is awake, as it is under load; a line beside says what a NOTIFY in each transaction would cost, as it is while
the relay sleeps.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.capture_cost import worlds
from bench.figures import Figure, of_pairs
from bench.world import World, say
from outbox.connection import Connection
from outbox.sql import queries
from services import postgres
from services.command import succeed

_SQL = queries("bench", "writers.sql")
CAPTURED, PLAIN = "one", "no_one"
_STATEMENTS = 100


def measure(world: World) -> list[Figure]:
    """In a database of its own; nothing is indexed from it."""
    rows = world.scale.shown_on
    with worlds(world.endpoints.database_url, rows) as connection:
        for schema in (PLAIN, CAPTURED):
            connection.execute(sql.SQL(_SQL["shown_on_one"]).format(schema=sql.Identifier(schema)))
        connection.execute(_SQL["forget"])
        bench = _Bench(world, connection, rows)
        shown = [bench.pair("shown", 32) for _ in range(world.scale.rounds)]
        untracked = [bench.pair("untracked", 8) for _ in range(world.scale.rounds)]
        connection.execute(_SQL["asleep"])
        notified = bench.pair("shown", 32)
        connection.execute(_SQL["awake"])
        say(f"writers: with a NOTIFY in each transaction {notified[0] / notified[1]:.2f}")
        statements = [_statements(connection) for _ in range(world.scale.rounds)]
    return [
        of_pairs("writers_32_with_vs_without", shown),
        of_pairs("untracked_with_vs_without", untracked),
        of_pairs("fanout_statement_vs_without", statements),
    ]


class _Bench:
    def __init__(self, world: World, connection: Connection, rows: int) -> None:
        self._world, self._connection, self._rows = world, connection, rows
        self._turn = 0

    def pair(self, script: str, clients: int) -> tuple[float, float]:
        """Transactions a second with capture and without, one after the other, in turns."""
        self._turn += 1
        order = (CAPTURED, PLAIN) if self._turn % 2 else (PLAIN, CAPTURED)
        found = {schema: self._rate(script, schema, clients) for schema in order}
        say(f"writers: {script}, {clients} clients: {found[CAPTURED]:.0f} of {found[PLAIN]:.0f} transactions/s")
        self._connection.execute(_SQL["forget"])
        return found[CAPTURED], found[PLAIN]

    def _rate(self, script: str, schema: str, clients: int) -> float:
        file = self._world.stack.folder.path / "pgbench.sql"
        file.write_text(_SQL[script].format(schema=schema, rows=self._rows), "utf-8")
        said = _pgbench(self._connection, file, clients, self._world.scale.writers_s)
        match = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        if match is None:
            raise RuntimeError(f"pgbench says no tps:\n{said}")
        return float(match[1])


def _pgbench(connection: Connection, file: Path, clients: int, seconds: float) -> str:
    where = conninfo_to_dict(connection.info.dsn)
    secret = {"PGPASSWORD": connection.info.password}
    address = ["-h", str(where["host"]), "-p", str(where["port"]), "-U", str(where["user"])]
    how = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(round(seconds)), "-f", str(file)]
    return succeed([postgres.programs("postgres") / "pgbench", *address, *how, connection.info.dbname], extra=secret)


def _statements(connection: Connection) -> tuple[float, float]:
    """Seconds of statements on a row that all documents show, with capture and without, each committed."""
    took = {CAPTURED: 0.0, PLAIN: 0.0}
    statements: dict[str, Callable[[], object]] = {schema: _renamer(connection, schema) for schema in took}
    for turn in range(_STATEMENTS):
        for schema in (CAPTURED, PLAIN) if turn % 2 else (PLAIN, CAPTURED):
            at = time.perf_counter()
            statements[schema]()
            took[schema] += time.perf_counter() - at
    say(
        f"writers: a row shown on all: {1000 * took[CAPTURED] / _STATEMENTS:.2f} of "
        f"{1000 * took[PLAIN] / _STATEMENTS:.2f} ms"
    )
    return took[CAPTURED], took[PLAIN]


def _renamer(connection: Connection, schema: str) -> Callable[[], object]:
    statement = sql.SQL(_SQL["rename"]).format(schema=sql.Identifier(schema))
    return lambda: connection.execute(statement)
