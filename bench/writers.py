"""What capture costs those who write: pgbench over two equal schemas, one captured and one not, in turns.

The relay is awake, as it is under load; beside stands what a NOTIFY in each transaction costs, as after a relay was
killed while it slept. WAL bytes and processor time of a row: `make bench-capture`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.capture_cost import as_users_connect, worlds
from bench.figures import of_pairs
from bench.outcome import Outcome, Table
from bench.world import World, say
from outbox.connection import Connection
from outbox.sql import queries
from services import postgres
from services.command import succeed

_SQL = queries("bench", "writers.sql")
CAPTURED, PLAIN = "one", "no_one"
CLIENTS = (1, 8, 32)
NOTE = (
    "The relay is awake, as under load. A NOTIFY in each transaction is what a relay that was killed while it slept "
    "leaves behind, until another leads or its sleep is over, after 30 s at the most. Postgres waits for its disk; "
    "the slow one is this one with commit_delay, by which Postgres waits before each flush."
)
SLOW_DISK_MS = 2
"""As an fsync of a disk without a cache that survives a power cut."""
_STATEMENTS = 100


def measure(world: World) -> Outcome:
    """In a database of its own; nothing is indexed from it."""
    rows = world.scale.shown_on
    with worlds(world.endpoints.database_url, rows) as connection:
        for schema in (PLAIN, CAPTURED):
            connection.execute(sql.SQL(_SQL["shown_on_one"]).format(schema=sql.Identifier(schema)))
        connection.execute(_SQL["forget"])
        bench = _Bench(world, connection, rows)
        rounds = world.scale.rounds
        shown = {clients: bench.pairs("shown", clients, rounds) for clients in CLIENTS}
        slow = bench.pairs("shown", max(CLIENTS), rounds, disk_ms=SLOW_DISK_MS)
        untracked = bench.pairs("untracked", 8, rounds)
        untracked_slow = bench.pairs("untracked", 8, rounds, disk_ms=SLOW_DISK_MS)
        connection.execute(_SQL["asleep"])
        notified = {clients: bench.pairs("shown", clients, 1) for clients in CLIENTS}
        connection.execute(_SQL["awake"])
        with as_users_connect(connection) as user:
            statements = [_statements(user) for _ in range(rounds)]
            bulk = [_bulk(user, rows) for _ in range(min(3, rounds))]
    table = [_row(f"{clients} clients", pairs) for clients, pairs in shown.items()]
    table.append(_row(f"{max(CLIENTS)} clients, a disk that takes {SLOW_DISK_MS} ms", slow))
    table += [_row(f"{clients} clients, a NOTIFY in each transaction", pairs) for clients, pairs in notified.items()]
    table.append(_row("8 clients, a column that no document shows", untracked))
    table.append(_row(f"the same, a disk that takes {SLOW_DISK_MS} ms", untracked_slow))
    costs = [
        (f"a row that all documents show, {_STATEMENTS} times", *_times(statements)),
        (f"UPDATE of {rows:,} rows", *_times(bulk)),
    ]
    return Outcome(
        [
            of_pairs("writers_32_with_vs_without", slow),
            of_pairs("writers_32_fast_disk", shown[max(CLIENTS)]),
            of_pairs("untracked_with_vs_without", untracked),
            of_pairs("untracked_slow_disk", untracked_slow),
            of_pairs("fanout_statement_vs_without", statements),
        ],
        [
            Table("Writers", ("pgbench", "captured, tps", "plain, tps", "ratio", "95 %"), table, NOTE),
            Table("Statements", ("statement", "captured, ms", "plain, ms", "ratio"), costs),
        ],
    )


def _row(name: str, pairs: list[tuple[float, float]]) -> tuple[str, ...]:
    ratio = of_pairs(name, pairs)
    captured, plain = (median(side) for side in zip(*pairs, strict=True))
    return (
        name,
        f"{captured:,.0f}",
        f"{plain:,.0f}",
        f"{ratio.value:.2f}",
        f"{ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}",
    )


def _times(pairs: list[tuple[float, float]]) -> tuple[str, ...]:
    captured, plain = (1000 * median(side) for side in zip(*pairs, strict=True))
    return f"{captured:,.2f}", f"{plain:,.2f}", f"{of_pairs('', pairs).value:.2f}"


class _Bench:
    def __init__(self, world: World, connection: Connection, rows: int) -> None:
        self._world, self._connection, self._rows = world, connection, rows
        self._turn = 0

    def pairs(self, script: str, clients: int, rounds: int, *, disk_ms: int = 0) -> list[tuple[float, float]]:
        """So many pairs; `disk_ms`: how much longer a flush takes."""
        return [self._pair(script, clients, disk_ms) for _ in range(rounds)]

    def _pair(self, script: str, clients: int, disk_ms: int) -> tuple[float, float]:
        """Transactions a second with capture and without, one after the other, in turns."""
        self._turn += 1
        order = (CAPTURED, PLAIN) if self._turn % 2 else (PLAIN, CAPTURED)
        found = {schema: self._rate(script, schema, clients, disk_ms) for schema in order}
        disk = f", {disk_ms} ms a flush" if disk_ms else ""
        say(f"writers: {script}, {clients} clients{disk}: {found[CAPTURED]:.0f} of {found[PLAIN]:.0f} transactions/s")
        self._connection.execute(_SQL["forget"])
        return found[CAPTURED], found[PLAIN]

    def _rate(self, script: str, schema: str, clients: int, disk_ms: int) -> float:
        file = self._world.stack.folder.path / "pgbench.sql"
        file.write_text(_SQL[script].format(schema=schema, rows=self._rows), "utf-8")
        said = _pgbench(self._connection, file, clients, self._world.scale.writers_s, disk_ms)
        match = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        if match is None:
            raise RuntimeError(f"pgbench says no tps:\n{said}")
        return float(match[1])


def _pgbench(connection: Connection, file: Path, clients: int, seconds: float, disk_ms: int) -> str:
    where = conninfo_to_dict(connection.info.dsn)
    secret = {"PGPASSWORD": connection.info.password}
    if disk_ms:
        secret["PGOPTIONS"] = f"-c commit_delay={1000 * disk_ms} -c commit_siblings=0"
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


def _bulk(connection: Connection, rows: int) -> tuple[float, float]:
    """Seconds of one UPDATE of all rows, with capture and without, each committed."""
    took = []
    for schema in (CAPTURED, PLAIN):
        statement = sql.SQL(_SQL["all"]).format(schema=sql.Identifier(schema))
        at = time.perf_counter()
        connection.execute(statement)
        took.append(time.perf_counter() - at)
    connection.execute(_SQL["forget"])
    for schema in (CAPTURED, PLAIN):
        connection.execute(sql.SQL(_SQL["vacuum"]).format(schema=sql.Identifier(schema)))
    say(f"writers: all {rows:,} rows: {took[0]:.2f} of {took[1]:.2f} s")
    return took[0], took[1]
